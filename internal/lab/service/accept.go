// How connections are accepted, and how they end with their server.

package service

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// An acceptor is what every server here begins with: a listener, if it has one
// of its own, and the connections that came by it.
type acceptor struct {
	ln    net.Listener
	conns connSet
	wg    sync.WaitGroup
}

// accept takes connections from a listener, which it owns from now on, and
// gives each to talk in a goroutine of its own.
func (a *acceptor) accept(ln net.Listener, talk func(net.Conn)) {
	a.ln = ln
	a.wg.Go(func() { serve(ln, &a.conns, talk) })
}

// Addr is where the server listens.
func (a *acceptor) Addr() netip.AddrPort { return addrPort(a.ln.Addr()) }

// stop ends the listener and the connections, and waits for the last.
func (a *acceptor) stop() error {
	var err error
	if a.ln != nil {
		err = a.ln.Close()
	}
	a.conns.closeAll()
	a.wg.Wait()
	return err
}

// acceptPause is how long a server waits that could not accept.
const acceptPause = 10 * time.Millisecond

// serve accepts until the listener is closed, each connection in a goroutine
// of its own, and returns when the last has ended.
func serve(ln net.Listener, conns *connSet, each func(net.Conn)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, say: those who leave give some back
			time.Sleep(acceptPause)
			continue
		}
		if !conns.add(c) {
			_ = c.Close()
			return
		}
		wg.Go(func() {
			defer conns.remove(c)
			defer c.Close()
			each(c)
		})
	}
}

// finish sends a FIN and takes what still comes, so that the kernel has no
// reason for a RST. The connection's deadline bounds it.
func finish(c *net.TCPConn) {
	_ = c.CloseWrite()
	_, _ = io.Copy(io.Discard, c)
	_ = c.Close()
}

// A connSet is the open connections of a peer.
type connSet struct {
	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{}
}

func (s *connSet) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.open == nil {
		s.open = make(map[net.Conn]struct{})
	}
	s.open[c] = struct{}{}
	return true
}

func (s *connSet) remove(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

func (s *connSet) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.open {
		_ = c.Close()
	}
}

// addrPort is a TCP address as a value.
func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		p := t.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}
