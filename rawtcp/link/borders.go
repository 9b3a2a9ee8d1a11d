package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Borders are the addresses of an IP version at which this machine's routing
// may begin to differ, in order: the first of each route's network, and the
// first behind it, in all tables and rules. From one up to the next, FindRoute
// says the same of each address, but for next hops that are the address itself.
func Borders(six bool) ([]netip.Addr, error) {
	family := netlink.FAMILY_V4
	lowest := netip.IPv4Unspecified()
	if six {
		family, lowest = netlink.FAMILY_V6, netip.IPv6Unspecified()
	}
	list := []netip.Addr{lowest}
	add := func(n *net.IPNet) {
		if n == nil {
			return
		}
		a, ok := netip.AddrFromSlice(n.IP)
		ones, _ := n.Mask.Size()
		if p := netip.PrefixFrom(a.Unmap(), ones); ok && p.IsValid() && p.Addr().Is6() == six {
			list = append(list, p.Masked().Addr())
			if after := lastOf(p).Next(); after.IsValid() {
				list = append(list, after)
			}
		}
	}
	err := netlink.RouteListFilteredIter(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE, func(r netlink.Route) bool {
		add(r.Dst)
		return true
	})
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // they may change at any time
		return nil, fmt.Errorf("%w: list this machine's routes: %w", ErrNoRoute, err)
	}
	// Some kernels have no rules (CONFIG_IP_MULTIPLE_TABLES).
	rules, _ := netlink.RuleList(family)
	for i := range rules {
		add(rules[i].Dst)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list), nil
}

// lastOf is the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
