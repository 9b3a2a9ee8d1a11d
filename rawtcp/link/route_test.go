package link_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/link"
)

func device(t testing.TB, name string) netlink.Link {
	t.Helper()
	dev, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

func cidr(t *testing.T, s string) *net.IPNet {
	t.Helper()
	_, n, err := net.ParseCIDR(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Requirements: MUST-44, SHLD-6
func TestRouteIsTheKernels(t *testing.T) {
	netns.NewPair(t)
	veth := device(t, "veth0")
	index := veth.Attrs().Index
	netns.Check(t, netlink.RouteAdd(&netlink.Route{LinkIndex: index, Dst: cidr(t, "198.19.0.0/24"), Gw: net.IPv4(198, 18, 0, 2), MTU: 1280}))
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
	netns.Check(t, netlink.RouteAdd(&netlink.Route{Dst: cidr(t, "198.19.1.0/24"), Type: 7})) // RTN_UNREACHABLE
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

func flowTo(p *netns.Pair, remote string) link.Options {
	return link.Options{Flow: link.Flow{Local: netip.AddrPortFrom(p.Client.Addr, 40000), Remote: netip.MustParseAddrPort(remote)}}
}

func TestSilentNeighbourIsNamed(t *testing.T) {
	p := netns.NewPair(t)
	_, err := link.OpenPacket(context.Background(), flowTo(p, "198.18.0.9:443"))
	if !errors.Is(err, link.ErrNoNeighbour) || !strings.Contains(err.Error(), "198.18.0.9 does not answer ARP on veth0") {
		t.Errorf("got %v", err)
	}
}

func TestContextEndsTheSearchForANeighbour(t *testing.T) {
	p := netns.NewPair(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err := link.OpenPacket(ctx, flowTo(p, "198.18.0.9:443"))
	if !errors.Is(err, link.ErrNoNeighbour) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// The kernel's table is asked first and is not written to.
func TestNeighbourTableIsUsedAndLeftAlone(t *testing.T) {
	p := netns.NewPair(t)
	dev := device(t, "veth0")
	table := func() int {
		t.Helper()
		all, err := netlink.NeighList(dev.Attrs().Index, netlink.FAMILY_V4)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	l, err := link.OpenPacket(context.Background(), flowTo(p, "198.18.0.2:443"))
	netns.Check(t, err)
	l.Close()
	if n := table(); n != 0 {
		t.Errorf("asking put %d entries into the kernel's table", n)
	}
	// Nobody has this address: only the table can answer for it.
	netns.Check(t, netlink.NeighAdd(&netlink.Neigh{LinkIndex: dev.Attrs().Index, State: netlink.NUD_PERMANENT,
		IP: net.IPv4(198, 18, 0, 9), HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9}}))
	l, err = link.OpenPacket(context.Background(), flowTo(p, "198.18.0.9:443"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestMissingCapabilityIsNamed(t *testing.T) {
	eachKind(t, func(t *testing.T, kind link.Kind) {
		netns.NewPair(t)
		withoutCapabilities(t, func() {
			o := link.Options{Kind: kind, Flow: link.Flow{
				Local: netip.MustParseAddrPort("198.18.0.1:40000"), Remote: netip.MustParseAddrPort("198.18.0.2:443")}}
			_, err := link.Open(context.Background(), o)
			if !errors.Is(err, link.ErrPermission) || !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_RAW") {
				t.Errorf("got %v", err)
			}
		})
	})
}

// An interface without link-layer addresses has nobody to ask.
func TestPacketLinkOpensOnATunnel(t *testing.T) {
	netns.NewPair(t)
	tun := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "tun0"}, Mode: netlink.TUNTAP_MODE_TUN, Flags: netlink.TUNTAP_NO_PI, Queues: 1}
	if err := netlink.LinkAdd(tun); err != nil {
		netns.Missing(t, "a TUN device", err)
	}
	defer tun.Fds[0].Close()
	addr, err := netlink.ParseAddr("198.19.0.1/24")
	netns.Check(t, err)
	netns.Check(t, netlink.AddrAdd(tun, addr))
	netns.Check(t, netlink.LinkSetUp(tun))
	o := link.Options{Flow: link.Flow{Local: netip.MustParseAddrPort("198.19.0.1:40000"), Remote: netip.MustParseAddrPort("198.19.0.2:443")}}
	l, err := link.OpenPacket(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sent := ipPacket(o.Flow.Local, o.Flow.Remote, 0)
	if err := l.Send(sent); err != nil {
		t.Fatal(err)
	}
	readTunnel(t, tun, sent)
	reply := ipPacket(o.Flow.Remote, o.Flow.Local, 0)
	if _, err := tun.Fds[0].Write(reply); err != nil {
		t.Fatal(err)
	}
	l.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, err := l.Receive(make([]byte, link.MaxPacket))
	if err != nil || string(got.Data) != string(reply) {
		t.Errorf("received %x, %v", got.Data, err)
	}
}
