// Accepting connections, as a net.Listener.

package rawtcp

import (
	"net"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
)

// A Listener accepts connections on a port of a [Stack], as a net.Listener.
type Listener struct {
	stack *Stack
	ready *endpoint.Listening

	// Guarded by stack.mu.
	changed chan struct{}
	closed  bool
}

var _ net.Listener = (*Listener)(nil)

// Listen announces on a port. An unspecified address stands for every address
// that the link receives packets for. The kernel must not answer for the port:
// there has to be a guard, or an address that the kernel does not have.
func (s *Stack) Listen(local netip.AddrPort) (*Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	ln := &Listener{stack: s, ready: &endpoint.Listening{Local: local, Configure: s.begin}, changed: make(chan struct{})}
	ln.ready.Changed = ln.wake
	if err := s.endpoint.Listen(ln.ready); err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: tcpAddr(local), Err: err}
	}
	s.listeners[ln] = struct{}{}
	return ln, nil
}

func (ln *Listener) wake() {
	close(ln.changed)
	ln.changed = make(chan struct{})
}

// Accept waits for the next established connection, a *Conn. After Close it
// fails with net.ErrClosed.
func (ln *Listener) Accept() (net.Conn, error) {
	for {
		ln.stack.mu.Lock()
		changed, err := ln.changed, ln.stack.err
		if ln.closed {
			err = net.ErrClosed
		}
		var c *Conn
		if f := ln.ready.Accept(); err == nil && f != nil {
			c = ln.stack.adopt(f)
		}
		ln.stack.mu.Unlock()
		switch {
		case err != nil:
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: ln.Addr(), Err: err}
		case c != nil:
			return c, nil
		}
		<-changed
	}
}

// Close ends the listener. Connections that were not accepted are reset; those
// that were stay.
func (ln *Listener) Close() error {
	ln.stack.mu.Lock()
	if ln.closed {
		ln.stack.mu.Unlock()
		return &net.OpError{Op: "close", Net: "tcp", Addr: ln.Addr(), Err: net.ErrClosed}
	}
	ln.closed = true
	ln.stack.endpoint.Unlisten(ln.ready)
	delete(ln.stack.listeners, ln)
	ln.stack.flush()
	ln.wake()
	release := ln.stack.unused()
	ln.stack.mu.Unlock()
	if release != nil {
		release()
	}
	return nil
}

// Addr returns the address that the listener announces on, a *net.TCPAddr.
func (ln *Listener) Addr() net.Addr { return tcpAddr(ln.ready.Local) }
