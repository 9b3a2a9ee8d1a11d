// Decides which target is begun, and when.

package probe

import (
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A halt is why a turn begins no more targets.
type halt uint8

const (
	haltSource halt = iota // there are none, or none yet
	haltLimit              // as many are begun as may be
	haltPlace              // the next one waits for its network or neighbour
	haltPace               // the pace, or answers that go first
	haltWork               // cryptography goes first
)

// passes reports whether it ends by waiting alone.
func (h halt) passes() bool { return h == haltPlace || h == haltPace }

// wants reports whether a faster machine would have begun more.
func (h halt) wants() bool { return h == haltPace || h == haltWork }

// sendTurn bounds the SYNs of one turn, so that answers are taken in between.
const sendTurn = 256

// maxSlots bounds how far the newest target may be ahead of the oldest that
// has no result: slow ones hold up nobody, and cost the memory of so many slots at
// most.
const maxSlots = 1 << 20

// admission begins targets, as many as may be at a time.
type admission struct {
	*clock
	o           *Options
	loop        int // which this one is
	stats       *Stats
	begun       *begun
	egress      *egress
	results     *results
	syns        *syns
	connections *connections
	reins       *reins

	next     Target // the next to be begun, if taken
	nextN    uint64
	taken    bool
	ended    bool // there are no more
	max      int  // targets in flight
	maxLive  int  // that have answered and have no result
	networks networks
	systems  networks
	halted   halt        // why no more were begun
	full     bool        // more memory is in use than may be,
	weighed  tcb.Instant // when that was looked at
}

// init makes it ready. It names what is below it.
func (a *admission) init(o *Options, loop int, k *clock, stats *Stats, b *begun, e *egress, res *results, sy *syns, cs *connections) {
	a.o, a.loop, a.clock, a.stats, a.begun, a.egress, a.results, a.syns, a.connections = o, loop, k, stats, b, e, res, sy, cs
	loops := max(o.Loops, 1)
	a.max = max(o.MaxInFlight/loops, 1)
	a.maxLive = a.max
	if o.MaxConns > 0 {
		a.maxLive = max(o.MaxConns/loops, 1)
	}
	a.networks.of = block
	a.systems.of = func(at netip.Addr) (uint64, bool) {
		as, ok := o.ASes.Lookup(at)
		return uint64(as), ok
	}
	a.share(1)
}

// share has the limits of networks hold for a part of what they say, in this loop for its
// part of that.
func (a *admission) share(part float64) {
	part /= float64(max(a.o.Loops, 1))
	a.networks.limit(a.o.PerNetwork * part)
	a.systems.limit(a.o.PerAS * part)
}

// inFlight is how many targets are begun and have no result, or a connection
// that is still to be ended.
func (a *admission) inFlight() int {
	return int(a.stats.Targets-a.stats.Results) + a.connections.inUse() - a.connections.live
}

// begin begins new targets.
func (a *admission) begin() { a.halted = a.fill() }

// fill begins as many as may be, and returns why no more.
func (a *admission) fill() halt {
	for k := 0; !a.ended; k++ {
		switch a.takeNext() {
		case supply.TheEnd:
			a.ended = true
			return haltSource
		case supply.Later:
			return haltSource
		}
		switch {
		case a.limited():
			return haltLimit
		case a.connections.queue.waiting() > maxWork:
			return haltWork
		case k == sendTurn, !a.egress.mayBegin():
			return haltPace
		case !a.networks.ready(a.next.Addr, a.now), !a.systems.ready(a.next.Addr, a.now), a.syns.asksTooMuch(a.nextN, &a.next):
			return haltPlace
		}
		a.start(a.nextN, &a.next)
		a.taken = false
	}
	return haltSource
}

// limited reports whether as many targets are in flight as may be at present.
func (a *admission) limited() bool {
	return a.inFlight() >= a.max || a.connections.live >= a.maxLive || a.begun.window.len() >= max(maxSlots, a.max) || a.results.full() ||
		a.full && a.inFlight() >= max(len(a.connections.all), 1) || !a.results.reach.May(a.begun.window.head)
}

// takeNext takes the next target, if none is waiting.
func (a *admission) takeNext() supply.Supply {
	if a.taken {
		return supply.More
	}
	t, n, s := a.begun.source.Take()
	a.next, a.nextN, a.taken = t, n, s == supply.More
	return s
}

// start begins a target, unless an earlier run has a result of it, or there is
// nothing to send to.
func (a *admission) start(n uint64, t *Target) {
	slot := a.begun.window.push()
	a.results.reach.Begin(a.begun.window.head)
	standing := a.o.Resume.Of(a.loop, n)
	switch {
	case a.begun.source.LeftOut(n):
		a.results.pass(n)
		a.begun.done(n)
		return
	case standing == store.Recorded:
		a.stats.Known++
		a.begun.done(n)
		return
	case standing == store.Perhaps:
		slot.flags |= slotRepeat
	}
	if a.reins.left(t.Addr) {
		a.stats.Excluded++
		a.results.pass(n)
		a.begun.done(n)
		return
	}
	a.networks.begin(t.Addr, a.now)
	a.systems.begin(t.Addr, a.now)
	a.stats.Targets++
	if why := a.begun.source.Failure(n); why != "" {
		a.syns.hopeless(n, slot, t, record.OutcomeUnresolved, "", why)
		return
	}
	a.syns.approach(n, slot, t)
}

// weighEvery is how often memory is looked at.
const weighEvery = 10 * time.Millisecond

// weigh checks whether there is memory for more targets than there are connections
// already, which are used again. One at a time is begun in any case: the scan must
// finish.
func (a *admission) weigh() {
	if a.o.MaxMemory > 0 && a.now.Sub(a.weighed) >= weighEvery {
		a.full, a.weighed = heapInUse() > a.o.MaxMemory, a.now
	}
}

// longestTurn is the longest that a turn takes unless the program was stopped.
const longestTurn = time.Second

// lag counts the packets that the pace allowed since the last turn and the loop was too
// late to send, while targets waited for nothing else. After drops the pace is slow on
// purpose.
func (a *admission) lag(took time.Duration, spilled float64) {
	if a.halted.wants() && a.egress.pace.Factor == 1 && took < longestTurn {
		a.stats.Wanted += took / time.Duration(max(a.o.Loops, 1))
		a.stats.Missed += spilled
	}
}
