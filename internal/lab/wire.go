package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

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
		if err := n.loopbackUp(); err != nil {
			return err
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
			errs = append(errs, p.node.space.awaitLink(ctx, p.name, p.owns6))
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

// join makes the link of a port and its peer. The far end is born in the far
// namespace: it never stands in near's.
func (p *port) join(ctx context.Context) error {
	w := p.node.lab.topology.Links[p.link].Impairment
	if !w.Clear() {
		return p.bridge(ctx, w)
	}
	if err := vethPair(p.node.space, p.name, p.mac, p.peer.node.space, p.peer.name, p.peer.mac, max(p.mtu, minMTU6)); err != nil {
		return err
	}
	return errors.Join(p.address(), p.peer.address())
}

// bridge makes the link of two veth pairs, with an impairment between them.
func (p *port) bridge(ctx context.Context, w netem.Impairment) error {
	l := p.node.lab
	if err := l.makeEther(); err != nil {
		return err
	}
	names := etherNames(p.link)
	for i, end := range []*port{p, p.peer} {
		if err := vethPair(end.node.space, end.name, end.mac, l.ether, names[i], etherAddr(p.link, i), max(p.mtu, minMTU6)); err != nil {
			return err
		}
		if err := l.ether.quietUp(names[i]); err != nil {
			return err
		}
		if err := end.node.OffloadsOff(); err != nil {
			return err
		}
	}
	if err := l.startBridge(l.ether, names, w, p.link); err != nil {
		return err
	}
	if err := errors.Join(p.address(), p.peer.address()); err != nil {
		return err
	}
	return errors.Join(l.ether.awaitLink(ctx, names[0], nil), l.ether.awaitLink(ctx, names[1], nil))
}

// makeEther makes the namespace in which bridges stand.
func (l *Lab) makeEther() (err error) {
	if l.ether == nil {
		l.ether, err = newSpace()
	}
	return err
}

// etherNames are the interfaces that a bridge stands between. No node can be
// called so.
func etherNames(link int) [2]string {
	return [2]string{fmt.Sprintf("~a%d", link), fmt.Sprintf("~b%d", link)}
}

func etherAddr(link, end int) net.HardwareAddr {
	return net.HardwareAddr{2, 2, 0, 0, byte(link), byte(end)}
}

// quietUp sets an interface up that has no addresses.
func (s *space) quietUp(name string) error {
	return s.withLink(name, func(h *netlink.Handle, link netlink.Link) error {
		if err := quiet6(h, link); err != nil {
			return err
		}
		return h.LinkSetUp(link)
	})
}

// withLink calls f with an interface of the space.
func (s *space) withLink(name string, f func(*netlink.Handle, netlink.Link) error) error {
	h, err := s.netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(name)
	if err != nil {
		return err
	}
	return f(h, link)
}

// quiet6 gives an interface no link-local address by itself: its detection and
// its router solicitations would be the first packets of every capture.
func quiet6(h *netlink.Handle, link netlink.Link) error {
	if !hasIPv6() {
		return nil
	}
	if err := h.LinkSetIP6AddrGenMode(link, nl.IN6_ADDR_GEN_MODE_NONE); err != nil {
		return fmt.Errorf("quiet IPv6 on %s: %w", link.Attrs().Name, err)
	}
	return nil
}

func hasIPv6() bool {
	_, err := os.Stat("/proc/sys/net/ipv6")
	return err == nil
}

func vethPair(a *space, aName string, aMAC net.HardwareAddr, b *space, bName string, bMAC net.HardwareAddr, mtu int) error {
	h, err := a.netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr, attrs.MTU = aName, aMAC, mtu
	pair := &netlink.Veth{
		LinkAttrs: attrs, PeerName: bName, PeerHardwareAddr: bMAC,
		PeerNamespace: netlink.NsFd(b.fd), PeerMTU: uint32(mtu),
	}
	if err := h.LinkAdd(pair); err != nil {
		return fmt.Errorf("make the veth pair: %w", err)
	}
	return nil
}

const (
	linkPatience = 5 * time.Second
	linkPoll     = time.Millisecond
)

// awaitLink waits until packets can leave. The kernel notices a carrier in work
// of its own, later than both ends were set up (as a rule at once, at worst
// after a second), and throws packets away until then: the first SYN or the
// first ARP request would be lost.
//
// Also, if it is not nil, is there something else to wait for.
func (s *space) awaitLink(ctx context.Context, name string, also func(*netlink.Handle) bool) error {
	h, err := s.netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(ctx, linkPatience)
	defer cancel()
	for {
		link, err := h.LinkByName(name)
		if err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		}
		if link.Attrs().OperState == netlink.OperUp && (also == nil || also(h)) {
			return nil
		}
		select {
		case <-time.After(linkPoll):
		case <-ctx.Done():
			return fmt.Errorf("wait for the carrier of %s: %w", name, ctx.Err())
		}
	}
}

