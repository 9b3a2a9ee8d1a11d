// An interface takes the place of another, with its addresses and routes.

package netns

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ReplaceLink puts the interface called fresh in the place of another, with all
// that its namespace's kernel knows of that one. The old interface goes to
// another namespace and is called aside there.
func (s *Space) ReplaceLink(name, fresh string, to *Space, aside string) error {
	h, err := s.Netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	old, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	had, err := remember(h, old)
	if err != nil {
		return fmt.Errorf("what %s has: %w", name, err)
	}
	for _, step := range []func() error{
		func() error { return h.LinkSetDown(old) },
		func() error { return h.LinkSetName(old, aside) },
		func() error { return h.LinkSetMTU(old, max(had.mtu, MinMTU6)) }, // as the other's there
		func() error { return h.LinkSetNsFd(old, int(to.fd)) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("move %s aside: %w", name, err)
		}
	}
	link, err := h.LinkByName(fresh)
	if err == nil {
		err = h.LinkSetName(link, name)
	}
	if err != nil {
		return fmt.Errorf("make a new %s: %w", name, err)
	}
	return had.giveTo(h, link, name)
}

// An outfit is what an interface has that its namespace's kernel knows.
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
	if err := setUp(h, link, o.mtu); err != nil {
		return err
	}
	for _, r := range o.routes {
		r.LinkIndex, r.Flags = link.Attrs().Index, r.Flags&int(netlink.FLAG_ONLINK)
		if err := h.RouteAdd(&r); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("route %v through %s: %w", r.Dst, name, err)
		}
	}
	return nil
}
