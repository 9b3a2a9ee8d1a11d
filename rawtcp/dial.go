// Opening a connection: address, route, guard, link, stack and SYN.

package rawtcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A Dialer opens connections. Each has a link, a guard and a stack of its own,
// which end with it, or shares those of a [Network]. The zero value is ready to
// use.
type Dialer struct {
	Interface string // egress interface; "": the route's
	// Source is our address; zero: the route's. It need not be one of this
	// machine's, if it is in a network on the link: then the link answers ARP
	// or neighbour discovery for it, and no guard is needed.
	Source     netip.Addr
	SourcePort uint16     // our port; 0: a free one, at random (RFC 6056)
	Link       link.Kind  // "auto" (or ""), "packet", "raw"
	Guard      guard.Kind // "auto" (or ""), "listener", "nftables", "tcx", "none"

	// Network lets connections share link, guard and stack. Nil: each has its
	// own.
	Network *Network

	Stack  StackConfig                       // the tap on packets, and how connections begin
	Wrap   func(link.Link) link.Link         // wraps the link, for example to lose packets; may be nil
	Events func(tcb.Event)                   // is told what the connection decides; may be nil
	Build  func(tcb.Config) endpoint.Machine // makes the connection's machine; nil: plain TCP
	Notes  func(layer, name, text string)    // is told how the connection was set up; may be nil

	// Lookup finds the addresses of a name; network is "ip", "ip4" or "ip6". Nil:
	// the system's resolver.
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dial opens a TCP connection to address, "host:port", with default settings,
// as [Dialer.Dial] does. Network is "tcp", "tcp4" or "tcp6".
func Dial(ctx context.Context, network, address string) (*Conn, error) {
	return new(Dialer).Dial(ctx, network, address)
}

// Dial opens a TCP connection and waits until it is established. Where a name
// has several addresses it tries one after the other, in the order of
// [OrderAddrs], each in an equal share of the time that the context leaves, and
// tells Notes. Its errors are *net.OpErrors, which errors.Is finds to be one of
// those of this package.
func (d *Dialer) Dial(ctx context.Context, network, address string) (*Conn, error) {
	host, list, err := d.resolve(ctx, "dial", network, address)
	if err != nil {
		return nil, err
	}
	return d.dialEach(ctx, network, host, list, d.dialOne)
}

// DialContext is Dial with the signature of http.Transport.DialContext.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dial(ctx, network, address)
	if err != nil {
		return nil, err // not a nil *Conn in an interface
	}
	return c, nil
}

// Open sends the SYN and returns at once; use [Conn.Handshake] to wait. Without
// a Source the kernel's routes choose our address (RFC 9293, MUST-43, MUST-44).
// The context bounds the set-up only.
func (d *Dialer) Open(ctx context.Context, remote netip.AddrPort) (*Conn, error) {
	open := d.open
	if d.Network != nil {
		open = func(ctx context.Context, remote netip.AddrPort) (*Conn, error) { return d.Network.open(ctx, d, remote) }
	}
	c, err := open(ctx, remote)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: tcpAddr(remote), Err: classify(err)}
	}
	return c, nil
}

func (d *Dialer) open(ctx context.Context, remote netip.AddrPort) (*Conn, error) {
	via := route.Via{Interface: d.Interface, Source: d.Source, LocalPort: d.SourcePort, RemotePort: remote.Port()}
	route, err := route.Find(remote.Addr(), via)
	if err != nil {
		return nil, err
	}
	target := remote.Addr()
	remote = netip.AddrPortFrom(remote.Addr().Unmap().WithZone(""), remote.Port())
	g, route, err := d.guardRoute(target, route, via)
	if err != nil {
		return nil, err
	}
	d.note("guard", string(g.Kind()), g.Describe())
	local := netip.AddrPortFrom(route.Source, g.Local().Port())
	l, err := link.Open(ctx, link.Options{Kind: d.Link, Flow: link.Flow{Local: local, Remote: remote}, Route: route})
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	d.note("link", string(l.Kind()), fmt.Sprintf("%s link on %s, from %v, MTU %d", l.Kind(), route.Interface, local, l.MTU()))
	d.notePolicy(l.Kind(), route, remote)
	if d.Wrap != nil {
		l = d.Wrap(l)
	}
	stack := NewStack(l, d.Stack.along(route))
	c, err := stack.Open(local, remote, d.build)
	if err != nil {
		return nil, errors.Join(err, stack.Close(), g.Close())
	}
	stack.releaseWith(func() {
		stack.Close()
		g.Close()
	})
	return c, nil
}

