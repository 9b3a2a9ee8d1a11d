package probe

import "github.com/rawshake/rawshake/internal/probe/record"

// A halt is why a turn begins no more targets.
type halt uint8

const (
	haltSource halt = iota // there are none, or not yet
	haltLimit              // as many are begun as may be
	haltPlace              // the next one's network or neighbour is to be waited for
	haltPace               // the pace, or answers come first
	haltWork               // cryptography comes first
)

// passes reports whether time alone takes it away.
func (h halt) passes() bool { return h == haltPlace || h == haltPace }

// wants reports whether a faster machine would have begun more.
func (h halt) wants() bool { return h == haltPace || h == haltWork }

// sendTurn bounds the SYNs of one turn, so that answers are taken in between.
const sendTurn = 256

// mostSlots bounds how far the newest target may be ahead of the oldest that
// has no record: some that take their time hold up nobody, and cost the memory
// of so many slots at most.
const mostSlots = 1 << 20

// inFlight is how many targets are begun and have no record, or a connection
// that is still to be ended.
func (l *loop) inFlight() int {
	return int(l.stats.Targets-l.stats.Records) + l.connections.inUse() - l.connections.live
}

// sendSYNs begins new targets.
func (l *loop) sendSYNs() halt {
	for k := 0; !l.ended; k++ {
		switch l.takeNext() {
		case theEnd:
			l.ended = true
			return haltSource
		case later:
			return haltSource
		}
		switch {
		case l.limited():
			return haltLimit
		case l.connections.labour.waiting() > maxWork:
			return haltWork
		case k == sendTurn, !l.egress.mayBegin():
			return haltPace
		case !l.networks.may(l.next.Addr, l.now), l.asksTooMuch(l.nextN, &l.next):
			return haltPlace
		}
		l.start(l.nextN, &l.next)
		l.taken = false
	}
	return haltSource
}

// limited reports whether as many targets are begun as may be, for the time
// being.
func (l *loop) limited() bool {
	return l.inFlight() >= l.most || l.connections.live >= l.mostLive || l.begun.window.len() >= max(mostSlots, l.most) || l.results.full() ||
		l.full && l.inFlight() >= max(len(l.connections.all), 1) || l.results.sink.path != "" && l.begun.window.head >= l.reach.ceiling.Load()
}

// takeNext sees to it that there is a next target.
func (l *loop) takeNext() supply {
	if l.taken {
		return more
	}
	t, n, s := l.begun.source.take()
	l.next, l.nextN, l.taken = t, n, s == more
	return s
}

// start begins a target, unless an earlier run has recorded it, or there is
// nothing to send to.
func (l *loop) start(n uint64, t *Target) {
	slot := l.begun.window.push()
	l.reach.head.Store(l.begun.window.head)
	standing := l.o.Resume.of(l.index, n)
	switch {
	case l.begun.source.leftOut(n):
		l.results.pass(n)
		l.done(n)
		return
	case standing == recorded:
		l.stats.Known++
		l.done(n)
		return
	case standing == perhaps:
		slot.flags |= slotRepeat
	}
	l.stats.Targets++
	if why := l.begun.source.failure(n); why != "" {
		l.hopeless(n, slot, t, record.OutcomeUnresolved, "", why)
		return
	}
	l.approach(n, slot, t)
}
