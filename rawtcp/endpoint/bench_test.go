package endpoint

import (
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// The cost of TCP, from bytes to IP packets and back. `make bench` runs these;
// docs/tcp-measured.md has the figures.

// couple is an endpoint with one established connection, and the peer's end.
type couple struct {
	near, far *Endpoint
	flow      *Flow
	peer      *Flow
	now       tcb.Instant
	buf       []byte
}

func newCouple(tb testing.TB) *couple {
	c := &couple{near: New(Config{}), far: New(Config{})}
	client := netip.MustParseAddrPort("198.18.0.1:40000")
	server := netip.MustParseAddrPort("198.18.0.2:80")
	l := &Listening{Local: server}
	if err := c.far.Listen(l); err != nil {
		tb.Fatal(err)
	}
	m := tcb.New(c.near.Config(c.now, client, server))
	flow, err := c.near.Attach(client, server, m)
	if err != nil {
		tb.Fatal(err)
	}
	c.flow = flow
	m.Open(c.now)
	c.near.Touch(flow)
	for range 3 {
		c.carry(c.near, c.far)
		c.carry(c.far, c.near)
	}
	if c.peer = l.Accept(); c.peer == nil {
		tb.Fatal("no connection was accepted")
	}
	return c
}

// carry takes the packets of one endpoint to the other.
func (c *couple) carry(from, to *Endpoint) {
	for {
		p := from.Next(c.now, c.buf[:0])
		if p == nil {
			return
		}
		c.buf = p
		to.Receive(c.now, p, false)
	}
}

// turn sends one full segment, reads it at the other end, and takes back the
// acknowledgment.
func (c *couple) turn(p []byte) {
	c.now = c.now.Add(time.Millisecond)
	c.flow.Machine.Write(p)
	c.near.Touch(c.flow)
	c.carry(c.near, c.far)
	c.peer.Machine.Discard(len(p))
	c.far.Touch(c.peer)
	c.carry(c.far, c.near)
	for _, e := range [...]*Endpoint{c.near, c.far} {
		if at, ok := e.Deadline(); ok && at <= c.now {
			e.Advance(c.now)
		}
	}
}

func TestPacketsInTheSteadyStateDoNotAllocate(t *testing.T) {
	c, p := newCouple(t), make([]byte, 1400)
	for range 1000 {
		c.turn(p)
	}
	if n := testing.AllocsPerRun(1000, func() { c.turn(p) }); n != 0 {
		t.Errorf("%v allocations for a packet, its acknowledgment, and their way through both endpoints", n)
	}
}

// BenchmarkTCPSegmentOut is a write of 1400 octets, and the IP packet made of
// it. Its acknowledgment is not timed.
func BenchmarkTCPSegmentOut(b *testing.B) {
	benchmarkSegment(b, true)
}

// BenchmarkTCPSegmentIn is an IP packet with 1400 octets, and its reading.
func BenchmarkTCPSegmentIn(b *testing.B) {
	benchmarkSegment(b, false)
}

func benchmarkSegment(b *testing.B, out bool) {
	const batch = 8 // less than the initial window
	c, p := newCouple(b), make([]byte, 1400)
	for range 1000 {
		c.turn(p)
	}
	var packets [batch][]byte
	times := make([]time.Duration, 0, b.N/batch+1)
	timed := func(count bool, f func()) {
		start := time.Now()
		f()
		if count {
			times = append(times, time.Since(start))
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += batch {
		c.now = c.now.Add(time.Millisecond)
		timed(out, func() {
			for i := range packets {
				c.flow.Machine.Write(p)
				c.near.Touch(c.flow)
				packets[i] = c.near.Next(c.now, packets[i][:0])
			}
		})
		timed(!out, func() {
			for _, packet := range packets {
				c.far.Receive(c.now, packet, false)
				c.peer.Machine.Discard(len(p))
				c.far.Touch(c.peer)
			}
		})
		c.carry(c.far, c.near)
		c.carry(c.near, c.far)
		if len(packets[batch-1]) < len(p) {
			b.Fatal("a segment was held back")
		}
	}
	b.StopTimer()
	slices.Sort(times) // the median, or on a busy machine it would be others that are timed
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/batch, "ns/segment")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkTCPIdleConnection is the memory of an established connection on
// which nothing has been said yet, with its place in the endpoint.
func BenchmarkTCPIdleConnection(b *testing.B) {
	const conns = 10_000
	local := netip.MustParseAddr("198.18.0.2")
	var perConn float64
	for b.Loop() {
		e := New(Config{})
		at := netip.AddrPortFrom(local, 80)
		l := &Listening{Local: at, Backlog: conns + 1}
		if err := e.Listen(l); err != nil {
			b.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var buf []byte
		for i := range conns {
			buf = greet(b, e, at, netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 19, byte(i >> 8), byte(i)}), 40000), buf)
		}
		for l.Accept() != nil {
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		perConn = float64(after.HeapAlloc-before.HeapAlloc) / conns
		runtime.KeepAlive(e)
	}
	b.ReportMetric(perConn, "B/connection")
	b.ReportMetric(float64(unsafe.Sizeof(tcb.Conn{})), "B/tcb.Conn")
	b.ReportMetric(0, "ns/op")
}

// greet makes a connection from a peer that is not there.
func greet(b *testing.B, e *Endpoint, local, remote netip.AddrPort, buf []byte) []byte {
	syn := wire.Segment{SrcPort: remote.Port(), DstPort: local.Port(), Seq: 1, Flags: wire.SYN, Window: 65535}
	syn.Options.AddMSS(1460)
	deliver(e, &syn, local, remote)
	buf = e.Next(0, buf[:0])
	if len(buf) < wire.IPv4HeaderLen+wire.TCPHeaderLen {
		b.Fatal("no SYN-ACK")
	}
	tcp := buf[wire.IPv4HeaderLen:]
	iss := wire.Seq(uint32(tcp[4])<<24 | uint32(tcp[5])<<16 | uint32(tcp[6])<<8 | uint32(tcp[7]))
	ack := wire.Segment{SrcPort: remote.Port(), DstPort: local.Port(), Seq: 2, Ack: iss.Add(1), Flags: wire.ACK, Window: 65535}
	deliver(e, &ack, local, remote)
	for p := e.Next(0, buf[:0]); p != nil; p = e.Next(0, buf[:0]) {
	}
	return buf
}

func deliver(e *Endpoint, s *wire.Segment, local, remote netip.AddrPort) {
	h := wire.IPv4{ID: 1, TTL: 64, Protocol: wire.ProtocolTCP, Src: remote.Addr(), Dst: local.Addr()}
	p := s.AppendTo(h.AppendTo(nil, s.HeaderLen()), remote.Addr(), local.Addr())
	e.Receive(0, p, false)
}
