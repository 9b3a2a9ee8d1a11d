// Our TLS over the kernel's TCP, for those who may not open raw sockets.

package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rawshake/rawshake/internal/conn"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
)

// LinkKernel means no link of ours: TLS over the kernel's TCP, for those who
// may not open raw sockets. No segment is ours, and none is seen.
const LinkKernel link.Kind = "kernel"

// kernelConn is a connection over the kernel's TCP, with or without a TLS
// client above it.
type kernelConn struct {
	tcp    *net.TCPConn
	tls    *handshake.Client // nil: TCP alone
	pre    *starttls.Machine // what precedes TLS; nil: nothing
	conn   *tlsconn.Conn     // which moves it
	stream *kernelStream
}

// kernelStream watches the kernel's stream.
type kernelStream struct {
	*net.TCPConn
	sent  func(end int64) // called with how much of our stream the kernel was given
	given int64           // that much
	ahead []byte          // what was read of the peer's stream already
	ended atomic.Bool     // the peer's stream has
	err   atomic.Pointer[error]
}

func (s *kernelStream) Read(p []byte) (int, error) {
	if len(s.ahead) > 0 {
		n := copy(p, s.ahead)
		s.ahead = s.ahead[n:]
		return n, nil
	}
	n, err := s.TCPConn.Read(p)
	if err == io.EOF {
		s.ended.Store(true)
		return n, err
	}
	return n, s.noted(err)
}

func (s *kernelStream) Write(p []byte) (int, error) {
	s.sent(s.given + int64(len(p)))
	n, err := s.TCPConn.Write(p)
	s.given += int64(n)
	return n, s.noted(err)
}

// noted remembers why the stream failed, in our words.
func (s *kernelStream) noted(err error) error {
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	err = kernelError(err)
	s.err.CompareAndSwap(nil, &err)
	return err
}

// openKernel connects by the kernel's TCP. The context bounds that.
func (r *run) openKernel(ctx context.Context) error {
	start := r.now()
	tcp, err := dialKernel(ctx, &r.Dialer, r.Remote)
	if err != nil {
		return r.kernelRefusal(ctx, err)
	}
	r.noteKernel(tcp, r.now()-start)
	k := &kernelConn{tcp: tcp, stream: &kernelStream{TCPConn: tcp, sent: r.handedOver}}
	if r.Preamble != nil {
		r.local = addrPort(tcp.LocalAddr())
		k.pre = starttls.NewMachine(r.Preamble, r.precedingIdentity())
	}
	if r.Goal != goal.TCP {
		k.tls = handshake.NewClient(r.tlsConfig())
		k.conn = tlsconn.New(k.stream, k.tls, r.Worker)
	}
	r.conn, r.machine = k, k
	r.established = func() bool { return true }
	r.preceding = k.preceding
	r.waiting = func() string {
		switch {
		case k.preceding():
			return k.pre.Waiting()
		case k.tls == nil:
			return "a SYN-ACK"
		}
		return answerTo(k.tls)
	}
	r.finalNote = func() { r.noteKernelInfo(tcp, "at the end") }
	return nil
}

// dialKernel connects by the kernel's TCP, by the way that the dialer names.
func dialKernel(ctx context.Context, by *rawtcp.Dialer, remote netip.AddrPort) (*net.TCPConn, error) {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error { return bindToDevice(c, by.Interface) }}
	if by.Source.IsValid() || by.SourcePort != 0 {
		d.LocalAddr = &net.TCPAddr{IP: by.Source.AsSlice(), Port: int(by.SourcePort)}
	}
	d.SetMultipathTCP(false) // its TCP_INFO has another form
	c, err := d.DialContext(ctx, "tcp", remote.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// DialKernel is the same for who has no [Run], with our errors.
func DialKernel(ctx context.Context, by *rawtcp.Dialer, remote netip.AddrPort) (net.Conn, error) {
	c, err := dialKernel(ctx, by, remote)
	if err != nil {
		return nil, kernelError(rawtcp.Cause(err))
	}
	return c, nil
}

// kernelRefusal turns a failed connect into the error that rawtcp would return.
func (r *run) kernelRefusal(ctx context.Context, err error) error {
	var timeout net.Error
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &timeout) && timeout.Timeout():
		return &goal.TimeoutError{After: r.within.Round(time.Millisecond), Waiting: "a SYN-ACK (by the kernel's TCP)"}
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return kernelError(err)
}

