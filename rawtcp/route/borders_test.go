package route_test

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// furnish gives the client routes of many kinds, in several tables.
func furnish(t *testing.T, p *netns.Pair) {
	t.Helper()
	index := netns.Device(t, p.Client.Dev).Attrs().Index
	add := func(r netlink.Route, dst string) {
		t.Helper()
		if r.Type == 0 {
			r.LinkIndex = index
		}
		r.Dst = netns.CIDR(t, dst)
		if err := netlink.RouteAdd(&r); err != nil {
			t.Fatalf("%s: %v", dst, err)
		}
	}
	gw4, gw6 := net.IPv4(198, 18, 0, 2).To4(), net.ParseIP("2001:db8::2")
	add(netlink.Route{Gw: gw4}, "198.19.0.0/24")
	add(netlink.Route{Gw: gw4, MTU: 1280}, "198.19.0.64/26")
	add(netlink.Route{}, "198.19.0.77/32")
	add(netlink.Route{Type: unix.RTN_UNREACHABLE}, "198.19.2.0/23")
	add(netlink.Route{Gw: gw4}, "0.0.0.0/0")
	add(netlink.Route{}, "255.0.0.0/8")
	add(netlink.Route{Gw: gw4, Table: 100}, "198.19.128.0/18")
	add(netlink.Route{Gw: gw6}, "::/0")
	add(netlink.Route{}, "2001:db8:1::/48")
	add(netlink.Route{Gw: gw6, MTU: 1280}, "2001:db8:1:2::/64")
	add(netlink.Route{Type: unix.RTN_UNREACHABLE}, "2001:db8:2::/48")
	add(netlink.Route{Gw: gw6, Table: 100}, "2001:db8:8000::/34")
	for family, dst := range map[int]string{netlink.FAMILY_V4: "198.19.144.0/20", netlink.FAMILY_V6: "2001:db8:9000::/40"} {
		r := netlink.NewRule()
		r.Family, r.Dst, r.Table = family, netns.CIDR(t, dst), 100
		netns.Check(t, netlink.RuleAdd(r))
	}
}

func TestBordersAreWhereRoutesAndRulesBeginAndEnd(t *testing.T) {
	p := netns.NewPair(t)
	furnish(t, p)
	for six, want := range map[bool][]string{
		false: {"0.0.0.0", "198.18.0.0", "198.18.0.1", "198.18.0.2", "198.18.0.255", "198.18.1.0",
			"198.19.0.0", "198.19.0.64", "198.19.0.77", "198.19.0.78", "198.19.0.128", "198.19.1.0",
			"198.19.2.0", "198.19.4.0", "198.19.128.0", "198.19.144.0", "198.19.160.0", "198.19.192.0",
			"224.0.0.0", "240.0.0.0", "255.0.0.0", "255.255.255.255"}, // and nothing behind it
		true: {"::", "::1", "2001:db8::", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::", "2001:db8:1::", "2001:db8:1:2::", "2001:db8:1:3::",
			"2001:db8:2::", "2001:db8:3::", "2001:db8:8000::", "2001:db8:9000::", "2001:db8:9100::", "2001:db8:c000::",
			"fe80::", "fec0::", "ff00::"},
	} {
		b, err := route.ReadBorders(six)
		netns.Check(t, err)
		got := b.Addrs
		if !slices.IsSortedFunc(got, netip.Addr.Compare) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("out of order, or twice: %v", got)
		}
		for _, w := range want {
			if !slices.Contains(got, netip.MustParseAddr(w)) {
				t.Errorf("%v is not among %v", w, got)
			}
		}
		for _, a := range got {
			if a.Is6() != six {
				t.Errorf("%v is of the other version", a)
			}
		}
	}
}

// sameEverywhere is a route as it is said of each address that it is for.
func sameEverywhere(a netip.Addr) (r route.Route, refused bool) {
	r, err := route.Find(a, route.Via{})
	if r.NextHop == a {
		r.NextHop = netip.Addr{}
	}
	return r, err != nil
}

// between are addresses from first to last, both among them.
func between(random *rand.Rand, first, last netip.Addr) []netip.Addr {
	list := []netip.Addr{first, last}
	for range 8 {
		// The first with some of its low bits changed, if that is not too far.
		b := first.AsSlice()
		for bit := range random.IntN(8 * len(b)) {
			b[len(b)-1-bit/8] ^= byte(random.IntN(2)) << (bit % 8)
		}
		if a, _ := netip.AddrFromSlice(b); !a.Less(first) && !last.Less(a) {
			list = append(list, a)
		}
	}
	return list
}

func TestBetweenTwoBordersRoutesAreTheSame(t *testing.T) {
	p := netns.NewPair(t)
	furnish(t, p)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for _, six := range []bool{false, true} {
		b, err := route.ReadBorders(six)
		netns.Check(t, err)
		list := b.Addrs
		highest := netip.AddrFrom4([4]byte{255, 255, 255, 255})
		if six {
			highest = netip.IPv6Unspecified().Prev()
		}
		seen := 0
		for i, first := range list {
			last := highest
			if i+1 < len(list) {
				last = list[i+1].Prev()
			}
			want, refused := sameEverywhere(first)
			for _, a := range between(random, first, last) {
				seen++
				if got, no := sameEverywhere(a); got != want || no != refused {
					t.Errorf("seed %d: from %v to %v, refused %v, %+v; but of %v, refused %v, %+v", seed, first, last, refused, want, a, no, got)
				}
			}
		}
		if seen < 3*len(list) {
			t.Errorf("seed %d: %d addresses between %d borders", seed, seen, len(list))
		}
	}
}
