package link_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const xdpPort = 40000

// openXDP opens an AF_XDP ring on the client, for some ports, and finds the server.
func openXDP(t testing.TB, p *netns.Pair, port, ports uint16) (link.Ring, link.Hop) {
	t.Helper()
	r, err := route.Find(p.Server.Addr, route.Via{})
	netns.Check(t, err)
	hop, err := link.AskHop(t.Context(), r)
	netns.Check(t, err)
	ring, err := link.OpenRing(link.RingOptions{Kind: link.KindXDP, Route: r, Local: p.Client.Addr, Port: port, Ports: ports})
	netns.Check(t, err)
	t.Cleanup(func() { ring.Close() })
	return ring, hop
}

// arrivals takes what arrives until there are n packets, or ten seconds have passed.
// The kernel's RSTs do not count.
func arrivals(t testing.TB, ring link.Ring, n int) (list []link.Packet) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); len(list) < n && time.Now().Before(end); {
		netns.Check(t, ring.Receive(time.Second, func(p link.Packet) {
			if !p.KernelSent {
				p.Data = bytes.Clone(p.Data)
				list = append(list, p)
			}
		}))
	}
	if len(list) != n {
		t.Fatalf("%d packets arrived, want %d", len(list), n)
	}
	return list
}

func queue(t testing.TB, ring link.Ring, hop link.Hop, packets ...[]byte) {
	t.Helper()
	for _, p := range packets {
		netns.Check(t, ring.Queue(p, hop))
	}
	netns.Check(t, ring.Flush())
}

func segmentOf(t testing.TB, p link.Packet) wire.Segment {
	t.Helper()
	var d wire.Packet
	if err := d.Decode(p.Data, true); err != nil || d.Holds != wire.HoldsSegment {
		t.Fatalf("no segment, or not intact: %v, %x", err, p.Data)
	}
	return d.Segment
}

// What is ours never gets to the kernel, which has no reason for a RST, without any guard.
func TestAnXDPRingHearsAnAnswerAndTheKernelDoesNot(t *testing.T) {
	netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
		_, remote := p.Server.Listen(t)
		tap := p.Server.Tap(t)
		ring, hop := openXDP(t, p, xdpPort, 16)
		local := netip.AddrPortFrom(p.Client.Addr, xdpPort+15)
		queue(t, ring, hop, segmentPacket(local, remote, wire.Segment{Flags: wire.SYN, Seq: 5000, Window: 1000}))
		s := segmentOf(t, arrivals(t, ring, 1)[0])
		if s.Flags != wire.SYN|wire.ACK || s.Ack != 5001 {
			t.Errorf("%v, want a SYN-ACK", s)
		}
		time.Sleep(50 * time.Millisecond) // a kernel's RST would have left at once
		if n := netns.Resets(tap.Collect(t), local); n != 0 {
			t.Errorf("%d RSTs of the kernel's", n)
		}
		if s := ring.Stats(); s.Sent != 1 || s.Received != 1 || s.Unsent+s.Dropped != 0 || ring.Kind() != link.KindXDP {
			t.Errorf("%+v, %s", s, ring.Kind())
		}
	})
}

// A packet has the time at which it arrived, whenever it is read, and none is before the
// one before it. On a busy machine one may arrive late; not each of a hundred.
func TestAnXDPRingKnowsWhenAPacketArrived(t *testing.T) {
	netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
		_, remote := p.Server.Listen(t)
		ring, hop := openXDP(t, p, xdpPort, 1)
		local := netip.AddrPortFrom(p.Client.Addr, xdpPort)
		last, known := time.Now(), false
		for seq := wire.Seq(0); seq < 100 && !known; seq++ {
			begun := time.Now()
			queue(t, ring, hop, segmentPacket(local, remote, wire.Segment{Flags: wire.SYN, Seq: seq * 1000, Window: 1000}))
			time.Sleep(10 * time.Millisecond)
			read := time.Now()
			at := arrivals(t, ring, 1)[0].Time
			if at.Before(begun) || at.Before(last) || at.After(time.Now()) {
				t.Fatalf("at %v, begun %v, the one before it at %v", at, begun, last)
			}
			last, known = at, at.Before(read)
			queue(t, ring, hop, segmentPacket(local, remote, wire.Segment{Flags: wire.RST, Seq: seq*1000 + 1}))
		}
		if !known {
			t.Error("each has the time at which it was read")
		}
	})
}

// Where the driver runs no programs, the kernel runs them before its stack (SKB mode), and
// the ring hears the same.
func TestAnXDPRingInFrontOfTheStack(t *testing.T) {
	p := netns.NewPair(t)
	_, remote := p.Server.Listen(t)
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br9"}}
	port := netns.Device(t, p.Client.Dev)
	netns.Check(t, netlink.LinkAdd(bridge))
	netns.Check(t, netlink.LinkSetMaster(port, bridge))
	addrs, err := netlink.AddrList(port, netlink.FAMILY_V4)
	netns.Check(t, err)
	netns.Check(t, netlink.LinkSetUp(bridge))
	for _, a := range addrs {
		netns.Check(t, netlink.AddrDel(port, &a))
		a.Label = ""
		netns.Check(t, netlink.AddrAdd(bridge, &a))
	}
	ring, hop := openXDP(t, p, xdpPort, 1)
	local := netip.AddrPortFrom(p.Client.Addr, xdpPort)
	queue(t, ring, hop, segmentPacket(local, remote, wire.Segment{Flags: wire.SYN, Seq: 5000, Window: 1000}))
	if s := segmentOf(t, arrivals(t, ring, 1)[0]); s.Flags != wire.SYN|wire.ACK || s.Ack != 5001 {
		t.Errorf("%v, want a SYN-ACK", s)
	}
	if x := netns.Device(t, "br9").Attrs().Xdp; x == nil || !x.Attached || x.AttachMode != nl.XDP_ATTACHED_SKB {
		t.Errorf("the program is %+v, want SKB mode", x)
	}
	if s := ring.Stats(); s.Received != 1 {
		t.Errorf("%+v", s)
	}
}
