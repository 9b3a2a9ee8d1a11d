package link_test

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// openAsker asks on the pair's link.
func openAsker(t *testing.T, p *netns.Pair) *link.Asker {
	t.Helper()
	r, err := route.Find(p.Server.Addr, route.Via{})
	netns.Check(t, err)
	a, err := link.OpenAsker(r)
	netns.Check(t, err)
	t.Cleanup(func() { a.Close() })
	return a
}

// told is what the asker hears, up to the answer about last.
func told(t *testing.T, a *link.Asker, last netip.Addr) map[netip.Addr]link.Hop {
	t.Helper()
	all := make(map[netip.Addr]link.Hop)
	for end := time.Now().Add(10 * time.Second); all[last].IsZero(); {
		if time.Now().After(end) {
			t.Fatalf("nothing was heard of %v; but %v", last, all)
		}
		if err := a.Answers(func(who netip.Addr, hop link.Hop) { all[who] = hop }); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestAnAskerFindsAHostAndLeavesTheKernelAlone(t *testing.T) {
	netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
		var theirs net.HardwareAddr
		p.Server.Do(t, func() error {
			dev, err := netlink.LinkByName(p.Server.Dev)
			if err == nil {
				theirs = dev.Attrs().HardwareAddr
			}
			return err
		})
		a := openAsker(t, p)
		nobody := netip.MustParseAddr("198.18.0.9")
		if p.Client.Addr.Is6() {
			nobody = netip.MustParseAddr("2001:db8::9")
		}
		netns.Check(t, a.Ask(nobody))
		netns.Check(t, a.Ask(p.Server.Addr))
		if all := told(t, a, p.Server.Addr); len(all) != 1 || all[p.Server.Addr] != link.HopTo(theirs) {
			t.Errorf("heard %v, want that %v is at %v", all, p.Server.Addr, theirs)
		}
		known, err := netlink.NeighList(netns.Device(t, p.Client.Dev).Attrs().Index, netlink.FAMILY_ALL)
		netns.Check(t, err)
		for _, n := range known {
			if addr, _ := netip.AddrFromSlice(n.IP); addr.Unmap() == p.Server.Addr {
				t.Errorf("the kernel's table has %v", n)
			}
		}
	})
}

