// The route of a link that waits for peers.

package route

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Local returns the Route of a link that waits for peers at one of this
// machine's own addresses. It has no next hop, since each peer has its own.
// Local needs no privilege. Failures wrap ErrNoRoute.
func Local(local netip.Addr) (Route, error) {
	local = local.Unmap()
	if !local.IsValid() || local.IsUnspecified() || local.IsMulticast() {
		return Route{}, fmt.Errorf("%w: a link waits at one address of this machine (ip addr lists them), not at %v", ErrNoRoute, local)
	}
	if !IsLocal(local) {
		return Route{}, fmt.Errorf("%w: %v is not an address of this machine (ip addr lists them)", ErrNoRoute, local)
	}
	dev, err := interfaceOf(local)
	if err != nil {
		return Route{}, err
	}
	if err := usable(dev); err != nil {
		return Route{}, err
	}
	a := dev.Attrs()
	return Route{Interface: a.Name, Index: a.Index, Source: local, MTU: min(a.MTU, maxTotal),
		Loopback: a.Flags&unix.IFF_LOOPBACK != 0}, nil
}

// interfaceOf finds the interface that has an address, or whose loopback
// network it belongs to.
func interfaceOf(local netip.Addr) (netlink.Link, error) {
	list, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("%w: list this machine's addresses: %w", ErrNoRoute, err)
	}
	for _, a := range list {
		if ip, ok := netip.AddrFromSlice(a.IP); ok && ip.Unmap() == local {
			return netlink.LinkByIndex(a.LinkIndex)
		}
	}
	return findInterface("lo")
}
