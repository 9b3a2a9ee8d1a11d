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

// What a SYN and its answer cost, by each kind of ring: the CPU time of one thread
// that sends over a veth pair, has it taken in on the other side, and reads the rings.
// Sent is the near ring's SYN, which the far host drops. Answered is the SYN, and
// an answer that a packet ring on the far side sends without having heard it.
//
//	go test -run '^$' -bench SYNByRing -benchtime 200000x -count 10 ./rawtcp/link
func BenchmarkSYNByRing(b *testing.B) {
	for _, kind := range []link.Kind{link.KindPacket, link.KindXDP} {
		b.Run(string(kind)+"/sent", func(b *testing.B) { synsByRing(b, kind, false) })
		b.Run(string(kind)+"/answered", func(b *testing.B) { synsByRing(b, kind, true) })
	}
}

func synsByRing(b *testing.B, kind link.Kind, answered bool) {
	p := netns.NewPair(b)
	nobody := netip.MustParseAddr("198.18.0.77") // for which no kernel answers
	r, err := route.Find(p.Server.Addr, route.Via{Source: nobody})
	netns.Check(b, err)
	ring, err := link.OpenRing(link.RingOptions{Kind: kind, Route: r, Local: nobody, Port: firstPort, Ports: loopPorts})
	netns.Check(b, err)
	defer ring.Close()
	hop, err := link.AskHop(b.Context(), r)
	netns.Check(b, err)
	far, back := openSender(b, p), link.HopTo(netns.Device(b, p.Client.Dev).Attrs().HardwareAddr)
	local, remote := netip.AddrPortFrom(nobody, firstPort), netip.AddrPortFrom(netip.MustParseAddr("198.18.0.88"), 443)
	syn := segmentPacket(local, remote, wire.Segment{Flags: wire.SYN, Window: 1000})
	answer := segmentPacket(remote, local, wire.Segment{Flags: wire.SYN | wire.ACK, Window: 1000})
	oneCPU(b)
	taken := 0
	drain := func(wait time.Duration) { netns.Check(b, ring.Receive(wait, func(link.Packet) { taken++ })) }
	b.ResetTimer()
	before := threadTime()
	for i := range b.N {
		netns.Check(b, ring.Queue(syn, hop))
		if answered {
			netns.Check(b, far.Queue(answer, back))
		}
		if i%128 == 127 || i == b.N-1 {
			netns.Check(b, ring.Flush())
			netns.Check(b, far.Flush())
			drain(0)
		}
	}
	b.ReportMetric(float64(threadTime()-before)/float64(b.N), "cpu-ns/op")
	b.StopTimer()
	for range 10 {
		drain(3 * time.Millisecond)
	}
	s := ring.Stats()
	b.ReportMetric(float64(s.Dropped+s.Unsent)/float64(b.N), "lost/op")
	if answered && taken+int(s.Dropped) < b.N*9/10 {
		b.Errorf("%d of %d answers arrived, %d were dropped", taken, b.N, s.Dropped)
	}
}