// forger sends frames from the server to the client's interface, or to a group.
func forger(t *testing.T, p *netns.Pair, etherType uint16) (send func(b []byte, to net.HardwareAddr)) {
	t.Helper()
	fd, index := -1, 0
	p.Server.Do(t, func() (err error) {
		dev, err := netlink.LinkByName(p.Server.Dev)
		if err != nil {
			return err
		}
		index = dev.Attrs().Index
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	t.Cleanup(func() { unix.Close(fd) })
	return func(b []byte, to net.HardwareAddr) {
		at := unix.SockaddrLinklayer{Protocol: etherType>>8 | etherType<<8, Ifindex: index, Halen: uint8(len(to))}
		copy(at.Addr[:], to)
		if err := unix.Sendto(fd, b, 0, &at); err != nil {
			t.Fatal(err)
		}
	}
}

var broadcastMAC = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func TestAnAskerIsDeafToForgedARP(t *testing.T) {
	p := netns.NewPair(t)
	ours := netns.Device(t, p.Client.Dev).Attrs().HardwareAddr
	a := openAsker(t, p)
	send := forger(t, p, unix.ETH_P_ARP)
	reply := func(who string, edit func(*wire.ARP)) []byte {
		r := wire.ARP{Operation: wire.ARPReply, SenderHardware: [6]byte{2, 0, 0, 0, 0, 9}, SenderProtocol: netip.MustParseAddr(who),
			TargetHardware: [6]byte(ours), TargetProtocol: p.Client.Addr}
		if edit != nil {
			edit(&r)
		}
		return r.AppendTo(nil)
	}
	good := reply("198.18.0.66", nil)
	for n := range good {
		send(good[:n], ours)
	}
	send(good, broadcastMAC)
	send(good, net.HardwareAddr{1, 0, 0x5e, 0, 0, 1})
	send(reply("198.18.0.67", func(r *wire.ARP) { r.Operation = wire.ARPRequest }), ours)
	send(reply("198.18.0.68", func(r *wire.ARP) { r.TargetProtocol = p.Server.Addr }), ours)
	send(reply("198.18.0.69", func(r *wire.ARP) { r.SenderHardware = [6]byte(broadcastMAC) }), ours)
	last := netip.MustParseAddr("198.18.0.70")
	send(reply(last.String(), nil), ours)
	if all := told(t, a, last); len(all) != 1 {
		t.Errorf("heard %v, want %v alone", all, last)
	}
}

func TestAnAskerIsDeafToForgedAdvertisements(t *testing.T) {
	p := netns.NewPair6(t)
	ours := netns.Device(t, p.Client.Dev).Attrs().HardwareAddr
	a := openAsker(t, p)
	send := forger(t, p, unix.ETH_P_IPV6)
	allNodes := netip.MustParseAddr("ff02::1")
	advertisement := func(who string, dst netip.Addr, hopLimit uint8, edit func(*wire.Neighbour)) []byte {
		n := wire.Neighbour{Type: wire.NeighbourAdvertisement, Override: true, Target: netip.MustParseAddr(who), Hardware: [6]byte{2, 0, 0, 0, 0, 9}, HasHardware: true}
		if edit != nil {
			edit(&n)
		}
		body := n.AppendTo(nil, n.Target, dst)
		h := wire.IPv6{NextHeader: wire.ProtocolICMPv6, HopLimit: hopLimit, Src: n.Target, Dst: dst}
		return append(h.AppendTo(nil, len(body)), body...)
	}
	good := advertisement("2001:db8::66", p.Client.Addr, wire.NeighbourHopLimit, nil)
	for n := range good {
		send(good[:n], ours)
	}
	damaged := bytes.Clone(good)
	damaged[len(damaged)-1]++
	send(damaged, ours)
	send(advertisement("2001:db8::67", p.Client.Addr, 64, nil), ours)
	send(advertisement("2001:db8::68", p.Server.Addr, wire.NeighbourHopLimit, nil), ours)
	send(advertisement("2001:db8::69", allNodes, wire.NeighbourHopLimit, nil), net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1})
	send(advertisement("2001:db8::6a", p.Client.Addr, wire.NeighbourHopLimit, func(n *wire.Neighbour) { n.HasHardware = false }), ours)
	send(advertisement("2001:db8::6b", p.Client.Addr, wire.NeighbourHopLimit, func(n *wire.Neighbour) { n.Type = wire.NeighbourSolicitation }), ours)
	last := netip.MustParseAddr("2001:db8::70")
	send(advertisement(last.String(), p.Client.Addr, wire.NeighbourHopLimit, nil), ours)
	if all := told(t, a, last); len(all) != 1 {
		t.Errorf("heard %v, want %v alone", all, last)
	}
}

func TestWhereNobodyCanBeAsked(t *testing.T) {
	p := netns.NewPair(t)
	r, err := route.Find(p.Client.Addr, route.Via{})
	netns.Check(t, err)
	if _, err := link.OpenAsker(r); !errors.Is(err, link.ErrNoNeighbour) {
		t.Errorf("on %s: %v", r.Interface, err)
	}
	r, err = route.Find(p.Server.Addr, route.Via{})
	netns.Check(t, err)
	withoutCapabilities(t, func() {
		if _, err := link.OpenAsker(r); !errors.Is(err, link.ErrPermission) || !errors.Is(err, os.ErrPermission) {
			t.Errorf("without capabilities: %v", err)
		}
	})
	r.Index = 1 << 20
	if _, err := link.OpenAsker(r); !errors.Is(err, route.ErrNoRoute) {
		t.Errorf("on an interface that is gone: %v", err)
	}
}
