package link_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/link"
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
		via    link.Via
		want   link.Route
	}{
		{"198.18.0.2", link.Via{}, link.Route{"veth0", index, a("198.18.0.1"), a("198.18.0.2"), 1500, 0, false, false}},
		{"198.19.0.9", link.Via{}, link.Route{"veth0", index, a("198.18.0.1"), a("198.18.0.2"), 1280, 0, false, false}},
		{"198.19.0.9", link.Via{Source: a("198.18.0.5")}, link.Route{"veth0", index, a("198.18.0.5"), a("198.18.0.2"), 1280, 0, false, false}},
		{"198.18.0.2", link.Via{Interface: "veth0"}, link.Route{"veth0", index, a("198.18.0.1"), a("198.18.0.2"), 1500, 0, false, false}},
		{"::ffff:198.18.0.2", link.Via{}, link.Route{"veth0", index, a("198.18.0.1"), a("198.18.0.2"), 1500, 0, false, false}},
		{"127.0.0.1", link.Via{}, link.Route{"lo", 1, a("127.0.0.1"), a("127.0.0.1"), 65535, 0, true, false}},
		{"198.18.0.1", link.Via{}, link.Route{"lo", 1, a("198.18.0.1"), a("198.18.0.1"), 65535, 0, true, false}},
	} {
		got, err := link.FindRoute(a(tc.remote), tc.via)
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
		via    link.Via
		want   string
	}{
		{"198.19.0.9", link.Via{}, "ip route add 198.19.0.9"},
		{"198.19.1.9", link.Via{}, "a rule or route forbids it"},
		{"198.18.0.2", link.Via{Interface: "eth9"}, `no interface "eth9"`},
		{"198.18.0.2", link.Via{Interface: "sleepy"}, "ip link set sleepy up"},
		{"198.18.0.2", link.Via{Source: a("198.19.0.77")}, "neither an address of this machine nor of a network on veth0"},
		{"198.18.0.255", link.Via{}, "broadcast"},
		{"224.0.0.1", link.Via{}, "one host"},
		{"2001:db8:1::1", link.Via{}, "ip route add 2001:db8:1::1"},
	} {
		_, err := link.FindRoute(a(tc.remote), tc.via)
		if !errors.Is(err, link.ErrNoRoute) || !strings.Contains(err.Error(), tc.want) {
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
	_, err := link.FindRoute(p.Server.Addr, link.Via{})
	if !errors.Is(err, link.ErrNoRoute) || !strings.Contains(err.Error(), "no carrier") {
		t.Errorf("got %v", err)
	}
}
