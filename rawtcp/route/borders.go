// The addresses and ports between which the kernel routes everything alike.

package route

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// notOneHosts are addresses about which Find does not ask the kernel alone: the
// unspecified one, which is also the lowest, multicast, broadcast, and those
// that need an interface.
var notOneHosts = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/32"), netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("255.255.255.255/32"),
	netip.MustParsePrefix("::/128"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"),
}

// Borders say where this machine's routing of an IP version may change. From
// one border up to the next, Find returns the same for each address and port,
// except that the next hop may be the address itself. Each list is sorted.
type Borders struct {
	// Addrs are the first address of each route's network, and the first after
	// it, in all tables and rules.
	Addrs []netip.Addr
	// LocalPorts and RemotePorts are the first port of each rule's range, and
	// the first after it. 0 is always there.
	LocalPorts, RemotePorts []uint16
	// Multipath are the networks of routes with several next hops, of which a
	// hash of the flow chooses one: there the kernel must be asked about each
	// flow.
	Multipath []netip.Prefix
}

// ReadBorders reads the borders for IPv6, or for IPv4. It needs no privilege.
func ReadBorders(six bool) (*Borders, error) {
	family := netlink.FAMILY_V4
	if six {
		family = netlink.FAMILY_V6
	}
	b := &Borders{LocalPorts: []uint16{0}, RemotePorts: []uint16{0}}
	for _, p := range notOneHosts {
		b.addNetwork(p, six)
	}
	err := netlink.RouteListFilteredIter(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE, func(r netlink.Route) bool {
		b.addNetwork(prefixOf(r.Dst), six)
		if len(r.MultiPath) > 1 {
			b.addMultipath(prefixOf(r.Dst), six)
		}
		return true
	})
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // an interrupted dump means only that they change
		return nil, fmt.Errorf("%w: list this machine's routes: %w", ErrNoRoute, err)
	}
	// Some kernels have no rules (CONFIG_IP_MULTIPLE_TABLES).
	rules, _ := netlink.RuleList(family)
	for i := range rules {
		b.addNetwork(prefixOf(rules[i].Dst), six)
		b.LocalPorts = addPorts(b.LocalPorts, rules[i].Sport)
		b.RemotePorts = addPorts(b.RemotePorts, rules[i].Dport)
	}
	policies, _ := netlink.XfrmPolicyList(family) // on which the kind of link depends
	for i := range policies {
		b.addNetwork(prefixOf(policies[i].Dst), six)
		if port := uint16(policies[i].DstPort); port != 0 {
			b.RemotePorts = addPorts(b.RemotePorts, &netlink.RulePortRange{Start: port, End: port})
		}
	}
	b.sort()
	return b, nil
}

// addNetwork adds the borders of a network, if it is one of the IP version.
func (b *Borders) addNetwork(p netip.Prefix, six bool) {
	if !p.IsValid() || p.Addr().Is6() != six {
		return
	}
	b.Addrs = append(b.Addrs, p.Masked().Addr())
	if after := lastOf(p).Next(); after.IsValid() {
		b.Addrs = append(b.Addrs, after)
	}
}

// addMultipath adds a network; the zero Prefix means the default route's.
func (b *Borders) addMultipath(p netip.Prefix, six bool) {
	switch {
	case p.IsValid():
	case six:
		p = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	default:
		p = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	b.Multipath = append(b.Multipath, p)
}

// addPorts adds the borders of a rule's ports, if it has any.
func addPorts(list []uint16, r *netlink.RulePortRange) []uint16 {
	if r == nil {
		return list
	}
	list = append(list, r.Start)
	if r.End < 1<<16-1 {
		list = append(list, r.End+1)
	}
	return list
}

func (b *Borders) sort() {
	slices.SortFunc(b.Addrs, netip.Addr.Compare)
	b.Addrs = slices.Compact(b.Addrs)
	for _, ports := range []*[]uint16{&b.LocalPorts, &b.RemotePorts} {
		slices.Sort(*ports)
		*ports = slices.Compact(*ports)
	}
}

// prefixOf returns a network that netlink reports as a Prefix; nil becomes the
// zero Prefix.
func prefixOf(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	a, _ := netip.AddrFromSlice(n.IP)
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(a.Unmap(), ones)
}

// lastOf returns the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
