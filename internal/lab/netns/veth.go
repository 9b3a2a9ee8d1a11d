// Links without impairments: veth pairs, the addresses of their ends, and when
// packets can go.

package netns

import (
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
)

// MinMTU6 is the least MTU of a link with IPv6 (RFC 8200, section 5).
const MinMTU6 = 1280

// An End is an interface that a link begins with.
type End struct {
	Space *Space
	Name  string
	MAC   net.HardwareAddr
}

// Veth joins two namespaces by a veth pair. The interfaces are not up, and their
// MTU is at least [MinMTU6]: below that IPv6 leaves an interface for good. The
// second end is born in its own namespace, and never stands in the first's.
func Veth(a, b End, mtu int) error {
	h, err := a.Space.Netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr, attrs.MTU = a.Name, a.MAC, max(mtu, MinMTU6)
	pair := &netlink.Veth{
		LinkAttrs: attrs, PeerName: b.Name, PeerHardwareAddr: b.MAC,
		PeerNamespace: netlink.NsFd(b.Space.fd), PeerMTU: uint32(attrs.MTU),
	}
	if err := h.LinkAdd(pair); err != nil {
		return fmt.Errorf("make the veth pair: %w", err)
	}
	return nil
}

// Netlink opens a route socket in the namespace. The caller closes it.
func (s *Space) Netlink() (h *netlink.Handle, err error) {
	err = s.Do(func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	return h, err
}

// withLink calls f with an interface of the namespace.
func (s *Space) withLink(name string, f func(*netlink.Handle, netlink.Link) error) error {
	h, err := s.Netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	return f(h, link)
}

// LoopbackUp sets lo up.
func (s *Space) LoopbackUp() error {
	return s.withLink("lo", func(h *netlink.Handle, lo netlink.Link) error {
		if err := h.LinkSetUp(lo); err != nil {
			return fmt.Errorf("set lo up: %w", err)
		}
		return nil
	})
}

// LinkUp sets an interface up that has these addresses, or none. It gets no
// other by itself. What the namespace does not take, because it has no IPv6, is
// left out; taken are the rest.
func (s *Space) LinkUp(name string, mtu int, addresses ...netip.Prefix) (taken []netip.Prefix, err error) {
	return taken, s.withLink(name, func(h *netlink.Handle, link netlink.Link) error {
		if err := quiet6(h, link); err != nil {
			return err
		}
		for _, a := range addresses {
			has, err := addAddress(h, link, a)
			if err != nil {
				return fmt.Errorf("give %s to %s: %w", a, name, err)
			}
			if has {
				taken = append(taken, a)
			}
		}
		return setUp(h, link, mtu)
	})
}

// AddAddress gives an interface another address, usable at once.
func (s *Space) AddAddress(name string, a netip.Prefix) error {
	return s.withLink(name, func(h *netlink.Handle, link netlink.Link) error {
		taken, err := addAddress(h, link, a)
		if err == nil && !taken {
			err = errors.New("there is no IPv6")
		}
		if err != nil {
			return fmt.Errorf("give %s to %s: %w", a, name, err)
		}
		return nil
	})
}

// setUp sets an interface up, and then its MTU where it is another one: IPv6
// would have left one with a small MTU at once.
func setUp(h *netlink.Handle, link netlink.Link, mtu int) error {
	name := link.Attrs().Name
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	if mtu == link.Attrs().MTU {
		return nil
	}
	if err := h.LinkSetMTU(link, mtu); err != nil {
		return fmt.Errorf("set the MTU of %s: %w", name, err)
	}
	return nil
}

// addAddress gives an interface an address, usable at once (no duplicate address
// detection). It reports false where there is no IPv6 for it.
func addAddress(h *netlink.Handle, link netlink.Link, a netip.Prefix) (bool, error) {
	if a.Addr().Is4() {
		err := h.AddrAdd(link, &netlink.Addr{IPNet: IPNet(a)})
		return err == nil, err
	}
	if !hasIPv6() {
		return false, nil
	}
	err := h.AddrAdd(link, &netlink.Addr{IPNet: IPNet(a), Flags: unix.IFA_F_NODAD})
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EOPNOTSUPP) {
		return false, nil // net.ipv6.conf.default.disable_ipv6 is 1
	}
	return err == nil, err
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

// IPNet is a prefix as package net has it, with the address as it is.
func IPNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

const (
	linkPatience = 5 * time.Second
	linkPoll     = time.Millisecond
)

// AwaitLink waits until packets can leave by an interface, and the kernel takes
// packets for these of its addresses. It notices a carrier in work of its own,
// later than both ends were set up (as a rule at once, at worst after a second),
// and throws packets away until then: the first SYN or the first ARP request
// would be lost. It makes an IPv6 address its own in work of its own, too.
func (s *Space) AwaitLink(ctx context.Context, name string, addresses ...netip.Prefix) error {
	ctx, cancel := context.WithTimeout(ctx, linkPatience)
	defer cancel()
	for {
		ready := false
		err := s.withLink(name, func(h *netlink.Handle, link netlink.Link) error {
			ready = link.Attrs().OperState == netlink.OperUp && ownsAll(h, addresses)
			return nil
		})
		if err != nil || ready {
			return err
		}
		select {
		case <-time.After(linkPoll):
		case <-ctx.Done():
			return fmt.Errorf("wait for the carrier of %s: %w", name, ctx.Err())
		}
	}
}

// ownsAll reports whether the kernel takes packets for the IPv6 addresses among
// these.
func ownsAll(h *netlink.Handle, addresses []netip.Prefix) bool {
	for _, a := range addresses {
		if !a.Addr().Is6() {
			continue
		}
		routes, err := h.RouteGet(a.Addr().AsSlice())
		if err != nil || len(routes) == 0 || routes[0].Type != unix.RTN_LOCAL {
			return false
		}
	}
	return true
}

// RemoveLink takes an interface away, and the other end of its pair. One that is
// not there is no error.
func (s *Space) RemoveLink(name string) error {
	err := s.withLink(name, func(h *netlink.Handle, link netlink.Link) error { return h.LinkDel(link) })
	var missing netlink.LinkNotFoundError
	if err == nil || errors.As(err, &missing) {
		return nil
	}
	return fmt.Errorf("remove %s: %w", name, err)
}

// Sysctl sets a variable below /proc/sys/net, which is the namespace's own. Where
// there is no such variable the error is [os.ErrNotExist].
func (s *Space) Sysctl(name, value string) error {
	return s.Do(func() error { return os.WriteFile("/proc/sys/net/"+name, []byte(value), 0) })
}
