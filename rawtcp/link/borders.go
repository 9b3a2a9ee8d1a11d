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

// notOneHosts are addresses of which FindRoute does not ask the kernel alone:
// nobody's, which is also the lowest, groups', everybody's, and those that need
// an interface.
var notOneHosts = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/32"), netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("255.255.255.255/32"),
	netip.MustParsePrefix("::/128"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"),
}

// Borders are the addresses of an IP version at which this machine's routing
// may begin to differ, in order: the first of each route's network, and the
// first behind it, in all tables and rules. From one up to the next, FindRoute
// says the same of each address, but for next hops that are the address itself.
func Borders(six bool) ([]netip.Addr, error) {
	family := netlink.FAMILY_V4
	if six {
		family = netlink.FAMILY_V6
	}
	var list []netip.Addr
	add := func(p netip.Prefix) {
		if !p.IsValid() || p.Addr().Is6() != six {
			return
		}
		list = append(list, p.Masked().Addr())
		if after := lastOf(p).Next(); after.IsValid() {
			list = append(list, after)
		}
	}
	for _, p := range notOneHosts {
		add(p)
	}
	err := netlink.RouteListFilteredIter(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE, func(r netlink.Route) bool {
		add(prefixOf(r.Dst))
		return true
	})
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // they may change at any time
		return nil, fmt.Errorf("%w: list this machine's routes: %w", ErrNoRoute, err)
	}
	// Some kernels have no rules (CONFIG_IP_MULTIPLE_TABLES).
	rules, _ := netlink.RuleList(family)
	for i := range rules {
		add(prefixOf(rules[i].Dst))
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list), nil
}

// prefixOf is a network as netlink tells it; of none, the zero Prefix.
func prefixOf(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	a, _ := netip.AddrFromSlice(n.IP)
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(a.Unmap(), ones)
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
