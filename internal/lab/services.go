// What the topology says of services becomes listeners, routes and programs.

package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// startServices starts what the node's configuration asks for.
func (l *Lab) startServices(n *Node, services []service.Service) error {
	for _, group := range service.ByPort(services) {
		var talkers []service.Service
		for _, s := range group {
			var err error
			switch {
			case s.Routed():
				err = n.refuse(s)
			case s.Kind == service.Silent:
				err = l.serve(n, []service.Service{s})
			case s.Kind == service.Closed: // as any port is on which nobody listens
			case s.Kind == service.Command:
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
		if err := l.serve(n, talkers); err != nil {
			return fmt.Errorf("port %d of %s: %w", talkers[0].Port, n.name, err)
		}
	}
	return nil
}

// refuse makes the node's kernel treat networks so.
func (n *Node) refuse(s service.Service) error {
	h, err := n.space.Netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	for _, at := range s.At {
		// The local table comes first: the networks that a node owns stand there.
		r := &netlink.Route{Dst: netns.IPNet(at.Masked()), Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_BLACKHOLE}
		switch s.Kind {
		case service.Unreachable:
			r.Type = unix.RTN_UNREACHABLE
		case service.Closed:
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

// listen announces on a port of all the node's addresses.
func (n *Node) listen(lc net.ListenConfig, port uint16) (net.Listener, error) {
	return n.space.Listen(lc, "tcp", ":"+strconv.Itoa(int(port)))
}

// certificates are of the lab's own CA.
func (l *Lab) certificates(n *Node) service.Certificates {
	return func(s service.Service) (*pki.PKI, error) {
		own, err := l.Papers()
		if err != nil {
			return nil, err
		}
		return pki.New(pki.Options{
			ServerKey: s.Key, Fault: s.Fault, ECH: s.ECH, Issuer: &own.PKI.CA,
			Names: []string{n.name, n.name + ".lab.test"}, Addresses: n.Addresses(), Local: true,
		})
	}
}

// serve serves one port of a node.
func (l *Lab) serve(n *Node, services []service.Service) error {
	port, err := service.Start(
		func(c net.ListenConfig) (net.Listener, error) { return n.listen(c, services[0].Port) }, services,
		l.certificates(n))
	if err != nil {
		return err
	}
	return l.owns(port)
}

// startProgram starts somebody else's server.
func (l *Lab) startProgram(n *Node, s service.Service) error {
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
