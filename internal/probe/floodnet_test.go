package probe

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A floodNet is a network in simulated time: Receive lets it pass, and nothing
// else does, so that what a test counts does not depend on the machine. Behind it
// are hosts that speak TLS, and some that do as the test says; a flood comes from
// those, packet after packet, whatever we do.
type floodNet struct {
	link.Ring
	loop    *loop
	local   netip.Addr
	now     tcb.Instant
	flight  []byte
	hostile func(netip.Addr) bool
	flood   func(f *floodNet, n int) []byte                                  // the n-th packet of the flood; nil: none
	rate    int                                                              // packets of it a second
	answer  func(f *floodNet, to netip.Addr, s *wire.Segment) []wire.Segment // a hostile host's

	came    int      // of the flood
	ready   [][]byte // on the way to us
	sent    []tcb.Instant
	packets []sentPacket // each, beside its time in sent
	kinds   map[string]int
	debt    bool                            // the pace ever was in debt
	asked   []byte                          // the packet at hand, of ours
	heard   map[netip.AddrPort]wire.Segment // the last segment to each hostile host
}

// A sentPacket is what a test asks of one that left.
type sentPacket struct {
	to    netip.Addr
	port  uint16
	flags wire.Flags
}

// step is how far apart the network's instants are.
const step = time.Millisecond

func (f *floodNet) Queue(packet []byte, _ link.Hop) error {
	f.sent = append(f.sent, f.loop.now)
	f.debt = f.debt || f.loop.egress.pace.Rate > 0 && f.loop.egress.pace.Tokens < 0
	f.asked = packet
	h, s, ok := decode(packet)
	if !ok {
		f.kinds["other"]++
		return nil
	}
	f.kinds[s.Flags.String()]++
	f.packets = append(f.packets, sentPacket{h.Dst, s.DstPort, s.Flags})
	s.Payload = bytes.Clone(s.Payload)
	if f.hostile != nil && f.hostile(h.Dst) {
		f.heard[netip.AddrPortFrom(h.Dst, s.DstPort)] = s
		if f.answer != nil {
			for _, a := range f.answer(f, h.Dst, &s) {
				f.ready = append(f.ready, f.packet(h.Dst, &s, a))
			}
		}
		return nil
	}
	for _, a := range f.honest(&s) {
		f.ready = append(f.ready, f.packet(h.Dst, &s, a))
	}
	return nil
}

// packet makes one from a host that answers a segment of ours.
func (f *floodNet) packet(from netip.Addr, ours *wire.Segment, a wire.Segment) []byte {
	a.SrcPort, a.DstPort = ours.DstPort, ours.SrcPort
	ip := wire.IPv4{DontFragment: true, TTL: 64, Protocol: wire.ProtocolTCP, Src: from, Dst: f.local}
	return a.AppendTo(ip.AppendTo(nil, a.HeaderLen()+len(a.Payload)), from, f.local)
}

// honest is what a TLS server answers.
func (f *floodNet) honest(s *wire.Segment) (list []wire.Segment) {
	switch {
	case s.Flags == wire.SYN:
		return []wire.Segment{synAck(s)}
	case len(s.Payload) > 0:
		for at := 0; at < len(f.flight); at += 1460 {
			list = append(list, wire.Segment{Flags: wire.ACK, Seq: s.Ack.Add(at), Ack: s.End(), Window: 65000, Payload: f.flight[at:min(at+1460, len(f.flight))]})
		}
	}
	return list
}

func synAck(s *wire.Segment) wire.Segment {
	a := wire.Segment{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: 65000}
	a.Options.AddMSS(1460)
	return a
}

func (f *floodNet) Receive(_ time.Duration, take func(link.Packet)) error {
	f.now = f.now.Add(step)
	ready := f.ready
	f.ready = nil
	for _, p := range ready {
		take(link.Packet{Data: p})
	}
	if f.flood != nil {
		for want := int(time.Duration(f.now).Seconds() * float64(f.rate)); f.came < want; f.came++ {
			if p := f.flood(f, f.came); p != nil {
				take(link.Packet{Data: p})
			}
		}
	}
	return nil
}

func (f *floodNet) Flush() error          { return nil }
func (f *floodNet) Stats() link.RingStats { return link.RingStats{Sent: uint64(len(f.sent))} }
func (f *floodNet) Close() error          { return nil }

// last is what was last sent to some hostile host, in turn.
func (f *floodNet) last(n int) (netip.AddrPort, wire.Segment, bool) {
	for i := range 16 {
		at := netip.AddrPortFrom(hostileHost((n+i)%16), 443)
		if s, ok := f.heard[at]; ok {
			return at, s, true
		}
	}
	return netip.AddrPort{}, wire.Segment{}, false
}

// hostileHost is one of sixteen among the targets.
func hostileHost(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 19, 0, byte(i)}) }

func isHostile(a netip.Addr) bool {
	b := a.As4()
	return b[2] == 0 && b[3] < 16
}

