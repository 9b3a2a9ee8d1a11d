package tcb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// TestWhatRepairCosts sends a mebibyte over a round trip of 2 ms that loses a
// fifth of all segments and acknowledgments, in virtual time, and holds what
// each option must be worth. docs/tcp-measured.md has the times, of
// TCB_SEEDS=100. They scatter widely: each timeout that fails doubles the next.
func TestWhatRepairCosts(t *testing.T) {
	linux := LinuxSYNOptions()
	both, sack, none := linux, linux[:2], plain()
	const short, usual = 10 * time.Millisecond, 200 * time.Millisecond
	cost := func(what string, options []wire.Option, minRTO, ackDelay time.Duration) time.Duration {
		return repairs(t, what, 0.2, options, minRTO, ackDelay)
	}
	best := cost("SACK and timestamps, RTO of 10 ms or more", both, short, -1)
	cost("SACK alone", sack, short, -1) // about the same
	for _, worse := range []time.Duration{
		cost("neither", none, short, -1),
		cost("SACK and timestamps, but ACKs that wait for 40 ms", both, short, DefaultAckDelay),
		cost("SACK and timestamps, RTO of 200 ms or more", both, usual, -1),
	} {
		if worse < best {
			t.Errorf("%v, and the best should be %v", worse, best)
		}
	}
	for _, loss := range []float64{0.01, 0.05, 0.1} {
		repairs(t, fmt.Sprintf("loss of %v, RTO of 10 ms or more", loss), loss, both, short, -1)
		repairs(t, fmt.Sprintf("loss of %v, RTO of 200 ms or more", loss), loss, both, usual, -1)
	}
}

// repairs is the median of what a transfer takes.
func repairs(t *testing.T, what string, loss float64, options []wire.Option, minRTO, ackDelay time.Duration) time.Duration {
	t.Helper()
	var times []time.Duration
	var sum time.Duration
	for seed := range uint64(weathers(t, 12)) {
		times = append(times, repair(t, seed, loss, options, minRTO, ackDelay))
		sum += times[seed]
	}
	slices.Sort(times)
	median := times[len(times)/2]
	t.Logf("%s: %v (%v to %v, mean %v)", what, median, times[0], times[len(times)-1], sum/time.Duration(len(times)))
	return median
}

// repair is how long it takes by one seed's losses, from the handshake on, to a
// millisecond.
func repair(t *testing.T, seed uint64, loss float64, options []wire.Option, minRTO, ackDelay time.Duration) time.Duration {
	t.Helper()
	p := &pair{t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: Instant(time.Hour), delay: time.Millisecond, loss: loss}
	stream := randomBytes(p.rng, 1<<20)
	for i := range 2 {
		p.add(i, Config{ISS: wire.Seq(p.rng.Uint32()), MSS: 1460, SYNOptions: options, MinRTO: minRTO, AckDelay: ackDelay, UserTimeout: time.Hour}, nil)
	}
	p.ends[0].toWrite = stream
	p.ends[0].bulk, p.ends[1].bulk = true, true
	p.ends[0].c.Open(p.now)
	p.ends[1].listening = true
	for p.ends[0].c.State() != Established && p.step() {
	}
	began := p.now
	for len(p.ends[1].read) < len(stream) && p.ends[0].c.Err() == nil && p.step() {
	}
	if !slices.Equal(p.ends[1].read, stream) {
		t.Fatalf("seed %d: %d of %d octets: %v", seed, len(p.ends[1].read), len(stream), p.ends[0].c.Err())
	}
	return p.now.Sub(began).Round(time.Millisecond)
}
