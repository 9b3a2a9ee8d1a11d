// What a process that gives up its privileges has to know of this machine before.

package link

import (
	"errors"
	"sync/atomic"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A memory is what could be read once.
type memory struct {
	policies map[int][]netlink.XfrmPolicy // by IP version
	programs map[uint32]string            // names of XDP programs, by their numbers
}

// remembered is nil where nothing was asked for.
var remembered atomic.Pointer[memory]

// Remember reads, for a process that is about to give up CAP_NET_ADMIN and
// CAP_SYS_ADMIN, what it cannot read later: the IPsec policies, which then count as
// they are now, and the names of the XDP programs that are attached.
func Remember() {
	m := &memory{make(map[int][]netlink.XfrmPolicy), make(map[uint32]string)}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		m.policies[family], _ = netlink.XfrmPolicyList(family)
	}
	devices, _ := netlink.LinkList()
	for _, d := range devices {
		if x := d.Attrs().Xdp; x != nil && x.Attached {
			m.programs[x.ProgId] = programName(x.ProgId)
		}
	}
	remembered.Store(m)
}

// policies are this machine's, as far as they can be read.
func policies(family int) []netlink.XfrmPolicy {
	list, err := netlink.XfrmPolicyList(family)
	if was := remembered.Load(); errors.Is(err, unix.EPERM) && was != nil {
		return was.policies[family]
	}
	return list
}
