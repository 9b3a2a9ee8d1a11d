package tcb

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// TestWhatRepairCosts sends a mebibyte over a round trip of 2 ms that loses a
// fifth of all segments and acknowledgments, in virtual time, and holds what
// each option must be worth. docs/tcp-measured.md has the times, of TCB_SEEDS=12.
// They scatter widely: each timeout that fails doubles the next.
func TestWhatRepairCosts(t *testing.T) {
	linux := LinuxSYNOptions()
	both, sack, none := linux, linux[:2], plain()
	const short, usual = 10 * time.Millisecond, 200 * time.Millisecond
	cost := func(what string, options []wire.Option, minRTO, ackDelay time.Duration) time.Duration {
		var times []time.Duration
		for seed := range uint64(weathers(t, 3)) {
			times = append(times, repair(t, seed, options, minRTO, ackDelay))
		}
		slices.Sort(times)
		median := times[len(times)/2]
		t.Logf("%s: %v (%v to %v)", what, median, times[0], times[len(times)-1])
		return median
	}
	best := cost("SACK and timestamps, RTO of 10 ms or more", both, short, -1)
	for _, worse := range []time.Duration{
		cost("SACK alone", sack, short, -1),
		cost("neither", none, short, -1),
		cost("SACK and timestamps, but ACKs that wait for 40 ms", both, short, DefaultAckDelay),
		cost("SACK and timestamps, RTO of 200 ms or more", both, usual, -1),
	} {
		if worse < best {
			t.Errorf("%v, and the best should be %v", worse, best)
		}
	}
}

// repair is how long it takes by one seed's losses, to a tenth of a second.
func repair(t *testing.T, seed uint64, options []wire.Option, minRTO, ackDelay time.Duration) time.Duration {
	t.Helper()
	p := &pair{t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: Instant(time.Hour), delay: time.Millisecond, loss: 0.2}
	stream := randomBytes(p.rng, 1<<20)
	for i := range 2 {
		p.add(i, Config{ISS: wire.Seq(p.rng.Uint32()), MSS: 1460, SYNOptions: options, MinRTO: minRTO, AckDelay: ackDelay, UserTimeout: time.Hour}, nil)
	}
	p.ends[0].toWrite = stream
	p.ends[0].bulk, p.ends[1].bulk = true, true
	p.ends[0].c.Open(p.now)
	p.ends[1].listening = true
	began := p.now
	for len(p.ends[1].read) < len(stream) && p.ends[0].c.Err() == nil && p.step() {
	}
	if !slices.Equal(p.ends[1].read, stream) {
		t.Fatalf("seed %d: %d of %d octets: %v", seed, len(p.ends[1].read), len(stream), p.ends[0].c.Err())
	}
	return p.now.Sub(began).Round(100 * time.Millisecond)
}
