package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/session"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// LinkKernel is the link that is none: our TLS over the kernel's TCP, for those
// who may not open raw sockets. No segment is ours, and none is seen.
const LinkKernel = "kernel"

// kernelConn drives a TLS client over a connection of the kernel's TCP.
type kernelConn struct {
	tcp  *net.TCPConn
	tls  *handshake.Client // nil: TCP alone
	sent func(end int64)   // told how much of our stream the kernel was given

	mu      sync.Mutex
	news    chan struct{} // closed, and made anew, at each change
	pending []byte        // output that the writer has not taken yet
	given   int64         // bytes of our stream that it has
	closing bool          // our FIN follows the pending output
	finSent bool
	ended   bool // the peer's stream has
	err     error

	readDeadline, writeDeadline time.Time
}

// openKernel connects by the kernel's TCP. The context bounds that.
func (r *run) openKernel(ctx context.Context) error {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error { return bindToDevice(c, r.Dialer.Interface) }}
	if r.Dialer.Source.IsValid() || r.Dialer.SourcePort != 0 {
		d.LocalAddr = &net.TCPAddr{IP: r.Dialer.Source.AsSlice(), Port: int(r.Dialer.SourcePort)}
	}
	d.SetMultipathTCP(false) // its TCP_INFO is of another kind
	start := r.now()
	c, err := d.DialContext(ctx, "tcp", r.Remote.String())
	if err != nil {
		return r.kernelRefusal(ctx, err)
	}
	tcp := c.(*net.TCPConn)
	r.noteKernel(tcp, r.now()-start)
	k := &kernelConn{tcp: tcp, news: make(chan struct{}), sent: r.handedOver}
	if r.Goal != goal.TCP {
		k.tls = handshake.NewClient(r.tlsConfig())
	}
	r.conn, r.machine = k, k
	r.established = func() bool { return true }
	r.waiting = func() string {
		if k.tls == nil {
			return "a SYN-ACK"
		}
		return answerTo(k.tls)
	}
	r.finalNote = func() { r.noteKernelInfo(tcp, "at the end") }
	if k.tls != nil {
		k.mu.Lock()
		k.tls.Start()
		k.flush()
		k.mu.Unlock()
		go k.read()
		go k.write()
	}
	return nil
}

// kernelRefusal makes of a failed connect what rawtcp would call it.
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

// kernelError puts the kernel's word for an end beside ours.
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

func (k *kernelConn) Work() (handshake.Work, bool) {
	if k.tls == nil {
		return nil, false
	}
	return k.tls.Work()
}

func (k *kernelConn) Resume(res handshake.Result) {
	k.tls.Resume(res)
	k.flush()
}

// Err is TLS's failure, or else TCP's. The caller holds the lock, in Wait.
func (k *kernelConn) Err() error {
	if k.tls == nil {
		return k.err
	}
	if err := k.tls.Err(); err != nil {
		return err
	}
	if k.err != nil {
		return &session.TransportError{Err: k.err, After: k.tls.LastMessage()}
	}
	return nil
}

// changed wakes whoever waits. The caller holds the lock.
func (k *kernelConn) changed() {
	close(k.news)
	k.news = make(chan struct{})
}

// flush takes TLS's output for the writer. The caller holds the lock.
func (k *kernelConn) flush() {
	k.pending = k.tls.AppendOutput(k.pending)
	if k.tls.Err() != nil {
		k.closing = true // after a fatal alert there is nothing more to say
	}
	k.changed()
}

// read moves what the kernel has into TLS, as much as that has room for.
func (k *kernelConn) read() {
	buf := make([]byte, 16<<10)
	for {
		n, err := k.tcp.Read(buf)
		k.mu.Lock()
		for p := buf[:n]; len(p) > 0; {
			if k.tls.Err() != nil {
				break
			}
			take := min(len(p), k.tls.Room())
			if take <= 0 {
				k.sleep(time.Time{})
				if k.err != nil {
					break
				}
				continue
			}
			k.tls.Receive(p[:take])
			p = p[take:]
			k.flush()
		}
		switch {
		case err == io.EOF:
			k.ended = true
			k.tls.TransportEOF()
			k.flush()
		case err != nil && k.err == nil:
			k.err = kernelError(err)
			k.changed()
		}
		k.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// write gives the kernel what TLS has to say, and then our FIN.
func (k *kernelConn) write() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.err == nil && !k.finSent {
		switch {
		case len(k.pending) > 0:
			out := k.pending
			k.pending = nil
			k.given += int64(len(out))
			k.sent(k.given)
			k.mu.Unlock()
			_, err := k.tcp.Write(out)
			k.mu.Lock()
			if err != nil && k.err == nil {
				k.err = kernelError(err)
			}
			k.changed()
		case k.closing:
			k.finSent = true
			_ = k.tcp.CloseWrite()
			k.changed()
		default:
			k.sleep(time.Time{})
		}
	}
}

// sleep gives up the lock until something changes or the time has come, which
// it reports.
func (k *kernelConn) sleep(until time.Time) (late bool) {
	news := k.news
	k.mu.Unlock()
	defer k.mu.Lock()
	if until.IsZero() {
		<-news
		return false
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-news:
		return false
	case <-timer.C:
		return true
	}
}

func (k *kernelConn) Do(f func(tcb.Instant)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f(0)
}

func (k *kernelConn) Wait(ctx context.Context, f func() bool) error {
	for {
		k.mu.Lock()
		done, news := f(), k.news
		k.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (k *kernelConn) Read(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		if n := copy(p, k.tls.Peek()); n > 0 {
			k.tls.Discard(n)
			k.flush()
			return n, nil
		}
		switch {
		case k.tls.EOF():
			return 0, io.EOF
		case k.Err() != nil:
			return 0, k.Err()
		case k.sleep(k.readDeadline):
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// maxPending bounds the output that waits for the kernel, in bytes.
const maxPending = 64 << 10

func (k *kernelConn) Write(p []byte) (n int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(p) > 0 {
		if err := k.Err(); err != nil {
			return n, err
		}
		if len(k.pending) < maxPending {
			took := k.tls.Write(p)
			n, p = n+took, p[took:]
			k.flush()
			if took > 0 {
				continue
			}
		}
		if k.sleep(k.writeDeadline) {
			return n, os.ErrDeadlineExceeded
		}
	}
	return n, nil
}

func (k *kernelConn) CloseWrite() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closeWrite()
	return nil
}

func (k *kernelConn) closeWrite() {
	k.closing = true
	if k.tls != nil {
		k.tls.CloseWrite()
		k.flush()
	}
}

func (k *kernelConn) SetDeadline(t time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.readDeadline, k.writeDeadline = t, t
	k.changed()
	return nil
}

func (k *kernelConn) SetReadDeadline(t time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.readDeadline = t
	k.changed()
	return nil
}

// Shutdown ends our direction, waits for the peer to end its own, and closes.
func (k *kernelConn) Shutdown(ctx context.Context) {
	if k.tls != nil {
		_ = k.CloseWrite()
		_ = k.Wait(ctx, func() bool { return k.err != nil || k.finSent && k.ended })
	}
	k.close()
}

// Abort ends the connection with a RST.
func (k *kernelConn) Abort() {
	_ = k.tcp.SetLinger(0)
	k.close()
}

func (k *kernelConn) close() {
	k.mu.Lock()
	if k.err == nil {
		k.err = net.ErrClosed
	}
	k.changed()
	k.mu.Unlock()
	_ = k.tcp.Close()
}
