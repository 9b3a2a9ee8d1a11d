package probe

import (
	"testing"
	"unsafe"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Once as many targets as may be in flight have come and gone, the next ones
// find all the memory that they need.
func TestATargetAllocatesNothingUpToItsCertificate(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	const each, rounds = 256, 40
	o := fakeOptions(t, 1<<16)
	o.Name, o.MaxInFlight, o.Timeout = "host.of-a-usual-length.test", each, MaxTimeout
	l := fakeLoop(t, o, &fakeNet{flight: serverFlight(t)})
	round := func() {
		for until := l.stats.Results + each; l.stats.Results < until; {
			l.now = l.instant()
			check(t, l.turn())
		}
	}
	for range rounds {
		round()
	}
	n := testing.AllocsPerRun(rounds, round)
	if done := l.stats.Outcomes[outcomeIndex("certificate")]; done != l.stats.Results {
		t.Fatalf("%d of %d came to their certificate", done, l.stats.Results)
	}
	if n > each/16 { // what the sink's buffers take
		t.Errorf("%v allocations for %d targets", n, each)
	}
}

// What a target holds beside its buffers, by how far it has come: the budget of
// a hundred thousand in flight (docs/benchmarks.md).
func TestWhatATargetTakes(t *testing.T) {
	if n := unsafe.Sizeof(slot{}); n > 16 {
		t.Errorf("a slot takes %d bytes", n)
	}
	if n := unsafe.Sizeof(connection{}); n > 1216 {
		t.Errorf("a connection takes %d bytes", n)
	}
	if n := unsafe.Sizeof(handshake.Client{}); n > 2040 { // with Go's eight, one of its sizes
		t.Errorf("a TLS client takes %d bytes", n)
	}
}