// kernelError adds our error to the kernel's for the same end.
func kernelError(err error) error {
	for no, ours := range map[syscall.Errno]error{
		syscall.ECONNREFUSED: rawtcp.ErrRefused,
		syscall.ECONNRESET:   rawtcp.ErrReset,
		syscall.EPIPE:        rawtcp.ErrReset,
		syscall.ENETUNREACH:  rawtcp.ErrUnreachable,
		syscall.EHOSTUNREACH: rawtcp.ErrUnreachable,
		syscall.ETIMEDOUT:    rawtcp.ErrTimeout,
	} {
		if errors.Is(err, no) {
			return fmt.Errorf("%w, as the kernel's TCP says (%w)", ours, err)
		}
	}
	return err
}

func (k *kernelConn) TLS() *handshake.Client { return k.tls }

// Work returns none, since tlsconn does it.
func (k *kernelConn) Work() (handshake.Work, bool) { return nil, false }

// Resume is never called, since there is no work.
func (k *kernelConn) Resume(handshake.Result) {}

// UpdateKeys has both sides change their keys. It is called while nothing else
// moves the machine.
func (k *kernelConn) UpdateKeys() { k.tls.UpdateKeys(true) }

// Err is the failure of TLS, or else of TCP. It is called while nothing else
// moves the machine.
func (k *kernelConn) Err() error {
	failed := k.stream.err.Load()
	switch {
	case k.preceding() && k.pre.Err() != nil:
		return k.pre.Err()
	case k.preceding() && failed != nil && k.pre.After() != "":
		return &conn.TransportError{Err: *failed, After: k.pre.After()}
	case k.tls != nil && k.tls.Err() != nil:
		return k.tls.Err()
	case failed == nil:
		return nil
	case k.tls == nil:
		return *failed
	}
	return &conn.TransportError{Err: *failed, After: k.tls.LastMessage()}
}

func (k *kernelConn) Do(f func(tcb.Instant)) {
	if k.conn == nil {
		f(0)
		return
	}
	_ = k.conn.Do(func(tlsconn.Machine) { f(0) }) // Err says what cannot be sent
}

func (k *kernelConn) Wait(ctx context.Context, f func() bool) error {
	if k.preceding() && !f() {
		if err := k.precede(ctx); err != nil {
			return err
		}
		if k.preceding() && f() { // it failed, and TLS will not begin
			return nil
		}
	}
	if k.conn == nil {
		if f() {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	err := k.conn.Until(ctx, f)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	done := false
	k.Do(func(tcb.Instant) { done = f() }) // f may be waiting for a failure
	if done {
		return nil
	}
	return err
}

func (k *kernelConn) Read(p []byte) (int, error) {
	n, err := k.conn.Read(p)
	return n, k.plain(err)
}

func (k *kernelConn) Write(p []byte) (int, error) {
	n, err := k.conn.Write(p)
	return n, k.plain(err)
}

// plain is an error in the words of a connection over our own TCP.
func (k *kernelConn) plain(err error) error {
	var failed error
	k.Do(func(tcb.Instant) { failed = k.Err() })
	switch {
	case err == nil, err == io.EOF:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	case failed != nil:
		return failed
	}
	return err
}

func (k *kernelConn) CloseWrite() error {
	if k.preceding() { // nobody would read an alert
		return k.tcp.CloseWrite()
	}
	k.Do(func(tcb.Instant) { k.tls.CloseWrite() })
	return k.tcp.CloseWrite()
}

func (k *kernelConn) SetDeadline(t time.Time) error     { return k.conn.SetDeadline(t) }
func (k *kernelConn) SetReadDeadline(t time.Time) error { return k.conn.SetReadDeadline(t) }

// Shutdown ends our direction, waits for the peer to end its own, and closes.
// The context bounds the wait.
func (k *kernelConn) Shutdown(ctx context.Context) {
	if k.conn != nil {
		_ = k.CloseWrite()
	}
	if k.conn != nil && !k.preceding() {
		k.drain(ctx)
	}
	_ = k.tcp.Close()
}

// drain reads what the peer still sends, to the end.
func (k *kernelConn) drain(ctx context.Context) {
	err := k.conn.Until(ctx, func() bool {
		k.tls.Discard(len(k.tls.Peek()))
		return k.stream.ended.Load()
	})
	if err == nil || ctx.Err() != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = k.tcp.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	_, _ = io.Copy(io.Discard, k.tcp) // TLS is over, but the stream is not
}

// Abort ends the connection with a RST.
func (k *kernelConn) Abort() {
	_ = k.tcp.SetLinger(0)
	_ = k.tcp.Close()
}
