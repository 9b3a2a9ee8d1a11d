package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Peer is a peer that speaks no TLS: it is silent, closed, or talks of
// something else.
type Peer struct {
	addr  netip.AddrPort
	close func() error
}

// Addr is where the peer is to be found.
func (p *Peer) Addr() netip.AddrPort { return p.addr }

// Close ends the peer.
func (p *Peer) Close() error { return p.close() }

// StartClosed holds a port of the far node on which nobody listens: a SYN draws
// a RST.
func (l *Lab) StartClosed() (*Peer, error) {
	var fd int
	var port uint16
	err := l.Far().Do(func() (err error) {
		fd, port, err = bindTCP(l.Far().addr4)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: hold a closed port: %w", err)
	}
	p := &Peer{
		addr:  netip.AddrPortFrom(l.Far().addr4, port),
		close: sync.OnceValue(func() error { return unix.Close(fd) }),
	}
	return p, l.owns(p)
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

// StartSilent holds a port of the far node that answers nothing at all.
func (l *Lab) StartSilent() (*Peer, error) {
	return l.startPeer(net.ListenConfig{Control: deaf}, func(c net.Conn) {})
}

// deaf makes a listener whose socket filter takes no packet: the kernel drops
// the SYN without a word, and no firewall is needed.
func deaf(_, _ string, c syscall.RawConn) error {
	none := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	prog := unix.SockFprog{Len: uint16(len(none)), Filter: &none[0]}
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog)
	}); cerr != nil {
		return cerr
	}
	return err
}

// StartMute accepts connections on the far node and never says anything.
func (l *Lab) StartMute() (*Peer, error) {
	return l.startPeer(net.ListenConfig{}, func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
	})
}

// StartHangup accepts connections on the far node and closes them at once,
// with a FIN.
func (l *Lab) StartHangup() (*Peer, error) {
	return l.startPeer(net.ListenConfig{}, hangup)
}

func hangup(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(serverPatience))
	finish(c.(*net.TCPConn))
}

// StartTarpit says a byte a second, without end.
func (l *Lab) StartTarpit() (*Peer, error) { return l.startPeer(net.ListenConfig{}, tarpit) }

// tarpit keeps a client for as long as it will stay: a handshake record that
// promises much and comes a byte a second.
func tarpit(c net.Conn) {
	record := []byte{22, 3, 3, 0x40, 0}
	for i := 0; ; i++ {
		b := byte(0)
		if i < len(record) {
			b = record[i]
		}
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		// What the client says is read, so that it hears no complaint; its end
		// is the end.
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := io.Copy(io.Discard, c); err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}

// PlainReply is what the peer of [Lab.StartPlainHTTP] answers to anything.
const PlainReply = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks plain HTTP.\n"

// StartPlainHTTP answers whatever comes first with [PlainReply], as a web
// server without TLS does.
func (l *Lab) StartPlainHTTP() (*Peer, error) { return l.StartBanner(PlainReply) }

// StartBanner answers whatever comes first with a text, and closes.
func (l *Lab) StartBanner(text string) (*Peer, error) {
	return l.startPeer(net.ListenConfig{}, sayAfterAByte(text))
}

func sayAfterAByte(text string) func(net.Conn) {
	return func(c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(serverPatience))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			_, _ = io.WriteString(c, text)
		}
		finish(c.(*net.TCPConn))
	}
}

// startPeer serves connections on a free port of the far node.
func (l *Lab) startPeer(lc net.ListenConfig, each func(net.Conn)) (*Peer, error) {
	var ln net.Listener
	err := l.Far().Do(func() (err error) {
		ln, err = lc.Listen(context.Background(), "tcp", netip.AddrPortFrom(l.Far().addr4, 0).String())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: start a peer: %w", err)
	}
	var conns connSet
	var wg sync.WaitGroup
	wg.Go(func() { serve(ln, &conns, each) })
	p := &Peer{addr: addrPort(ln.Addr()), close: func() error {
		err := ln.Close()
		conns.closeAll()
		wg.Wait()
		return err
	}}
	return p, l.owns(p)
}