// notePolicy tells Notes what NAT on output or an IPsec policy means for a
// link.
func (d *Dialer) notePolicy(kind link.Kind, r route.Route, remote netip.AddrPort) {
	if nat := guard.ReadFirewall().OutputNAT; kind == link.KindPacket && len(nat) > 0 {
		d.note("link", "output_nat", "this machine translates addresses on output (nat, "+strings.Join(nat, ", ")+"), and the packet link goes below that")
	}
	p, ok := link.FindIPsecPolicy(r.Source, remote.Addr(), remote.Port())
	switch {
	case !ok:
	case kind == link.KindPacket:
		d.note("link", "policy", p.Text+": the packet link sends past it, in the clear; the raw link keeps to it")
	default:
		d.note("link", "policy", p.Text+": the raw link keeps to it")
	}
}

// guardRoute opens the guard before the SYN leaves: the kernel's RST would
// follow the first SYN-ACK at once. The guard chooses the port, on which the
// kernel's choice of the route may depend, and another route may need another
// guard.
func (d *Dialer) guardRoute(remote netip.Addr, r route.Route, via route.Via) (guard.Guard, route.Route, error) {
	to := netip.AddrPortFrom(remote, via.RemotePort)
	g, err := d.openGuard(r, to, d.SourcePort)
	if err != nil {
		return nil, r, err
	}
	via.Source, via.LocalPort = r.Source, g.Local().Port()
	found, err := route.Find(remote, via)
	if err != nil {
		return nil, r, errors.Join(err, g.Close())
	}
	if found == r || d.tapped(found, to) == d.tapped(r, to) {
		return g, found, nil
	}
	if err := g.Close(); err != nil {
		return nil, r, err
	}
	g, err = d.openGuard(found, to, via.LocalPort)
	return g, found, err
}

func (d *Dialer) openGuard(r route.Route, remote netip.AddrPort, port uint16) (guard.Guard, error) {
	return guard.Open(guard.Options{Kind: d.Guard, Local: netip.AddrPortFrom(r.ScopedSource(), port), Foreign: r.Foreign,
		Interface: d.tapped(r, remote), Beside: d.beside(r, remote)})
}

// tapped returns the interface if the link will be AF_PACKET, else "".
func (d *Dialer) tapped(r route.Route, remote netip.AddrPort) string {
	if link.ChooseKind(d.Link, r, remote) != link.KindPacket {
		return ""
	}
	return r.Interface
}

// beside returns the other interfaces that such a link listens on.
func (d *Dialer) beside(r route.Route, remote netip.AddrPort) (names []string) {
	if d.tapped(r, remote) == "" {
		return nil
	}
	for _, i := range r.Beside() {
		names = append(names, i.Name)
	}
	return names
}

func (d *Dialer) build(cfg tcb.Config) endpoint.Machine {
	cfg.Events = d.Events
	if d.Build != nil {
		return d.Build(cfg)
	}
	return tcb.New(cfg)
}

func (d *Dialer) note(layer, name, text string) {
	if d.Notes != nil {
		d.Notes(layer, name, text)
	}
}

// OrderAddrs returns the addresses of a host, each once, in the order to try
// them: first those that there is a route to, IPv4 before IPv6, since a server
// known by both is more likely to listen on IPv4; then the others. Apart from
// that the resolver's order stays (RFC 6724).
func OrderAddrs(addrs []netip.Addr, via route.Via) []netip.Addr {
	var four, six, others []netip.Addr
	seen := make(map[netip.Addr]bool)
	for _, a := range addrs {
		a = a.Unmap()
		if seen[a] {
			continue
		}
		seen[a] = true
		_, err := route.Find(a, via)
		switch {
		case err != nil:
			others = append(others, a)
		case a.Is4():
			four = append(four, a)
		default:
			six = append(six, a)
		}
	}
	return slices.Concat(four, six, others)
}