// owns6 reports whether the kernel takes packets for the port's IPv6 addresses,
// if it has any: it makes an address its own in work of its own, too.
func (p *port) owns6(h *netlink.Handle) bool {
	for _, a := range p.addresses {
		if !a.Addr().Is6() || !p.node.addr6.IsValid() {
			continue
		}
		routes, err := h.RouteGet(a.Addr().AsSlice())
		if err != nil || len(routes) == 0 || routes[0].Type != unix.RTN_LOCAL {
			return false
		}
	}
	return true
}

// unwire takes away the links of the first node. A namespace that was ours
// alone would take them along, but later, and the process's own namespace
// stays.
func (l *Lab) unwire() error {
	if len(l.nodes) == 0 {
		return nil
	}
	first := l.nodes[0]
	h, err := first.netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	for _, p := range first.ports {
		link, err := h.LinkByName(p.name)
		var missing netlink.LinkNotFoundError
		if errors.As(err, &missing) {
			continue
		}
		if err != nil {
			return fmt.Errorf("find %s: %w", p.name, err)
		}
		if err := h.LinkDel(link); err != nil {
			return fmt.Errorf("remove %s: %w", p.name, err)
		}
	}
	return nil
}

// netlink opens a route socket in the node's namespace.
func (n *Node) netlink() (*netlink.Handle, error) {
	h, err := n.space.netlink()
	if err != nil {
		return nil, fmt.Errorf("open netlink in %s: %w", n.name, err)
	}
	return h, nil
}

func (s *space) netlink() (h *netlink.Handle, err error) {
	err = s.do(func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	return h, err
}

func (n *Node) loopbackUp() error {
	h, err := n.netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	lo, err := h.LinkByName("lo")
	if err == nil {
		err = h.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("set lo up in %s: %w", n.name, err)
	}
	return nil
}

// address gives the port its addresses and sets it up.
func (p *port) address() error {
	h, err := p.node.netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(p.name)
	if err != nil {
		return fmt.Errorf("find %s: %w", p.name, err)
	}
	if err := quiet6(h, link); err != nil {
		return err
	}
	for _, a := range p.addresses {
		if a.Addr().Is6() && !hasIPv6() {
			continue
		}
		if err := p.node.add(h, link, a); err != nil {
			return fmt.Errorf("give %s to %s: %w", a, p.name, err)
		}
	}
	if p.node.speaksForOthers() && p.node.addr6.IsValid() {
		// Who sends packets of other addresses than those of its interface asks
		// for its neighbours from a link-local one.
		a := netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: p.mac[0], 9: p.mac[1], 13: p.mac[3], 14: p.mac[4], 15: p.mac[5]})
		if err := p.node.add(h, link, netip.PrefixFrom(a, 64)); err != nil {
			return fmt.Errorf("give %s to %s: %w", a, p.name, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", p.name, err)
	}
	if p.mtu < minMTU6 { // IPv6 would have left the interface at once
		if err := h.LinkSetMTU(link, p.mtu); err != nil {
			return fmt.Errorf("set the MTU of %s: %w", p.name, err)
		}
	}
	return nil
}

// speaksForOthers reports whether the node forwards, or owns whole networks.
func (n *Node) speaksForOthers() bool {
	return len(n.ports) > 1 || len(n.owns) > 0 || n.name == voidName
}

// add gives the node an address on a link.
func (n *Node) add(h *netlink.Handle, link netlink.Link, a netip.Prefix) error {
	if a.Addr().Is4() {
		if !n.addr4.IsValid() {
			n.addr4 = a.Addr()
		}
		return h.AddrAdd(link, &netlink.Addr{IPNet: ipNet(a)})
	}
	err := h.AddrAdd(link, &netlink.Addr{IPNet: ipNet(a), Flags: unix.IFA_F_NODAD})
	switch {
	case err == nil:
		if !n.addr6.IsValid() {
			n.addr6 = a.Addr()
		}
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EOPNOTSUPP):
		err = nil // net.ipv6.conf.default.disable_ipv6 is 1: a lab without IPv6
	}
	return err
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
