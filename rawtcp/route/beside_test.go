package route_test

import (
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// Ports of a bridge and interfaces that share frames would show packets twice.
func TestInterfacesThatShareFramesAreNotHeardTwice(t *testing.T) {
	p := netns.NewPair(t)
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
	netns.Check(t, netlink.LinkAdd(bridge))
	for _, name := range []string{"port0", "other0"} {
		p.Join(t, name, name+"far")
	}
	netns.Check(t, netlink.LinkSetMaster(netns.Device(t, "port0"), bridge))
	parent := netns.Device(t, p.Client.Dev).Attrs().Index
	netns.Check(t, netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: netlink.LinkAttrs{Name: "mv0", ParentIndex: parent}, Mode: netlink.MACVLAN_MODE_BRIDGE}))
	netns.Check(t, netlink.LinkSetUp(netns.Device(t, "mv0")))
	route, err := route.Find(p.Server.Addr, route.Via{})
	netns.Check(t, err)
	if got := route.Beside(); len(got) != 1 || got[0].Name != "other0" {
		t.Errorf("%v, want other0 alone", got)
	}
}
