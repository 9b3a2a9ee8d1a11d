// Other interfaces on which answers to packets of a route may arrive.

package route

import (
	"net"
	"slices"

	"github.com/vishvananda/netlink"
)

// maxBeside bounds the interfaces that a packet link listens on besides its
// own.
const maxBeside = 64

// Beside returns the interfaces, other than the route's own, on which answers
// may arrive: what leaves by one uplink may be answered by another (asymmetric
// routing). It leaves out ports of bridges and the like, and interfaces that
// share the frames of the route's own, on which each packet would be seen
// twice.
func (r *Route) Beside() (list []net.Interface) {
	if r.Loopback || r.Foreign { // a foreign address is answered for on that link alone
		return nil
	}
	all, _ := netlink.LinkList()
	at := slices.IndexFunc(all, func(dev netlink.Link) bool { return dev.Attrs().Index == r.Index })
	if at < 0 {
		return nil
	}
	for _, dev := range all {
		a := dev.Attrs()
		up := a.Flags&net.FlagUp != 0 && a.Flags&net.FlagLoopback == 0
		if a.Index == r.Index || !up || a.MasterIndex != 0 || dev.Type() == "vrf" || sharesFrames(dev, all[at]) || len(list) == maxBeside {
			continue
		}
		list = append(list, net.Interface{Index: a.Index, Name: a.Name})
	}
	return list
}

// sharesFrames reports whether one of two interfaces receives what the other
// does.
func sharesFrames(a, b netlink.Link) bool {
	on := func(upper, lower netlink.Link) bool {
		switch upper.Type() {
		case "ipvlan", "ipvtap", "macvlan", "macvtap", "vlan":
			return upper.Attrs().ParentIndex == lower.Attrs().Index
		}
		return false
	}
	return on(a, b) || on(b, a)
}
