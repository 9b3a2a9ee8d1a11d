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
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

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
	dev := netns.Device(t, "veth0")
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
			if !errors.Is(err, link.ErrPermission) || !errors.Is(err, guard.ErrPermission) || !errors.Is(err, os.ErrPermission) || errors.As(err, new(*guard.PermissionError)) || !strings.Contains(err.Error(), "CAP_NET_RAW") {
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

// IPv4 through an IPv6 next hop (RFC 8950, "via inet6"): it is asked for by
// neighbour discovery, and gets IPv4 packets.
func TestIPv4ThroughAnIPv6NextHop(t *testing.T) {
	eachKind(t, func(t *testing.T, kind link.Kind) {
		p := netns.NewPair(t)
		remote := netip.MustParseAddr("198.19.200.9")
		p.Server.Do(t, func() error {
			lo, err := netlink.LinkByName("lo")
			if err != nil {
				return err
			}
			return netlink.AddrAdd(lo, &netlink.Addr{IPNet: netns.HostNetwork(remote)})
		})
		netns.Check(t, netlink.RouteAdd(&netlink.Route{Dst: netns.HostNetwork(remote), LinkIndex: netns.Device(t, p.Client.Dev).Attrs().Index,
			Via: &netlink.Via{AddrFamily: unix.AF_INET6, Addr: p.Server.Addr6.AsSlice()}}))
		r, err := route.Find(remote, route.Via{})
		if err != nil || r.NextHop != p.Server.Addr6 || r.Source != p.Client.Addr4 {
			t.Fatalf("%+v, %v", r, err)
		}
		p.Server.Addr = remote
		l, to := p.Server.Listen(t)
		k, _ := talk(t, kind, "listener", p.Client.Addr4, to)
		exchange(t, k, l)
	})
}
