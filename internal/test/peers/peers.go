// Package peers starts peers in a lab for tests: such as speak no TLS, and relays
// that do something wrong to what a server says. Only tests use it.
package peers

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// Start starts a service of a kind, which needs no certificate, on a free port of
// the far node, until the test ends. It returns the port's address.
func Start(t testing.TB, l *lab.Lab, kind service.Kind) netip.AddrPort {
	t.Helper()
	if kind == service.Closed {
		return closed(t, l.Far())
	}
	port, err := service.Start(func(c net.ListenConfig) (net.Listener, error) { return listen(l.Far(), c) },
		[]service.Service{{Kind: kind}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port.Addr()
}

// relayPatience is how long a connection through a relay may take.
const relayPatience = 10 * time.Minute

// StartRelay starts a relay on the far node before a server there, with a fault,
// until the test ends. It returns the relay's address.
func StartRelay(t testing.TB, l *lab.Lab, server netip.AddrPort, f Fault) netip.AddrPort {
	t.Helper()
	ln, err := listen(l.Far(), net.ListenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	relay(t, ln, func(ctx context.Context) (net.Conn, error) { return l.Far().Dial(ctx, "tcp", server.String()) }, f)
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// relay carries each connection that a listener takes to a server and back, until
// the test ends.
func relay(t testing.TB, ln net.Listener, dial func(context.Context) (net.Conn, error), f Fault) {
	var carried sync.WaitGroup
	carried.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			carried.Go(func() {
				defer c.Close()
				s, err := dial(t.Context())
				if err != nil {
					return
				}
				defer s.Close()
				defer context.AfterFunc(t.Context(), func() { _ = c.Close(); _ = s.Close() })()
				carry(c.(*net.TCPConn), s.(*net.TCPConn), f, time.Now().Add(relayPatience))
			})
		}
	})
	t.Cleanup(func() { _ = ln.Close(); carried.Wait() })
}

// listen announces on a free port of a node.
func listen(n *lab.Node, c net.ListenConfig) (ln net.Listener, err error) {
	err = n.Do(func() (err error) {
		ln, err = c.Listen(context.Background(), "tcp", netip.AddrPortFrom(n.Addr(), 0).String())
		return err
	})
	return ln, err
}

// closed holds a port on which nobody listens: a SYN draws a RST.
func closed(t testing.TB, n *lab.Node) netip.AddrPort {
	t.Helper()
	var fd int
	var port uint16
	if err := n.Do(func() (err error) {
		fd, port, err = bindTCP(n.Addr())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return netip.AddrPortFrom(n.Addr(), port)
}

func bindTCP(addr netip.Addr) (fd int, port uint16, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, 0, err
	}
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: addr.As4()})
	var bound unix.Sockaddr
	if err == nil {
		bound, err = unix.Getsockname(fd)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, 0, err
	}
	return fd, uint16(bound.(*unix.SockaddrInet4).Port), nil
}
