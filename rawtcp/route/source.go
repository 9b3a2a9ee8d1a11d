// Which of our addresses a connection can come from.

package route

import (
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// askFromEach tries to find a route from each of our addresses, where there is
// none without a source: every route of a second uplink may be in a table that
// rules choose by source. For an IPv4 connection without an interface the
// kernel would not find one either. It fails with err if there is none.
func (q *routeQuery) askFromEach(err error) (kernelRoute, error) {
	if q.remote.Is4() && q.iface == 0 {
		return kernelRoute{}, err
	}
	for _, a := range sources(q.remote, q.iface) {
		from := *q
		from.source = a
		if found, e := from.ask(); e == nil && found.kind == unix.RTN_UNICAST {
			q.source = a
			return found, nil
		}
	}
	return kernelRoute{}, err
}

// sources returns this machine's addresses from which remote could be reached,
// of one interface if its number is given. The best is first, by rules 2
// (scope), 3 (deprecated last) and 8 (longest common prefix) of RFC 6724,
// section 5.
func sources(remote netip.Addr, iface int) (list []netip.Addr) {
	all, _ := netlink.AddrList(nil, netlink.FAMILY_ALL)
	deprecated := make(map[netip.Addr]bool)
	for _, own := range all {
		a := addrOf(own.IP)
		usable := own.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0 || own.Flags&unix.IFA_F_OPTIMISTIC != 0
		sameScope := a.IsLinkLocalUnicast() == remote.IsLinkLocalUnicast() && a.IsLoopback() == remote.IsLoopback()
		if a.Is4() != remote.Is4() || iface != 0 && own.LinkIndex != iface || !usable || !sameScope {
			continue
		}
		list = append(list, a)
		deprecated[a] = own.Flags&unix.IFA_F_DEPRECATED != 0
	}
	slices.SortStableFunc(list, func(a, b netip.Addr) int {
		if deprecated[a] != deprecated[b] {
			if deprecated[b] {
				return -1
			}
			return 1
		}
		return commonPrefix(b, remote) - commonPrefix(a, remote)
	})
	return list
}

// commonPrefix returns the length of the longest common prefix of two addresses
// of one version, in bits.
func commonPrefix(a, b netip.Addr) (n int) {
	for n < a.BitLen() {
		p := netip.PrefixFrom(a, n+1)
		if !p.Contains(b) {
			break
		}
		n++
	}
	return n
}

// NeighbourSource returns the IPv6 address from which to send neighbour
// solicitations on an interface: its link-local one, if it has one.
func NeighbourSource(iface int) (found netip.Addr) {
	dev, err := netlink.LinkByIndex(iface)
	if err != nil {
		return found
	}
	own, _ := netlink.AddrList(dev, netlink.FAMILY_V6)
	for _, x := range own {
		a := addrOf(x.IP)
		if !found.IsValid() || a.IsLinkLocalUnicast() {
			found = a
		}
	}
	return found
}
