package tcb

import (
	"testing"
	"time"
	"unsafe"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// joined is two established connections that nobody listens to.
func joined(tb testing.TB) (a, b *Conn) {
	a = New(Config{LocalPort: 1, RemotePort: 2, ISS: testISS, MSS: 1460})
	b = New(Config{LocalPort: 2, RemotePort: 1, ISS: testIRS, MSS: 1460})
	a.Open(0)
	b.Open(0)
	for i := range 4 {
		exchange(Instant(i), a, b)
		exchange(Instant(i), b, a)
	}
	if a.State() != Established || b.State() != Established {
		tb.Fatalf("%v and %v", a.State(), b.State())
	}
	return a, b
}

func exchange(now Instant, from, to *Conn) {
	var s wire.Segment
	for from.Next(now, &s) {
		to.Receive(now, &s)
	}
}

func TestSegmentsInTheSteadyStateDoNotAllocate(t *testing.T) {
	a, b := joined(t)
	p := make([]byte, 1400)
	now := Instant(time.Second)
	turn := func() {
		now = now.Add(time.Millisecond)
		a.Write(p)
		exchange(now, a, b)
		b.Discard(len(b.Peek()))
		exchange(now, b, a)
		if at, ok := a.Deadline(); ok && at < now {
			a.Advance(now)
		}
	}
	for range 1000 {
		turn()
	}
	if n := testing.AllocsPerRun(1000, turn); n != 0 {
		t.Errorf("%v allocations for a segment and its acknowledgment", n)
	}
}

func TestSegmentsOutOfOrderDoNotAllocate(t *testing.T) {
	a, b := joined(t)
	p := make([]byte, 8*1400)
	now := Instant(time.Second)
	var s [8]wire.Segment
	turn := func() {
		now = now.Add(time.Millisecond)
		a.Write(p)
		n := 0
		for n < len(s) && a.Next(now, &s[n]) {
			n++
		}
		for i := range n {
			b.Receive(now, &s[n-1-i])
			exchange(now, b, a)
		}
		b.Discard(len(b.Peek()))
		exchange(now, b, a)
		exchange(now, a, b)
		exchange(now, b, a)
	}
	for range 1000 {
		turn()
	}
	if n := testing.AllocsPerRun(1000, turn); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSegmentOutAndAckIn(b *testing.B) {
	x, y := joined(b)
	p := make([]byte, 1400)
	now := Instant(time.Second)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		x.Write(p)
		exchange(now, x, y)
		y.Discard(len(y.Peek()))
		exchange(now, y, x)
	}
	b.ReportMetric(float64(unsafe.Sizeof(*x)), "B/conn")
}
