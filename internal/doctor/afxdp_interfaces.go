// What each interface can do for AF_XDP.

package doctor

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Of the netdev family of generic netlink (linux/netdev.h; Linux 6.3 has it).
const (
	netdevFamily      = "netdev"
	netdevDevGet      = 1 // NETDEV_CMD_DEV_GET
	netdevIfindex     = 1 // NETDEV_A_DEV_IFINDEX
	netdevXDPFeatures = 3 // NETDEV_A_DEV_XDP_FEATURES
)

// The features of a driver (linux/netdev.h, enum netdev_xdp_act).
const (
	xdpRedirects = 1 << 1 // NETDEV_XDP_ACT_REDIRECT
	xdpZeroCopy  = 1 << 3 // NETDEV_XDP_ACT_XSK_ZEROCOPY
)

// xdpAbility is what an interface can do for AF_XDP.
type xdpAbility struct {
	dev      string
	told     bool // the kernel says what follows
	native   bool // the program runs in the driver, and not before the stack (SKB mode)
	zeroCopy bool
	queues   int // for what arrives
}

// xdpAbilities asks about each interface on which AF_XDP makes sense: Ethernet's that
// are up.
func xdpAbilities() (list []xdpAbility) {
	family, _ := netlink.GenlFamilyGet(netdevFamily)
	devs, _ := netlink.LinkList()
	for _, d := range devs {
		a := d.Attrs()
		if a.EncapType != "ether" || a.Flags&net.FlagUp == 0 {
			continue
		}
		x := xdpAbility{dev: a.Name, queues: max(a.NumRxQueues, 1)}
		if family != nil {
			var f uint64
			f, x.told = xdpFeatures(family.ID, a.Index)
			x.native, x.zeroCopy = f&xdpRedirects != 0, f&xdpZeroCopy != 0
		}
		list = append(list, x)
	}
	return list
}

// A genlHeader is struct genlmsghdr (linux/genetlink.h): command, version, and two bytes
// that a kernel wants to be zero, and nl.Genlmsg leaves to chance.
type genlHeader [nl.SizeofGenlmsg]byte

func (h genlHeader) Len() int          { return len(h) }
func (h genlHeader) Serialize() []byte { return h[:] }

// xdpFeatures asks for the features of an interface's driver. A kernel that is too old
// does not tell.
func xdpFeatures(family uint16, index int) (features uint64, told bool) {
	r := nl.NewNetlinkRequest(int(family), 0)
	r.AddData(genlHeader{netdevDevGet, 1})
	r.AddData(nl.NewRtAttr(netdevIfindex, binary.NativeEndian.AppendUint32(nil, uint32(index))))
	answers, err := r.Execute(unix.NETLINK_GENERIC, family)
	if err != nil || len(answers) != 1 || len(answers[0]) < nl.SizeofGenlmsg {
		return 0, false
	}
	attrs, _ := nl.ParseRouteAttrAsMap(answers[0][nl.SizeofGenlmsg:])
	f := attrs[netdevXDPFeatures].Value
	if len(f) != 8 {
		return 0, false
	}
	return binary.NativeEndian.Uint64(f), true
}

// mostAbilities bounds how many interfaces are told of, where there are hundreds.
const mostAbilities = 8

// tellXDP says what the interfaces can do.
func tellXDP(list []xdpAbility) string {
	var b strings.Builder
	for i, x := range list {
		if i == mostAbilities {
			fmt.Fprintf(&b, "; and %d more", len(list)-i)
			break
		}
		how := "its driver untold"
		switch {
		case x.native && x.zeroCopy:
			how = "in the driver, which has zero-copy (not used)"
		case x.native:
			how = "in the driver"
		case x.told:
			how = "before the stack (SKB mode)"
		}
		queues := "queues"
		if x.queues == 1 {
			queues = "queue"
		}
		fmt.Fprintf(&b, "; %s: %s, %d %s", x.dev, how, x.queues, queues)
	}
	return b.String()
}