const (
	floodRate   = 100 // of the scan, packets a second
	floodLength = 10 * time.Second
)

// floodOf is how many packets of a flood come in a second: with -full as many as
// one host may send at leisure.
func floodOf() int {
	if *full {
		return 50000
	}
	return 5000
}

// floodScan scans 616 targets at 100 packets a second and gives when the last
// honest one had its record.
func floodScan(t *testing.T, f *floodNet, flight []byte) (end time.Duration, l *loop) {
	t.Helper()
	o := options(t, "443", "198.19.0.0/23", "198.19.2.0/26", "198.19.2.64/27", "198.19.2.96/29")
	o.Rate, o.Timeout, o.MaxInFlight = floodRate, 8*time.Second, 2000
	f.local, f.flight, f.kinds, f.heard, f.now = netip.MustParseAddr("198.18.0.1"), flight, map[string]int{}, map[netip.AddrPort]wire.Segment{}, tcb.Instant(time.Second)
	l = loopOver(t, o, f, f.local, io.Discard)
	f.loop = l
	l.clock.read = func() tcb.Instant { return f.now }
	honest := 616
	if f.hostile != nil {
		honest -= 16
	}
	for l.now.Sub(0) < 10*time.Minute && !(l.admission.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0) {
		l.now = l.instant()
		check(t, l.turn())
		if end == 0 && int(l.stats.Outcomes[outcomeIndex("certificate")]) >= honest {
			end = l.now.Sub(tcb.Instant(time.Second))
		}
		if f.now.Sub(tcb.Instant(time.Second)) > floodLength {
			f.flood = nil
		}
	}
	l.results.handOver(true)
	check(t, l.results.sink.Close())
	if got := l.stats.Outcomes[outcomeIndex("certificate")]; int(got) < honest || end == 0 {
		t.Errorf("%d of %d honest targets came to their certificate: %+v", got, honest, l.stats)
	}
	f.checkRate(t, floodRate)
	return end, l
}

// checkRate judges each span of time between two packets: no more left in it than
// the rate allows, and the burst after a pause.
func (f *floodNet) checkRate(t *testing.T, rate float64) {
	t.Helper()
	if f.debt {
		t.Error("the pace was in debt")
	}
	room := pace.MinBurst + 1.0
	worst := 0.0
	var at tcb.Instant
	for _, s := range f.sent { // a bucket of our own
		worst = max(0, worst-s.Sub(at).Seconds()*rate) + 1
		at = s
		if worst > room {
			t.Errorf("%.0f packets more than the rate allows at %v: %v", worst-room, time.Duration(s), f.kinds)
			return
		}
	}
}

// floods are what hosts may send that nobody asked for, one of each kind that has
// an answer or might.
var floods = map[string]struct {
	answer func(f *floodNet, to netip.Addr, s *wire.Segment) []wire.Segment
	flood  func(f *floodNet, n int) []byte
}{
	"SYN-ACKs that acknowledge what was never sent": {nil, toTarget(func(s *wire.Segment, n int) wire.Segment {
		return wire.Segment{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq.Add(77 + n%1000), Window: 8192}
	})},
	"bare ACKs": {nil, toTarget(func(s *wire.Segment, n int) wire.Segment {
		return wire.Segment{Flags: wire.ACK, Seq: wire.Seq(n), Ack: s.Seq.Add(n % 60000), Window: 8192}
	})},
	"the right SYN-ACK again and again": {openConnection, toTarget(func(s *wire.Segment, _ int) wire.Segment {
		return wire.Segment{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: 8192}
	})},
	"data before the window": {openConnection, data(-5000)},
	"data beyond the window": {openConnection, data(200000)},
	"data beyond a hole":     {openConnection, data(3000)},
	"data that is no TLS":    {openConnection, stream('x')},
	"alerts without end":     {openConnection, stream(21)},
	"a message without end":  {openConnection, stream(22)},
	"FINs":                   {openConnection, flags(wire.FIN | wire.ACK)},
	"RSTs beside the window's edge": {openConnection, func(f *floodNet, n int) []byte {
		return f.segment(n, wire.Segment{Flags: wire.RST, Seq: wire.Seq(2001 + n%1000)})
	}},
	"SYNs for a SYN-ACK": {nil, toTarget(func(s *wire.Segment, n int) wire.Segment {
		return wire.Segment{Flags: wire.SYN, Seq: wire.Seq(n), Window: 8192}
	})},
	"SYNs on a connection": {openConnection, flags(wire.SYN)},
	"ACKs of what was never sent": {openConnection, func(f *floodNet, n int) []byte {
		return f.segment(n, wire.Segment{Flags: wire.ACK, Seq: 1001, Ack: wire.Seq(n), Window: 8192})
	}},
	"windows that close and open": {openConnection, func(f *floodNet, n int) []byte {
		_, s, _ := f.last(n)
		return f.segment(n, wire.Segment{Flags: wire.ACK, Seq: 1001, Ack: s.Seq, Window: uint16(n % 2)})
	}},
	"duplicate ACKs": {openConnection, func(f *floodNet, n int) []byte {
		_, s, _ := f.last(n)
		return f.segment(n, wire.Segment{Flags: wire.ACK, Seq: 1001, Ack: s.Seq, Window: 8192})
	}},
	"segments of strangers": {nil, func(f *floodNet, n int) []byte {
		from := netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)})
		return f.packet(from, &wire.Segment{SrcPort: f.loop.routes.Paths[0].First, DstPort: 443}, wire.Segment{Flags: wire.ACK, Ack: wire.Seq(n), Window: 8192})
	}},
	"segments of targets that are done": {openConnection, func(f *floodNet, n int) []byte {
		if t, s, ok := f.last(n); ok {
			return f.packet(t.Addr(), &s, wire.Segment{Flags: wire.ACK, Seq: 1001, Ack: s.Seq, Window: 8192, Payload: []byte("x")})
		}
		return nil
	}},
	"ICMP, too big":     {openConnection, icmpOf(3, 4, 68)},
	"ICMP, unreachable": {openConnection, icmpOf(3, 1, 0)},
	"ICMP, echo": {nil, func(f *floodNet, _ int) []byte {
		m := []byte{8, 0, 0, 0, 0, 1, 0, 1}
		binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
		ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: hostileHost(1), Dst: f.local}
		return append(ip.AppendTo(nil, len(m)), m...)
	}},
	"fragments": {nil, func(f *floodNet, n int) []byte {
		ip := wire.IPv4{ID: uint16(n), TTL: 64, Protocol: wire.ProtocolTCP, Src: hostileHost(n % 16), Dst: f.local, MoreFragments: n%2 == 0, FragmentOffset: uint16(n % 2 * 4)}
		return append(ip.AppendTo(nil, 32), make([]byte, 32)...)
	}},
}

