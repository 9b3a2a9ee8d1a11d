package route_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// Requirements: MUST-44, SHLD-6
func TestRouteIsTheKernels(t *testing.T) {
	netns.NewPair(t)
	veth := netns.Device(t, "veth0")
	index := veth.Attrs().Index
	netns.Check(t, netlink.RouteAdd(&netlink.Route{LinkIndex: index, Dst: netns.CIDR(t, "198.19.0.0/24"), Gw: net.IPv4(198, 18, 0, 2), MTU: 1280}))
	second, err := netlink.ParseAddr("198.18.0.5/24")
	netns.Check(t, err)
	netns.Check(t, netlink.AddrAdd(veth, second))
	a := netip.MustParseAddr
	for _, tc := range []struct {
		remote string
		via    route.Via
		want   route.Route
	}{
		{"198.18.0.2", route.Via{}, route.Route{"veth0", index, a("198.18.0.1"), a("198.18.0.2"), 1500, 0, false, false}},
		{"198.19.0.9", route.Via{}, route.Route{"veth0", index, a("198.18.0.1"), a("198.18.0.2"), 1280, 0, false, false}},
		{"198.19.0.9", route.Via{Source: a("198.18.0.5")}, route.Route{"veth0", index, a("198.18.0.5"), a("198.18.0.2"), 1280, 0, false, false}},
		{"198.18.0.2", route.Via{Interface: "veth0"}, route.Route{"veth0", index, a("198.18.0.1"), a("198.18.0.2"), 1500, 0, false, false}},
		{"::ffff:198.18.0.2", route.Via{}, route.Route{"veth0", index, a("198.18.0.1"), a("198.18.0.2"), 1500, 0, false, false}},
		{"127.0.0.1", route.Via{}, route.Route{"lo", 1, a("127.0.0.1"), a("127.0.0.1"), 65535, 0, true, false}},
		{"198.18.0.1", route.Via{}, route.Route{"lo", 1, a("198.18.0.1"), a("198.18.0.1"), 65535, 0, true, false}},
	} {
		got, err := route.Find(a(tc.remote), tc.via)
		if err != nil || got != tc.want {
			t.Errorf("%s via %+v:\n got %+v, %v\nwant %+v", tc.remote, tc.via, got, err, tc.want)
		}
	}
}

func TestMissingRoutesSayWhatIsMissing(t *testing.T) {
	netns.NewPair(t)
	netns.Check(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "sleepy"}, PeerName: "sleepier"}))
	netns.Check(t, netlink.RouteAdd(&netlink.Route{Dst: netns.CIDR(t, "198.19.1.0/24"), Type: 7})) // RTN_UNREACHABLE
	a := netip.MustParseAddr
	for _, tc := range []struct {
		remote string
		via    route.Via
		want   string
	}{
		{"198.19.0.9", route.Via{}, "ip route add 198.19.0.9"},
		{"198.19.1.9", route.Via{}, "a rule or route forbids it"},
		{"198.18.0.2", route.Via{Interface: "eth9"}, `no interface "eth9"`},
		{"198.18.0.2", route.Via{Interface: "sleepy"}, "ip link set sleepy up"},
		{"198.18.0.2", route.Via{Source: a("198.19.0.77")}, "neither an address of this machine nor of a network on veth0"},
		{"198.18.0.255", route.Via{}, "broadcast"},
		{"224.0.0.1", route.Via{}, "one host"},
		{"2001:db8:1::1", route.Via{}, "ip route add 2001:db8:1::1"},
	} {
		_, err := route.Find(a(tc.remote), tc.via)
		if !errors.Is(err, route.ErrNoRoute) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s via %+v: %v, want ErrNoRoute with %q", tc.remote, tc.via, err, tc.want)
		}
	}
}

func TestInterfaceWithoutCarrierSaysSo(t *testing.T) {
	p := netns.NewPair(t)
	p.Server.Do(t, func() error {
		dev, err := netlink.LinkByName(p.Server.Dev)
		if err != nil {
			return err
		}
		return netlink.LinkSetDown(dev)
	})
	_, err := route.Find(p.Server.Addr, route.Via{})
	if !errors.Is(err, route.ErrNoRoute) || !strings.Contains(err.Error(), "no carrier") {
		t.Errorf("got %v", err)
	}
}

func TestIPv6RouteIsTheKernels(t *testing.T) {
	netns.NewPair6(t)
	veth := netns.Device(t, "veth0")
	index := veth.Attrs().Index
	a := netip.MustParseAddr
	netns.Check(t, netlink.RouteAdd(&netlink.Route{LinkIndex: index, Dst: netns.CIDR(t, "2001:db8:1::/48"), Gw: a("2001:db8::2").AsSlice(), MTU: 1400}))
	for _, tc := range []struct {
		remote string
		via    route.Via
		want   route.Route
	}{
		{"2001:db8::2", route.Via{}, route.Route{"veth0", index, a("2001:db8::1"), a("2001:db8::2"), 1500, 0, false, false}},
		{"2001:db8:1::9", route.Via{}, route.Route{"veth0", index, a("2001:db8::1"), a("2001:db8::2"), 1400, 0, false, false}},
		{"2001:db8::1", route.Via{}, route.Route{"lo", 1, a("2001:db8::1"), a("2001:db8::1"), 65535, 0, true, false}},
		{"::1", route.Via{}, route.Route{"lo", 1, a("::1"), a("::1"), 65535, 0, true, false}},
		{"2001:db8::2", route.Via{Source: a("2001:db8::77")}, route.Route{"veth0", index, a("2001:db8::77"), a("2001:db8::2"), 1500, 0, false, true}},
	} {
		got, err := route.Find(a(tc.remote), tc.via)
		if err != nil || got != tc.want {
			t.Errorf("%s via %+v:\n got %+v, %v\nwant %+v", tc.remote, tc.via, got, err, tc.want)
		}
	}
	for _, tc := range []struct {
		remote string
		via    route.Via
		want   string
	}{
		{"2001:db8:9::9", route.Via{}, "ip route add 2001:db8:9::9"},
		{"fe80::9", route.Via{}, "fe80::9%INTERFACE"},
		{"ff02::1", route.Via{}, "one host"},
		{"2001:db8::2", route.Via{Source: a("198.18.0.1")}, "two IP versions"},
		{"2001:db8::2", route.Via{Source: a("2001:db8:5::1")}, "neither an address of this machine"},
		{"2001:db8::1", route.Via{Source: a("2001:db8::77")}, "would not send to itself"},
	} {
		_, err := route.Find(a(tc.remote), tc.via)
		if !errors.Is(err, route.ErrNoRoute) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s via %+v: %v, want ErrNoRoute with %q", tc.remote, tc.via, err, tc.want)
		}
	}
}
