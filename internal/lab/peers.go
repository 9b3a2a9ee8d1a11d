// Servers and peers that a caller starts on the far node, beside those of the
// topology.

package lab

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/relay"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// StartTLSServer starts a server of crypto/tls on the far node.
func (l *Lab) StartTLSServer(o service.Options) (*service.TLSServer, error) {
	return startServer(l, o, service.NewTLSServer)
}

// StartOurServer starts a server of this project's own TLS on the far node.
func (l *Lab) StartOurServer(o service.Options) (*service.OurServer, error) {
	return startServer(l, o, service.NewOurServer)
}

func startServer[S any](l *Lab, o service.Options, serve func(net.Listener, service.Options, ...netip.Addr) (*service.Server[S], error)) (*service.Server[S], error) {
	far := l.Far()
	ln, err := far.space.Listen(service.ListenConfig(o.ReceiveBuffer), "tcp", cmp.Or(o.Listen, netip.AddrPortFrom(far.addr4, 443).String()))
	if err != nil {
		return nil, netns.Refusal(fmt.Errorf("lab: %w", err))
	}
	s, err := serve(ln, o, far.addr4, far.addr6)
	if err != nil {
		return nil, err
	}
	return s, l.owns(s)
}

// A Peer is a peer that speaks no TLS of its own: it is silent, closed, talks of
// something else, or repeats what another says.
type Peer struct {
	addr  netip.AddrPort
	close func() error
}

// Addr is where the peer is to be found.
func (p *Peer) Addr() netip.AddrPort { return p.addr }

// Close ends the peer.
func (p *Peer) Close() error { return p.close() }

// StartPeer starts a service of a kind on a free port of the far node.
func (l *Lab) StartPeer(kind service.Kind) (*Peer, error) {
	if kind == service.Closed {
		return l.startClosed()
	}
	return l.peer(service.Start(l.listenFar, []service.Service{{Kind: kind}}, l.certificates(l.Far())))
}

// peer is a port that was started.
func (l *Lab) peer(port *service.Port, err error) (*Peer, error) {
	if err != nil {
		return nil, fmt.Errorf("lab: start a peer: %w", err)
	}
	return &Peer{port.Addr(), port.Close}, l.owns(port)
}

// relayPatience is how long a connection through a relay may take.
const relayPatience = 10 * time.Minute

// StartRelay starts a relay on the far node before a server there, with a
// fault.
func (l *Lab) StartRelay(server netip.AddrPort, f relay.Fault) (*Peer, error) {
	return l.peer(service.StartFunc(l.listenFar, func(c net.Conn) {
		deadline := time.Now().Add(relayPatience)
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		s, err := l.Far().Dial(ctx, "tcp", server.String())
		if err != nil {
			return
		}
		defer s.Close()
		relay.Carry(c.(*net.TCPConn), s.(*net.TCPConn), f, deadline)
	}))
}

// listenFar announces on a free port of the far node.
func (l *Lab) listenFar(c net.ListenConfig) (net.Listener, error) {
	return l.Far().space.Listen(c, "tcp", netip.AddrPortFrom(l.Far().addr4, 0).String())
}

// startClosed holds a port on which nobody listens: a SYN draws a RST.
func (l *Lab) startClosed() (*Peer, error) {
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
