// The ends of links: their interfaces' names and addresses, and how two of them are
// joined.

package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/netem"
)

// A port is a node's end of a link.
type port struct {
	node      *Node
	peer      *port
	name      string
	mac       net.HardwareAddr
	addresses []netip.Prefix
	mtu       int
	link      int // which of the topology's
}

// plug gives two nodes their ends of a link, which is not there yet.
func (l *Lab) plug(t *Topology, i int) {
	c := &t.Links[i]
	ends := [2]*port{}
	for j, e := range c.Ends {
		n := l.Node(e.Node)
		ends[j] = &port{
			node: n, name: t.interfaceName(e.Node, c.Ends[1-j].Node), addresses: e.Addresses,
			mac: hardwareAddr(e.Addresses, i, j), mtu: cmp.Or(c.MTU, defaultMTU), link: i,
		}
		n.ports = append(n.ports, ends[j])
	}
	ends[0].peer, ends[1].peer = ends[1], ends[0]
}

const defaultMTU = 1500

// hardwareAddr is locally administered, and made of the IPv4 address where
// there is one, so that a capture can be read.
func hardwareAddr(addresses []netip.Prefix, link, end int) net.HardwareAddr {
	for _, a := range addresses {
		if a.Addr().Is4() {
			b := a.Addr().As4()
			return net.HardwareAddr{2, 0, b[0], b[1], b[2], b[3]}
		}
	}
	return net.HardwareAddr{2, 1, 0, 0, byte(link), byte(end)}
}

// wire joins the nodes: loopback up in all, a veth pair for each link,
// addresses at once usable (no duplicate address detection, no router
// discovery).
func (l *Lab) wire(ctx context.Context) error {
	for _, n := range l.nodes {
		if err := n.space.LoopbackUp(); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	for _, n := range l.nodes {
		for _, p := range n.ports {
			if n.before(p.peer.node) {
				if err := p.join(ctx); err != nil {
					return err
				}
			}
		}
	}
	var errs []error
	for _, n := range l.nodes {
		for _, p := range n.ports {
			errs = append(errs, p.await(ctx))
		}
	}
	return errors.Join(errs...)
}

// before reports whether the node comes first in the topology: it makes what
// two nodes have in common.
func (n *Node) before(other *Node) bool {
	for _, x := range n.lab.nodes {
		if x == n || x == other {
			return x == n
		}
	}
	return false
}

// join makes the link of a port and its peer.
func (p *port) join(ctx context.Context) error {
	if w := p.node.lab.topology.Links[p.link].Impairment; !w.Clear() {
		return p.bridge(ctx, w)
	}
	if err := netns.Veth(p.end(), p.peer.end(), p.mtu); err != nil {
		return err
	}
	return errors.Join(p.up(), p.peer.up())
}

// bridge makes the link of two veth pairs, with an impairment between them.
func (p *port) bridge(ctx context.Context, w netem.Impairment) error {
	l := p.node.lab
	if err := l.makeEther(); err != nil {
		return err
	}
	for i, end := range []*port{p, p.peer} {
		if err := netns.Veth(end.end(), l.etherEnd(p.link, i), p.mtu); err != nil {
			return err
		}
		if err := l.etherUp(p, i); err != nil {
			return err
		}
		if err := end.node.OffloadsOff(); err != nil {
			return err
		}
	}
	if err := l.startBridge(w, p.link); err != nil {
		return err
	}
	if err := errors.Join(p.up(), p.peer.up()); err != nil {
		return err
	}
	return l.awaitEther(ctx, p.link)
}

// end is the port as the beginning of a veth pair.
func (p *port) end() netns.End { return netns.End{Space: p.node.space, Name: p.name, MAC: p.mac} }

// up gives the port its addresses and sets it up.
func (p *port) up() error {
	n := p.node
	addresses := p.addresses
	if n.speaksForOthers() && (n.addr6.IsValid() || firstOf(addresses, false).IsValid()) {
		// Who sends packets of other addresses than those of its interface asks
		// for its neighbours from a link-local one.
		a := netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: p.mac[0], 9: p.mac[1], 13: p.mac[3], 14: p.mac[4], 15: p.mac[5]})
		addresses = append(slices.Clone(addresses), netip.PrefixFrom(a, 64))
	}
	taken, err := n.space.LinkUp(p.name, p.mtu, addresses...)
	for _, a := range taken {
		first := &n.addr6
		if a.Addr().Is4() {
			first = &n.addr4
		}
		if !first.IsValid() {
			*first = a.Addr()
		}
	}
	return err
}

// await waits until packets can leave by the port, and arrive.
func (p *port) await(ctx context.Context) error {
	own := p.addresses
	if !p.node.addr6.IsValid() {
		own = nil // a lab without IPv6
	}
	return p.node.space.AwaitLink(ctx, p.name, own...)
}

// speaksForOthers reports whether the node forwards, or owns whole networks.
func (n *Node) speaksForOthers() bool {
	return len(n.ports) > 1 || len(n.owns) > 0 || n.name == voidName
}

// unwire takes away the links of the first node. A namespace that was ours
// alone would take them along, but later, and the process's own namespace
// stays.
func (l *Lab) unwire() error {
	if len(l.nodes) == 0 {
		return nil
	}
	first := l.nodes[0]
	for _, p := range first.ports {
		if err := first.space.RemoveLink(p.name); err != nil {
			return err
		}
	}
	return nil
}
