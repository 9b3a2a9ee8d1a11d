package route_test

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// far is a host beyond the uplinks.
var far = map[bool]netip.Addr{false: netip.MustParseAddr("198.19.200.9"), true: netip.MustParseAddr("2001:db8:200::9")}

// secondUplink gives the client another interface, up1, whose default route stands
// in table 100 alone. The first uplink's default is in the main table.
func secondUplink(t *testing.T, p *netns.Pair) {
	t.Helper()
	netns.Check(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up1", MTU: 1500}, PeerName: "up1far"}))
	up, peer := netns.Device(t, "up1"), netns.Device(t, "up1far")
	for _, s := range []string{"198.19.3.1/24", "2001:db8:3::1/64"} {
		a, err := netlink.ParseAddr(s)
		netns.Check(t, err)
		if a.IP.To4() == nil {
			a.Flags = unix.IFA_F_NODAD
		}
		netns.Check(t, netlink.AddrAdd(up, a))
	}
	netns.Check(t, errors.Join(netlink.LinkSetUp(up), netlink.LinkSetUp(peer)))
	for _, r := range []netlink.Route{
		{LinkIndex: up.Attrs().Index, Dst: netns.CIDR(t, "0.0.0.0/0"), Gw: net.IPv4(198, 19, 3, 254), Table: 100},
		{LinkIndex: up.Attrs().Index, Dst: netns.CIDR(t, "::/0"), Gw: net.ParseIP("2001:db8:3::fe"), Table: 100},
		{Dst: netns.CIDR(t, "0.0.0.0/0"), Gw: p.Server.Addr4.AsSlice()},
		{Dst: netns.CIDR(t, "::/0"), Gw: p.Server.Addr6.AsSlice()},
	} {
		netns.Check(t, netlink.RouteAdd(&r))
	}
}

// withRule runs f while a rule leads to table 100, in both IP versions.
func withRule(t *testing.T, set func(r *netlink.Rule, six bool), f func(six bool)) {
	t.Helper()
	for _, six := range []bool{false, true} {
		r := netlink.NewRule()
		r.Family, r.Table, r.Priority = netlink.FAMILY_V4, 100, 1000
		if six {
			r.Family = netlink.FAMILY_V6
		}
		set(r, six)
		netns.Check(t, netlink.RuleAdd(r))
		defer netlink.RuleDel(r)
	}
	f(false)
	f(true)
}

// What the kernel would choose for this very flow: rules look at its source,
// interface, protocol, ports and user, in both IP versions.
func TestTheRouteIsThatOfThisVeryFlow(t *testing.T) {
	p := netns.NewPair(t)
	secondUplink(t, p)
	own := map[bool]netip.Addr{false: netip.MustParseAddr("198.19.3.1"), true: netip.MustParseAddr("2001:db8:3::1")}
	check := func(t *testing.T, six bool, via route.Via, second bool) {
		t.Helper()
		want, gateway := p.Client.Dev, p.Server.Addr4
		if six {
			gateway = p.Server.Addr6
		}
		if second {
			want, gateway = "up1", map[bool]netip.Addr{false: netip.MustParseAddr("198.19.3.254"), true: netip.MustParseAddr("2001:db8:3::fe")}[six]
		}
		r, err := route.Find(far[six], via)
		if err != nil || r.Interface != want || r.NextHop != gateway || second && via.Source == (netip.Addr{}) && r.Source != own[six] {
			t.Errorf("IPv6 %v, %+v: %+v, %v; want %s through %v", six, via, r, err, want, gateway)
		}
	}
	for _, six := range []bool{false, true} {
		check(t, six, route.Via{}, false)
	}
	withRule(t, func(r *netlink.Rule, six bool) { r.Src = netns.HostNetwork(own[six]) }, func(six bool) {
		check(t, six, route.Via{}, false)
		check(t, six, route.Via{Source: own[six]}, true)
		check(t, six, route.Via{Interface: "up1"}, true) // from whose address the rule leads
	})
	withRule(t, func(r *netlink.Rule, _ bool) {
		r.IPProto, r.Dport = unix.IPPROTO_TCP, netlink.NewRulePortRange(443, 450)
	}, func(six bool) {
		check(t, six, route.Via{RemotePort: 442}, false)
		check(t, six, route.Via{RemotePort: 443}, true)
		check(t, six, route.Via{RemotePort: 450}, true)
		check(t, six, route.Via{RemotePort: 451}, false)
	})
	withRule(t, func(r *netlink.Rule, _ bool) { r.Sport = netlink.NewRulePortRange(40000, 40000) }, func(six bool) {
		check(t, six, route.Via{LocalPort: 40000}, true)
		check(t, six, route.Via{LocalPort: 40001}, false)
	})
	withRule(t, func(r *netlink.Rule, _ bool) { r.IPProto = unix.IPPROTO_TCP }, func(six bool) { check(t, six, route.Via{}, true) })
	withRule(t, func(r *netlink.Rule, _ bool) { r.IPProto = unix.IPPROTO_UDP }, func(six bool) { check(t, six, route.Via{}, false) })
}

// A raw socket's packets have no ports for the kernel: where a rule leads a
// connection by them, the raw link would send it another way.
func TestTheRawLinkSaysWhereRulesDoNotSeeIt(t *testing.T) {
	p := netns.NewPair(t)
	secondUplink(t, p)
	withRule(t, func(r *netlink.Rule, _ bool) { r.Dport = netlink.NewRulePortRange(443, 443) }, func(six bool) {
		for port, fails := range map[uint16]bool{443: true, 80: false} {
			r, err := route.Find(far[six], route.Via{RemotePort: port})
			netns.Check(t, err)
			err = route.CheckRaw(r, far[six])
			if fails != errors.Is(err, route.ErrNoRoute) || fails && !strings.Contains(err.Error(), "use the packet link") {
				t.Errorf("IPv6 %v, port %d by %s: %v", six, port, r.Interface, err)
			}
		}
	})
}

func TestBordersOfPortsAreWhereRulesBeginAndEnd(t *testing.T) {
	p := netns.NewPair(t)
	secondUplink(t, p)
	withRule(t, func(r *netlink.Rule, _ bool) {
		r.Sport, r.Dport = netlink.NewRulePortRange(40000, 65534), netlink.NewRulePortRange(443, 443)
	}, func(six bool) {
		b, err := route.ReadBorders(six)
		netns.Check(t, err)
		if l, r := b.LocalPorts, b.RemotePorts; len(l) != 3 || l[0] != 0 || l[1] != 40000 || l[2] != 65535 || len(r) != 3 || r[0] != 0 || r[1] != 443 || r[2] != 444 {
			t.Errorf("local %v, remote %v", l, r)
		}
		if len(b.Multipath) != 0 {
			t.Errorf("multipath: %v", b.Multipath)
		}
	})
}

func TestMultipathRoutesAreAskedForEachFlow(t *testing.T) {
	p := netns.NewPair(t)
	secondUplink(t, p)
	netns.Check(t, netlink.RouteReplace(&netlink.Route{Dst: netns.CIDR(t, "198.19.200.0/24"), MultiPath: []*netlink.NexthopInfo{
		{LinkIndex: netns.Device(t, "veth0").Attrs().Index, Gw: net.IPv4(198, 18, 0, 2)},
		{LinkIndex: netns.Device(t, "up1").Attrs().Index, Gw: net.IPv4(198, 19, 3, 254)}}}))
	b, err := route.ReadBorders(false)
	netns.Check(t, err)
	if want := netip.MustParsePrefix("198.19.200.0/24"); len(b.Multipath) != 1 || b.Multipath[0] != want {
		t.Errorf("%v, want %v", b.Multipath, want)
	}
	taken := make(map[string]int)
	for n := range 64 {
		r, err := route.Find(netip.AddrFrom4([4]byte{198, 19, 200, byte(n + 1)}), route.Via{RemotePort: 443})
		netns.Check(t, err)
		taken[r.Interface]++
	}
	if len(taken) != 2 {
		t.Errorf("of 64 hosts, by interface: %v", taken)
	}
}

func TestWhatARouteSaysOfSizesIsHeeded(t *testing.T) {
	p := netns.NewPair(t)
	for _, r := range []netlink.Route{
		{Dst: netns.CIDR(t, "198.19.200.0/24"), Gw: p.Server.Addr4.AsSlice(), AdvMSS: 700, MTU: 1400},
		{Dst: netns.CIDR(t, "2001:db8:200::/48"), Gw: p.Server.Addr6.AsSlice(), AdvMSS: 700, MTU: 1400},
	} {
		netns.Check(t, netlink.RouteAdd(&r))
	}
	for _, six := range []bool{false, true} {
		r, err := route.Find(far[six], route.Via{})
		if err != nil || r.AdvMSS != 700 || r.MTU != 1400 {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// A zone is an interface's name or number (RFC 4007, section 11.2).
func TestZonesMayBeNumbers(t *testing.T) {
	netns.NewPair(t)
	dev := netns.Device(t, "veth0")
	for _, zone := range []string{"veth0", strconv.Itoa(dev.Attrs().Index)} {
		r, err := route.Find(netip.MustParseAddr("fe80::1").WithZone(zone), route.Via{})
		if err != nil || r.Interface != "veth0" {
			t.Errorf("zone %s: %+v, %v", zone, r, err)
		}
	}
}

func TestRoutesThatForbidSaySoInWords(t *testing.T) {
	netns.NewPair(t)
	for kind, want := range map[int]string{unix.RTN_BLACKHOLE: "blackhole", unix.RTN_PROHIBIT: "prohibit", unix.RTN_UNREACHABLE: "unreachable"} {
		for _, dst := range []string{"198.19.200.0/24", "2001:db8:200::/48"} {
			r := netlink.Route{Dst: netns.CIDR(t, dst), Type: kind}
			netns.Check(t, netlink.RouteReplace(&r))
			_, err := route.Find(far[strings.Contains(dst, ":")], route.Via{})
			if !errors.Is(err, route.ErrNoRoute) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "invalid argument") {
				t.Errorf("%s: %v, want %q", dst, err, want)
			}
			netns.Check(t, netlink.RouteDel(&r))
		}
	}
}
