package lab

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

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

// A sessionLog keeps the last sessions and hands them out once, in order.
type sessionLog[T any] struct {
	mu     sync.Mutex
	limit  int
	kept   []T
	unread int // of kept, from the end
	news   chan struct{}
	closed bool
}

func newSessionLog[T any](limit int) *sessionLog[T] {
	return &sessionLog[T]{limit: limit, news: make(chan struct{})}
}

func (l *sessionLog[T]) add(s T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) == l.limit {
		l.kept = l.kept[1:]
	}
	l.kept = append(l.kept, s)
	l.unread = min(l.unread+1, len(l.kept))
	l.wake()
}

func (l *sessionLog[T]) wake() {
	close(l.news)
	l.news = make(chan struct{})
}

func (l *sessionLog[T]) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
}

func (l *sessionLog[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]T(nil), l.kept...)
}

func (l *sessionLog[T]) next(ctx context.Context) (s T, err error) {
	for {
		l.mu.Lock()
		if l.unread > 0 {
			s = l.kept[len(l.kept)-l.unread]
			l.unread--
			l.mu.Unlock()
			return s, nil
		}
		closed, news := l.closed, l.news
		l.mu.Unlock()
		if closed {
			return s, os.ErrClosed
		}
		select {
		case <-news:
		case <-ctx.Done():
			return s, ctx.Err()
		}
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
