package lab

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

// wire joins the two namespaces: loopback up in both, one veth pair, addresses
// at once usable (no duplicate address detection, no router discovery).
func (l *Lab) wire(ctx context.Context) error {
	near, err := l.near.netlink()
	if err != nil {
		return err
	}
	defer near.Close()
	far, err := l.far.netlink()
	if err != nil {
		return err
	}
	defer far.Close()

	for _, h := range []*netlink.Handle{near, far} {
		if err := loopbackUp(h); err != nil {
			return err
		}
	}
	// The far end is born in the far namespace: it never stands in near's.
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = l.near.name, l.near.mac
	pair := &netlink.Veth{
		LinkAttrs:        attrs,
		PeerName:         l.far.name,
		PeerHardwareAddr: l.far.mac,
		PeerNamespace:    netlink.NsFd(l.far.space.fd),
	}
	if err := near.LinkAdd(pair); err != nil {
		return fmt.Errorf("make the veth pair: %w", err)
	}
	if err := l.near.address(near, nearPrefix4, nearPrefix6); err != nil {
		return err
	}
	if err := l.far.address(far, farPrefix4, farPrefix6); err != nil {
		return err
	}
	return errors.Join(l.near.awaitLink(ctx, near), l.far.awaitLink(ctx, far))
}

const (
	linkPatience = 5 * time.Second
	linkPoll     = time.Millisecond
)

// awaitLink waits until packets can leave. The kernel notices a carrier in work
// of its own, later than both ends were set up (as a rule at once, at worst
// after a second), and throws packets away until then: the first SYN or the
// first ARP request would be lost.
func (n *Node) awaitLink(ctx context.Context, h *netlink.Handle) error {
	ctx, cancel := context.WithTimeout(ctx, linkPatience)
	defer cancel()
	for {
		link, err := h.LinkByName(n.name)
		if err != nil {
			return fmt.Errorf("find %s: %w", n.name, err)
		}
		if link.Attrs().OperState == netlink.OperUp && n.owns6(h) {
			return nil
		}
		select {
		case <-time.After(linkPoll):
		case <-ctx.Done():
			return fmt.Errorf("wait for the carrier of %s: %w", n.name, ctx.Err())
		}
	}
}

// owns6 reports whether the kernel takes packets for the node's IPv6 address,
// if it has one: it makes the address its own in work of its own, too.
func (n *Node) owns6(h *netlink.Handle) bool {
	if !n.addr6.IsValid() {
		return true
	}
	routes, err := h.RouteGet(n.addr6.AsSlice())
	return err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL
}

// unwire takes the pair away. A namespace that was ours alone would take it
// along, but later, and the process's own namespace stays.
func (l *Lab) unwire() error {
	if l.near == nil || l.far == nil {
		return nil
	}
	h, err := l.near.netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(l.near.name)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the veth pair: %w", err)
	}
	if err := h.LinkDel(link); err != nil {
		return fmt.Errorf("remove the veth pair: %w", err)
	}
	return nil
}

// netlink opens a route socket in the node's namespace.
func (n *Node) netlink() (h *netlink.Handle, err error) {
	err = n.Do(func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open netlink in %s: %w", n.name, err)
	}
	return h, nil
}

func loopbackUp(h *netlink.Handle) error {
	lo, err := h.LinkByName("lo")
	if err == nil {
		err = h.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	return nil
}

// address gives the node's interface its addresses and sets it up.
func (n *Node) address(h *netlink.Handle, v4, v6 netip.Prefix) error {
	link, err := h.LinkByName(n.name)
	if err != nil {
		return fmt.Errorf("find %s: %w", n.name, err)
	}
	if err := h.AddrAdd(link, &netlink.Addr{IPNet: ipNet(v4)}); err != nil {
		return fmt.Errorf("give %s to %s: %w", v4, n.name, err)
	}
	n.addr4 = v4.Addr()
	if _, err := os.Stat("/proc/sys/net/ipv6"); err == nil {
		// No link-local address: its detection and its router solicitations
		// would be the first packets of every capture.
		if err := h.LinkSetIP6AddrGenMode(link, nl.IN6_ADDR_GEN_MODE_NONE); err != nil {
			return fmt.Errorf("quiet IPv6 on %s: %w", n.name, err)
		}
		err := h.AddrAdd(link, &netlink.Addr{IPNet: ipNet(v6), Flags: unix.IFA_F_NODAD})
		switch {
		case err == nil:
			n.addr6 = v6.Addr()
		case errors.Is(err, unix.EACCES), errors.Is(err, unix.EOPNOTSUPP):
			// net.ipv6.conf.default.disable_ipv6 is 1: a lab without IPv6.
		default:
			return fmt.Errorf("give %s to %s: %w", v6, n.name, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", n.name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