// segment is one to the connection of a hostile host, if there is one.
func (f *floodNet) segment(n int, a wire.Segment) []byte {
	t, s, ok := f.last(n)
	if !ok {
		return nil
	}
	return f.packet(t.Addr(), &s, a)
}

// toTarget answers the last segment to a hostile host.
func toTarget(answer func(s *wire.Segment, n int) wire.Segment) func(*floodNet, int) []byte {
	return func(f *floodNet, n int) []byte {
		t, s, ok := f.last(n)
		if !ok {
			return nil
		}
		return f.packet(t.Addr(), &s, answer(&s, n))
	}
}

// openConnection takes the SYN, and says no more.
func openConnection(_ *floodNet, _ netip.Addr, s *wire.Segment) []wire.Segment {
	if s.Flags == wire.SYN {
		return []wire.Segment{synAck(s)}
	}
	return nil
}

// data is a segment so far from where the stream begins.
func data(at int) func(*floodNet, int) []byte {
	return func(f *floodNet, n int) []byte {
		_, s, _ := f.last(n)
		return f.segment(n, wire.Segment{Flags: wire.ACK, Seq: wire.Seq(1001).Add(at), Ack: s.End(), Window: 8192, Payload: make([]byte, 100)})
	}
}

// stream is data in order, of the record type or whatever it is.
func stream(first byte) func(*floodNet, int) []byte {
	return func(f *floodNet, n int) []byte {
		_, s, ok := f.last(n)
		if !ok || !s.Flags.Has(wire.ACK) {
			return nil
		}
		b := []byte{first, 3, 3, 0x05, 0x00}
		if first == 21 {
			b = bytes.Repeat([]byte{21, 3, 3, 0, 2, 1, 90}, 180)
		}
		return f.segment(n, wire.Segment{Flags: wire.ACK, Seq: s.Ack, Ack: s.End(), Window: 8192, Payload: append(b, make([]byte, 0x500)...)})
	}
}

func flags(fl wire.Flags) func(*floodNet, int) []byte {
	return func(f *floodNet, n int) []byte {
		_, s, _ := f.last(n)
		return f.segment(n, wire.Segment{Flags: fl, Seq: 1001, Ack: s.End(), Window: 8192})
	}
}

// icmpOf quotes the last segment to a hostile host.
func icmpOf(typ, code byte, mtu uint16) func(*floodNet, int) []byte {
	return func(f *floodNet, n int) []byte {
		t, s, ok := f.last(n)
		if !ok {
			return nil
		}
		quoted := wire.IPv4{TTL: 60, Protocol: wire.ProtocolTCP, Src: f.local, Dst: t.Addr()}
		m := append([]byte{typ, code, 0, 0, 0, 0, byte(mtu >> 8), byte(mtu)}, s.AppendTo(quoted.AppendTo(nil, s.HeaderLen()), f.local, t.Addr())...)
		binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
		ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: t.Addr(), Dst: f.local}
		return append(ip.AppendTo(nil, len(m)), m...)
	}
}
