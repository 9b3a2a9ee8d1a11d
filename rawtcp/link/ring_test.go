package link_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// segmentPacket makes an IP packet of a segment.
func segmentPacket(src, dst netip.AddrPort, s wire.Segment) []byte {
	s.SrcPort, s.DstPort = src.Port(), dst.Port()
	if src.Addr().Is6() {
		h := wire.IPv6{HopLimit: 64, NextHeader: wire.ProtocolTCP, Src: src.Addr(), Dst: dst.Addr()}
		return s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), src.Addr(), dst.Addr())
	}
	h := wire.IPv4{ID: 7, DontFragment: true, TTL: 64, Protocol: wire.ProtocolTCP, Src: src.Addr(), Dst: dst.Addr()}
	return s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), src.Addr(), dst.Addr())
}

// flagsOf are those of a packet whose segment is a bare header, or one with options.
func flagsOf(p []byte) wire.Flags {
	n := wire.IPv4HeaderLen
	if p[0]>>4 == 6 {
		n = wire.IPv6HeaderLen
	}
	return wire.Flags(p[n+13])
}

// A ring is a witness: it shows the RSTs of the local kernel, each marked as such and
// behind what it answers, and none of those that left through the ring.
func TestARingTellsTheKernelsResetsFromItsOwn(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		_, remote := p.Server.Listen(t)
		route, err := route.Find(remote.Addr(), route.Via{})
		netns.Check(t, err)
		hop, err := link.AskHop(t.Context(), route)
		netns.Check(t, err)
		local := netip.AddrPortFrom(p.Client.Addr, 40000)
		ring, err := link.OpenRing(link.RingOptions{Kind: kind, Route: route, Local: p.Client.Addr, Port: 40000, Ports: 16})
		netns.Check(t, err)
		defer ring.Close()
		if !ring.Witness() {
			t.Fatal("this ring sees no RST of the kernel's")
		}
		netns.Check(t, ring.Queue(segmentPacket(local, remote, wire.Segment{Flags: wire.RST, Seq: 1}), hop))
		netns.Check(t, ring.Queue(segmentPacket(local, remote, wire.Segment{Flags: wire.SYN, Seq: 5000, Window: 1000}), hop))
		netns.Check(t, ring.Flush())
		var seen []wire.Flags // of what arrives, with the kernel's RST as its bare flag
		for end := time.Now().Add(10 * time.Second); len(seen) < 2 && time.Now().Before(end); {
			netns.Check(t, ring.Receive(time.Second, func(p link.Packet) {
				f := flagsOf(p.Data)
				if p.KernelSent != f.Has(wire.RST) {
					t.Errorf("a packet with %v, kernelSent %v", f, p.KernelSent)
				}
				seen = append(seen, f)
			}))
		}
		if len(seen) != 2 || seen[0] != wire.SYN|wire.ACK || !seen[1].Has(wire.RST) {
			t.Errorf("%v, want the SYN-ACK, and the kernel's RST to it alone", seen)
		}
		if got := ring.Stats().Received; got != 1 {
			t.Errorf("%d packets are counted as received, want the SYN-ACK alone", got)
		}
	})
}
