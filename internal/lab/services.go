package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// startServices starts what the node's configuration asks for.
func (l *Lab) startServices(n *Node, services []Service) error {
	for _, group := range byPort(services) {
		var talkers []Service
		for _, s := range group {
			var err error
			switch {
			case s.routed():
				err = n.refuse(s)
			case s.Kind == Silent:
				err = l.startDeaf(n, s.Port)
			case s.Kind == Closed: // as any port is on which nobody listens
			case s.Kind == Command:
				err = l.startProgram(n, s)
			default:
				talkers = append(talkers, s)
			}
			if err != nil {
				return fmt.Errorf("%s on port %d of %s: %w", s.Kind, s.Port, n.name, err)
			}
		}
		if len(talkers) == 0 {
			continue
		}
		if err := l.startTalkers(n, talkers); err != nil {
			return fmt.Errorf("port %d of %s: %w", talkers[0].Port, n.name, err)
		}
	}
	return nil
}

// routed reports whether the service is the network's: nothing of these
// addresses reaches a socket.
func (s *Service) routed() bool {
	return len(s.At) > 0 && (s.Kind == Silent || s.Kind == Closed || s.Kind == Unreachable)
}

// refuse makes the node's kernel treat networks so.
func (n *Node) refuse(s Service) error {
	h, err := n.space.Netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	for _, at := range s.At {
		// The local table comes first: the networks that a node owns stand there.
		r := &netlink.Route{Dst: netns.IPNet(at.Masked()), Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_BLACKHOLE}
		switch s.Kind {
		case Unreachable:
			r.Type = unix.RTN_UNREACHABLE
		case Closed:
			if r, err = n.toVoid(at); err != nil {
				return err
			}
		}
		if at.Addr().Is6() && !n.addr6.IsValid() {
			continue
		}
		if err := h.RouteReplace(r); err != nil {
			return fmt.Errorf("route %v: %w", at, err)
		}
	}
	return nil
}

// voidName is the node where nobody listens, by which closed addresses answer.
const voidName = "void"

// toVoid leads a network to the neighbour that is called void and listens to
// nothing, which then answers for it.
func (n *Node) toVoid(at netip.Prefix) (*netlink.Route, error) {
	void := n.lab.Node(voidName)
	if void == nil {
		return nil, fmt.Errorf("closed addresses need a node called %s beside it, which answers for them", voidName)
	}
	if err := void.own(at); err != nil {
		return nil, err
	}
	hop, ok := n.hopTo(void, at.Addr().Is4())
	if !ok {
		return nil, fmt.Errorf("no link of %s leads to %s", n.name, voidName)
	}
	return &netlink.Route{Dst: netns.IPNet(at.Masked()), Table: unix.RT_TABLE_LOCAL, Gw: hop.AsSlice()}, nil
}

// startDeaf holds a port that answers nothing.
func (l *Lab) startDeaf(n *Node, port uint16) error {
	ln, err := n.listen(net.ListenConfig{Control: deaf}, port)
	if err != nil {
		return err
	}
	return l.owns(ln)
}

// listen announces on a port of all the node's addresses.
func (n *Node) listen(lc net.ListenConfig, port uint16) (net.Listener, error) {
	return n.space.Listen(lc, "tcp", ":"+strconv.Itoa(int(port)))
}

// A talker serves connections.
type talker interface {
	talk(net.Conn)
	Close() error
}

// simple is a talker that keeps nothing.
type simple func(net.Conn)

func (s simple) talk(c net.Conn) { s(c) }
func (simple) Close() error      { return nil }

func (l *Lab) talker(n *Node, s Service) (talker, error) {
	return newTalker(s, func() (*pki.PKI, error) { return l.pkiFor(n, s) })
}

// newTalker makes what answers; certificates is asked where there is TLS.
func newTalker(s Service, certificates func() (*pki.PKI, error)) (talker, error) {
	switch s.Kind {
	case TLS:
		o, err := s.ourOptions()
		if err != nil {
			return nil, err
		}
		if o.PKI, err = certificates(); err != nil {
			return nil, err
		}
		return newOurServer(o)
	case CryptoTLS:
		o := ServerOptions{Key: s.Key, ClientKey: s.Key, Fault: s.Fault, ClientAuth: s.ClientAuth, ALPN: s.ALPN}
		if s.Body != "" {
			o.Body = []byte(s.Body)
		}
		var err error
		if o.PKI, err = certificates(); err != nil {
			return nil, err
		}
		return newTLSServer(o)
	case HTTP:
		return simple(sayAfterAByte(PlainReply)), nil
	case Banner:
		return simple(sayAfterAByte(s.Text)), nil
	case Echo:
		return simple(func(c net.Conn) { _, _ = io.Copy(c, c) }), nil
	case Mute:
		return simple(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), nil
	case Tarpit:
		return simple(tarpit), nil
	case Hangup:
		return simple(hangup), nil
	}
	return nil, fmt.Errorf("kind %q cannot be served", s.Kind)
}

