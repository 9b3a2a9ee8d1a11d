package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/netem"
)

// splice puts a bridge into a link that stands. The far end of its veth pair
// moves to where bridges are, so that the port's interface, with all that looks
// at it, is not touched; the far node gets a new interface of the old one's
// name, and on it everything that the old one had.
func (p *port) splice(ctx context.Context, w netem.Impairment) error {
	l, far := p.node.lab, p.peer
	if err := l.makeEther(); err != nil {
		return err
	}
	names := etherNames(p.link)
	const fresh = "~new"
	if err := vethPair(far.node.space, fresh, far.mac, l.ether, names[1], etherAddr(p.link, 1), max(far.mtu, minMTU6)); err != nil {
		return err
	}
	err := l.ether.quietUp(names[1])
	if err == nil {
		err = far.replace(fresh, names[0])
	}
	if err != nil {
		return errors.Join(err, l.ether.remove(names[1])) // and with it fresh
	}
	if err := l.ether.quietUp(names[0]); err != nil {
		return err
	}
	for _, n := range []*Node{p.node, far.node} {
		if err := n.OffloadsOff(); err != nil {
			return err
		}
	}
	if err := l.startBridge(l.ether, names, w, p.link); err != nil {
		return err
	}
	return errors.Join(
		l.ether.awaitLink(ctx, names[0], nil), l.ether.awaitLink(ctx, names[1], nil),
		p.node.space.awaitLink(ctx, p.name, nil), far.node.space.awaitLink(ctx, far.name, far.owns6))
}

// remove takes an interface away, and the other end of its pair.
func (s *space) remove(name string) error {
	return s.withLink(name, (*netlink.Handle).LinkDel)
}

// replace gives the port the interface called fresh, in place of the one that it
// has, which goes to where bridges are and is called aside there.
func (p *port) replace(fresh, aside string) error {
	h, err := p.node.netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	old, err := h.LinkByName(p.name)
	if err != nil {
		return fmt.Errorf("find %s: %w", p.name, err)
	}
	had, err := remember(h, old)
	if err != nil {
		return fmt.Errorf("what %s has: %w", p.name, err)
	}
	for _, step := range []func() error{
		func() error { return h.LinkSetDown(old) },
		func() error { return h.LinkSetName(old, aside) },
		func() error { return h.LinkSetMTU(old, max(had.mtu, minMTU6)) }, // as the other's there
		func() error { return h.LinkSetNsFd(old, int(p.node.lab.ether.fd)) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("move %s aside: %w", p.name, err)
		}
	}
	link, err := h.LinkByName(fresh)
	if err == nil {
		err = h.LinkSetName(link, p.name)
	}
	if err != nil {
		return fmt.Errorf("make a new %s: %w", p.name, err)
	}
	return had.giveTo(h, link, p.name)
}

// An outfit is what an interface has that its node's kernel knows.
type outfit struct {
	mtu       int
	addresses []netlink.Addr
	routes    []netlink.Route // but for those that come with the addresses
}

func remember(h *netlink.Handle, link netlink.Link) (o outfit, err error) {
	o.mtu = link.Attrs().MTU
	if o.addresses, err = h.AddrList(link, netlink.FAMILY_ALL); err != nil {
		return o, err
	}
	of := &netlink.Route{LinkIndex: link.Attrs().Index, Table: unix.RT_TABLE_UNSPEC}
	routes, err := h.RouteListFiltered(netlink.FAMILY_ALL, of, netlink.RT_FILTER_OIF|netlink.RT_FILTER_TABLE)
	for _, r := range routes {
		if r.Protocol != unix.RTPROT_KERNEL {
			o.routes = append(o.routes, r)
		}
	}
	// A gateway has to be reached before there can be a route through it.
	slices.SortStableFunc(o.routes, func(a, b netlink.Route) int { return len(a.Gw) - len(b.Gw) })
	return o, err
}

// giveTo sets an interface up with it.
func (o *outfit) giveTo(h *netlink.Handle, link netlink.Link, name string) error {
	if err := quiet6(h, link); err != nil {
		return err
	}
	for _, a := range o.addresses {
		a.Flags = 0
		if a.IP.To4() == nil {
			a.Flags = unix.IFA_F_NODAD
		}
		if err := h.AddrAdd(link, &a); err != nil {
			return fmt.Errorf("give %v to %s: %w", a.IPNet, name, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	if o.mtu != link.Attrs().MTU {
		if err := h.LinkSetMTU(link, o.mtu); err != nil {
			return fmt.Errorf("set the MTU of %s: %w", name, err)
		}
	}
	for _, r := range o.routes {
		r.LinkIndex, r.Flags = link.Attrs().Index, r.Flags&int(netlink.FLAG_ONLINK)
		if err := h.RouteAdd(&r); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("route %v through %s: %w", r.Dst, name, err)
		}
	}
	return nil
}
