package route_test

import (
	"net"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/route"
)

func TestAWatchNoticesWhatARouteHangsOn(t *testing.T) {
	p := netns.NewPair(t)
	w, err := route.OpenWatch()
	netns.Check(t, err)
	defer w.Close()
	dev := netns.Device(t, "veth0")
	index := dev.Attrs().Index
	for _, change := range []struct {
		name string
		make func() error
	}{
		{"a route of IPv4", func() error {
			return netlink.RouteAdd(&netlink.Route{LinkIndex: index, Dst: netns.CIDR(t, "198.19.0.0/24"), Gw: net.IPv4(198, 18, 0, 2)})
		}},
		{"one of IPv6", func() error {
			return netlink.RouteAdd(&netlink.Route{LinkIndex: index, Dst: netns.CIDR(t, "2001:db8:7::/64"), Gw: p.Server.Addr6.AsSlice()})
		}},
		{"an address", func() error {
			a, err := netlink.ParseAddr("198.18.0.5/24")
			if err != nil {
				return err
			}
			return netlink.AddrAdd(dev, a)
		}},
		{"an interface", func() error { return netlink.LinkSetDown(dev) }},
		{"many", func() error {
			for range 5000 {
				for _, set := range []func(netlink.Link) error{netlink.LinkSetUp, netlink.LinkSetDown} {
					if err := set(dev); err != nil {
						return err
					}
				}
			}
			return nil
		}},
	} {
		w.Changed() // IPv6 has things of its own to do
		netns.Check(t, change.make())
		if !w.Changed() {
			t.Errorf("%s: nothing was noticed", change.name)
		}
	}
	for w.Changed() {
	}
	if w.Changed() {
		t.Error("it goes on about what is past")
	}
}