// pkiFor makes certificates of the lab's own CA for a service.
func (l *Lab) pkiFor(n *Node, s Service) (*pki.PKI, error) {
	own, err := l.Papers()
	if err != nil {
		return nil, err
	}
	return pki.New(pki.Options{
		ServerKey: s.Key, Fault: s.Fault, Issuer: &own.PKI.CA,
		Names: []string{n.name, n.name + ".lab.test"}, Addresses: n.addresses(), Local: true,
	})
}

// startTalkers serves one port; who answers depends on the address called.
func (l *Lab) startTalkers(n *Node, services []Service) error {
	switchboard := &switchboard{}
	buffer := 0
	for _, s := range services {
		t, err := l.talker(n, s)
		if err != nil {
			_ = switchboard.Close()
			return err
		}
		switchboard.add(s.At, t)
		buffer = max(buffer, s.ReceiveBuffer)
	}
	ln, err := n.listen(net.ListenConfig{Control: receiveBuffer(buffer)}, services[0].Port)
	if err != nil {
		_ = switchboard.Close()
		return err
	}
	if err := widen(ln); err != nil {
		_ = ln.Close()
		_ = switchboard.Close()
		return err
	}
	switchboard.accept(ln, switchboard.talk)
	return l.owns(switchboard)
}

// widen lets many connections wait to be accepted: a scan brings thousands at
// once, and net.Listen takes the bound of the namespace that it knows.
func widen(ln net.Listener) error {
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var listenErr error
	err = raw.Control(func(fd uintptr) { listenErr = unix.Listen(int(fd), backlog) })
	if err != nil {
		return err
	}
	return listenErr
}

const backlog = 1 << 16

// A switchboard is one port, at each of whose addresses another may answer.
type switchboard struct {
	acceptor
	lines []line
}

type line struct {
	at     netip.Prefix // the zero Prefix: everywhere
	talker talker
}

func (b *switchboard) add(at []netip.Prefix, t talker) {
	if len(at) == 0 {
		b.lines = append(b.lines, line{talker: t})
	}
	for _, p := range at {
		b.lines = append(b.lines, line{p.Masked(), t})
	}
}

// talk gives the connection to whom its address belongs; nobody's is ended.
func (b *switchboard) talk(c net.Conn) {
	called := addrPort(c.LocalAddr()).Addr()
	var best *line
	for i := range b.lines {
		l := &b.lines[i]
		if l.at.IsValid() && !l.at.Contains(called) {
			continue
		}
		if best == nil || !best.at.IsValid() || l.at.IsValid() && l.at.Bits() > best.at.Bits() {
			best = l
		}
	}
	if best == nil {
		hangup(c)
		return
	}
	best.talker.talk(c)
}

func (b *switchboard) Close() error {
	err := b.stop()
	for _, l := range b.lines {
		_ = l.talker.Close()
	}
	return err
}

// startProgram starts somebody else's server.
func (l *Lab) startProgram(n *Node, s Service) error {
	papers, err := l.Papers()
	if err != nil {
		return err
	}
	at, address := n.addr4, n.addr4.String()
	if !at.IsValid() {
		at, address = n.addr6, "["+n.addr6.String()+"]"
	}
	words := make([]string, len(s.Command))
	fill := strings.NewReplacer(
		"{address}", address, "{port}", strconv.Itoa(int(s.Port)),
		"{cert}", papers.CertFile(), "{key}", papers.KeyFile(), "{ca}", papers.CAFile())
	for i, w := range s.Command {
		words[i] = fill.Replace(w)
	}
	c := n.Command(words[0], words[1:]...)
	said := &tail{limit: 4 << 10}
	c.Stdout, c.Stderr = said, said
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		return err
	}
	gone := make(chan error, 1)
	go func() { gone <- c.Wait() }()
	ctx, cancel := context.WithTimeout(context.Background(), programPatience)
	defer cancel()
	go func() {
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := n.AwaitListener(ctx, netip.AddrPortFrom(at, s.Port).String()); err != nil {
		return fmt.Errorf("%q does not listen on port %d of %v; it said: %s", words, s.Port, at, said)
	}
	return nil
}

// programPatience is how long a program may take to listen.
const programPatience = 10 * time.Second

// A tail keeps the last of what is written to it.
type tail struct {
	mu    sync.Mutex
	limit int
	kept  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strconv.Quote(strings.TrimSpace(string(t.kept)))
}
