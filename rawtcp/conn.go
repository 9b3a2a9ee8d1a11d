// The connection that callers hold: a net.Conn over a flow of the stack.

package rawtcp

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A Conn is a connection on a [Stack], as a net.Conn. What it reads and writes
// is its machine's top layer: TCP's stream, unless Build made another machine.
type Conn struct {
	stack *Stack
	flow  *endpoint.Flow

	read, write deadline

	// Guarded by stack.mu.
	changed     chan struct{} // closed when the machine may have changed; nil: nobody waits
	closed      bool          // Close was called
	writeClosed bool
	filtered    int    // packets that this machine refused to send
	failed      error  // why there can be no connection, where the machine cannot know it; or nil
	freed       func() // called once, when nothing is left of the connection; or nil
}

var _ net.Conn = (*Conn)(nil)

func newConn(s *Stack, f *endpoint.Flow) *Conn {
	return &Conn{stack: s, flow: f, read: makeDeadline(), write: makeDeadline()}
}

// Do runs f while the connection's machine is locked, then sends what has
// become due. F may call the machine, but not the Conn or the Stack.
func (c *Conn) Do(f func(now tcb.Instant)) {
	c.stack.mu.Lock()
	defer c.stack.mu.Unlock()
	c.update(f)
}

// update is Do with the lock held.
func (c *Conn) update(f func(now tcb.Instant)) {
	f(c.stack.now())
	c.stack.endpoint.Touch(c.flow)
	c.stack.flush()
}

// Wait waits until f reports true. F is called while the machine is locked, at
// once and after each change. Wait ends early with the context's error, or with
// the stack's when that has ended.
func (c *Conn) Wait(ctx context.Context, f func() bool) error {
	return c.wait(ctx.Done(), ctx.Err, func() (bool, error) { return f(), nil })
}

// wait is Wait with any channel to end it; cause says why it did.
func (c *Conn) wait(stop <-chan struct{}, cause func() error, f func() (bool, error)) error {
	for {
		c.stack.mu.Lock()
		ok, err := f()
		failed := cmp.Or(c.failed, c.stack.err)
		if c.changed == nil && !ok {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.stack.mu.Unlock()
		switch {
		case ok || err != nil:
			return err
		case failed != nil:
			return failed
		}
		select {
		case <-changed:
		case <-stop:
			return cause()
		}
	}
}

func (c *Conn) wake() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// Handshake waits until the TCP connection is established, or returns why it is
// not. When the context ends, the connection goes on; Close it then.
func (c *Conn) Handshake(ctx context.Context) error {
	err := c.wait(ctx.Done(), ctx.Err, func() (bool, error) {
		if err := c.flow.Machine.Err(); err != nil {
			return false, err
		}
		return c.flow.Machine.State() > tcb.SynReceived, nil
	})
	return c.opError("dial", err)
}

// Read reads what has arrived, and waits if there is nothing. It returns io.EOF
// after the end of the peer's stream, and an error that wraps
// os.ErrDeadlineExceeded after the read deadline.
func (c *Conn) Read(p []byte) (n int, err error) {
	err = c.wait(c.read.wait(), deadlineExceeded, func() (bool, error) {
		m := c.flow.Machine
		switch data := m.Peek(); {
		case c.closed:
			return false, net.ErrClosed
		case len(p) == 0:
			return true, nil
		case c.read.expired():
			return false, os.ErrDeadlineExceeded
		case len(data) > 0:
			n = copy(p, data)
			c.update(func(tcb.Instant) { m.Discard(n) })
			return true, nil
		case m.EOF():
			return false, io.EOF
		}
		return false, c.flow.Machine.Err()
	})
	if err == io.EOF {
		return n, err
	}
	return n, c.opError("read", err)
}

// Write writes all of p, and waits for room in the send buffer where it must.
// It returns before the peer has acknowledged the data, and keeps no reference
// to p.
func (c *Conn) Write(p []byte) (n int, err error) {
	err = c.wait(c.write.wait(), deadlineExceeded, func() (bool, error) {
		switch {
		case c.closed || c.writeClosed:
			return false, net.ErrClosed
		case c.write.expired():
			return false, os.ErrDeadlineExceeded
		case c.flow.Machine.Err() != nil:
			return false, c.flow.Machine.Err()
		}
		if n < len(p) {
			c.update(func(tcb.Instant) { n += c.flow.Machine.Write(p[n:]) })
		}
		return n == len(p), nil
	})
	return n, c.opError("write", err)
}

// CloseWrite closes our direction: a FIN follows what was written, and we can
// go on reading.
func (c *Conn) CloseWrite() error {
	c.stack.mu.Lock()
	defer c.stack.mu.Unlock()
	if c.closed || c.writeClosed {
		return c.opError("close", net.ErrClosed)
	}
	c.writeClosed = true
	c.update(func(tcb.Instant) { c.flow.Machine.CloseWrite() })
	return nil
}

// Close ends the connection. It returns once the peer has acknowledged all that
// was written and our FIN, so that a program may exit after it. It waits for
// that at most StackConfig.Linger. An [UndeliveredError] then says how much was
// not acknowledged; delivery goes on in the background while the program runs,
// if the connection has not failed.
//
// If data was received and not read, or still arrives, Close aborts the
// connection, as RFC 9293, section 3.6.1 (SHLD-3) asks: a RST tells the peer
// that not everything was read.
func (c *Conn) Close() error {
	c.stack.mu.Lock()
	if c.closed {
		c.stack.mu.Unlock()
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.update(func(tcb.Instant) { c.flow.Machine.Close() })
	c.stack.mu.Unlock()
	undelivered := c.awaitDelivery()
	go c.linger()
	return c.opError("close", undelivered)
}

// Shutdown ends the connection and waits for both sides' FIN. When the context
// ends first, it resets the connection. In TIME-WAIT it waits a little longer,
// so that a retransmitted FIN meets us and not the kernel. Unlike Close it
// returns only when everything that belongs to the connection is gone.
func (c *Conn) Shutdown(ctx context.Context) {
	c.stack.mu.Lock()
	first := !c.closed
	c.closed = true
	if first && !c.writeClosed {
		c.update(func(tcb.Instant) { c.flow.Machine.CloseWrite() })
	}
	c.stack.mu.Unlock()
	c.finish(ctx)
}

// Abort ends the connection with a RST, and returns once it is gone.
func (c *Conn) Abort() {
	c.stack.mu.Lock()
	c.closed = true
	c.update(func(tcb.Instant) { c.flow.Machine.Abort() })
	c.stack.mu.Unlock()
	c.finish(context.Background())
}

// SetHeader lets f change what the IP headers of the connection's later packets
// hold.
func (c *Conn) SetHeader(f func(*endpoint.Header)) {
	c.Do(func(tcb.Instant) { f(&c.flow.Header) })
}

// LocalAddr returns our address and port, a *net.TCPAddr.
func (c *Conn) LocalAddr() net.Addr { return tcpAddr(c.flow.Local) }

// RemoteAddr returns the peer's address and port, a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr { return tcpAddr(c.flow.Remote) }

// SetDeadline sets the read and the write deadline, as net.Conn describes.
func (c *Conn) SetDeadline(t time.Time) error {
	c.read.set(t)
	c.write.set(t)
	return nil
}

// SetReadDeadline makes Read fail at t, also one that waits now. The zero time
// means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error { c.read.set(t); return nil }

// SetWriteDeadline makes Write fail at t, also one that waits now. The zero
// time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { c.write.set(t); return nil }

func tcpAddr(a netip.AddrPort) *net.TCPAddr { return net.TCPAddrFromAddrPort(a) }
