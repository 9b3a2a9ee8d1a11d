package probe

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/reassembly"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A loop probes its share of the targets, alone: it shares nothing with the
// others but the sink that its results go to.
type loop struct {
	o     *Options
	index int // among the loops
	clock
	egress      egress
	begun       begun
	results     results
	connections connections
	reach       *reach
	mac         *syn.MAC
	routes      *routes.Table
	ports       ports
	lost        *loss    // a way is lost; nil: none is
	before      *loss    // the last that was
	parked      []uint64 // begun targets whose SYN waits for the pace
	networks    networks
	next        Target // the next to be begun, if taken
	nextN       uint64
	taken       bool
	most        int         // targets in flight
	mostLive    int         // that have answered and have no record
	halted      halt        // why no more were begun
	received    received    // what of it was dropped
	owed        []owed      // RSTs to wrong answers, and SYN-ACKs
	ended       bool        // the source has no more
	stopped     bool        // somebody wants the scan to end,
	stopAt      tcb.Instant // at the latest now
	resend      []uint64    // where each round of SYNs stands; the last round records silence
	late        [][]uint64
	odd         map[uint64]record.Packet
	crossed     map[uint64]*crossedSYN
	soft        map[uint64]*softError

	fragments reassembly.Buffer

	cursor field.Cursor
	seg    wire.Segment

	stats     Stats
	published atomic.Pointer[Stats]
	told      tcb.Instant // when the stats were published last
	full      bool        // more memory is in use than may be,
	weighed   tcb.Instant // when that was looked at
}

func newLoop(o *Options, index int) *loop {
	l := &loop{o: o, index: index, reach: new(reach), odd: make(map[uint64]record.Packet), crossed: make(map[uint64]*crossedSYN), soft: make(map[uint64]*softError), ports: ports{count: uint16(o.Ports)}}
	l.most = max(o.MaxInFlight/max(o.Loops, 1), 1)
	l.mostLive = l.most
	if o.MaxConns > 0 {
		l.mostLive = max(o.MaxConns/max(o.Loops, 1), 1)
	}
	l.resend, l.late = make([]uint64, o.Retries+1), make([][]uint64, o.Retries+1)
	l.egress = newEgress(&l.clock, &l.stats, o.Rate/float64(max(o.Loops, 1)), func(a netip.Addr) uint16 { return l.mac.Port(a, 0) })
	l.results = results{clock: &l.clock, stats: &l.stats, loop: index, enc: record.Encoder{Fields: o.Fields, Whole: o.Whole}}
	if o.PerNetwork > 0 {
		l.networks.gap = time.Duration(float64(time.Second) * float64(max(o.Loops, 1)) / o.PerNetwork)
	}
	l.connections.init(o, &l.clock, &l.stats, &l.begun, &l.egress, &l.results)
	return l
}

// run probes until there is nothing left, or ctx is done: then what is in
// flight has a moment to come to its end. When hard is done too, it is left at
// once.
func (l *loop) run(ctx, hard context.Context) error {
	defer func() {
		l.results.handOver(true)
		l.publish()
	}()
	for hard.Err() == nil && !l.results.sink.broken() {
		l.now = l.instant()
		if ctx.Err() != nil && l.stopping() {
			l.partAll(hard)
			return nil
		}
		var err error
		switch {
		case l.lost == nil:
			if err = l.turn(); l.lose(err) {
				continue
			}
		case ctx.Err() != nil:
			return nil // nothing can be brought to its end
		default:
			err = l.findBack(ctx)
		}
		if err != nil {
			l.results.sink.fail(err)
			return err
		}
		if l.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0 {
			return nil
		}
	}
	return nil
}

// publishEvery is how often others see the counters.
const publishEvery = 100 * time.Millisecond

// publish lets others see the counters.
func (l *loop) publish() {
	s := l.stats
	s.InFlight, s.Conns, s.Slowed, s.Time = l.inFlight(), l.connections.live, l.egress.pace.Factor, time.Duration(l.now)
	s.Link = l.routes.Stats()
	if l.lost != nil {
		s.Lost = l.lost.err.Error()
	}
	l.egress.pace.Drops(l.now, s.Link.Unsent+l.received.ours(&s))
	l.published.Store(&s)
	l.told = l.now
}

// turn takes what has arrived, does what is due, and sends what may be sent.
func (l *loop) turn() error {
	var err error
	if l.now, err = l.routes.Look(l.now, l.instant); err != nil {
		return err
	}
	l.connections.wheel.turn(l.now, l.connections.ring)
	l.connections.takeBack()
	l.connections.work()
	l.silence()
	l.now = l.instant() // when SYNs leave
	l.lag(l.egress.pace.Fill(l.now))
	l.egress.answers.Fill(l.now)
	if l.o.Via.Source.IsValid() {
		l.egress.payReply()
	}
	l.sendWaiting()
	if err := l.routes.Turn(l.now, l.resolved); err != nil {
		return err
	}
	l.depart()
	l.resendLate()
	l.resendSYNs()
	l.weigh()
	l.halted = l.sendSYNs()
	l.begun.window.trim()
	if err := l.egress.flush(l.routes.Paths); err != nil {
		return err
	}
	l.results.handOver(false)
	if l.now.Sub(l.told) >= publishEvery {
		l.publish()
	}
	if err := l.receive(l.idle()); err != nil {
		return err
	}
	return l.egress.flush(l.routes.Paths) // before other work
}

// weighEvery is how often memory is looked at.
const weighEvery = 10 * time.Millisecond

// weigh looks whether there is memory for more targets than there are
// connections already, which are used again. One at a time is begun in any
// case: the scan must come to its end.
func (l *loop) weigh() {
	if l.o.MaxMemory > 0 && l.now.Sub(l.weighed) >= weighEvery {
		l.full, l.weighed = heapInUse() > l.o.MaxMemory, l.now
	}
}

// idle is for how long there is nothing to do unless something arrives.
func (l *loop) idle() time.Duration {
	switch {
	case l.connections.labour.waiting() > 0:
		return 0
	case len(l.owed) > 0, l.connections.ready.len() > 0:
		return min(l.egress.pace.Wait(0), wheelUnit)
	case l.halted.passes(), len(l.parked) > 0:
		return min(l.egress.pace.Wait(l.egress.reserve()), wheelUnit)
	case l.connections.wheel.n > 0:
		return wheelUnit
	case l.begun.window.len() > 0:
		return 2 * wheelUnit
	}
	return 10 * wheelUnit
}

// receive waits for packets on one link, and looks at the others, for which it
// keeps the wait short.
func (l *loop) receive(wait time.Duration) error {
	if len(l.routes.Paths) == 0 {
		time.Sleep(wait)
		return nil
	}
	if len(l.routes.Paths) > 1 {
		wait = min(wait, time.Millisecond)
	}
	for _, p := range l.routes.Paths {
		var arrived bool
		err := p.Link.Receive(wait, func(packet link.Packet) {
			if !arrived {
				l.now, arrived = l.instant(), true
			}
			l.arrive(packet.Time)
			l.packet(p, packet)
		})
		if err != nil {
			return err
		}
		wait = 0
	}
	return nil
}

// clockTurn is after how many SYNs the clock is read again: fewer than leave
// the link at once.
const clockTurn = 64

// sendSYN sends a target's first SYN, or another.
func (l *loop) sendSYN(n uint64, slot *slot, t *Target, p *routes.Path, hop link.Hop) {
	local := p.First + l.begun.source.port(n, t)
	iss, offset := l.mac.Sequence(t.Addr, t.Port, local)
	if l.stats.SYNs%clockTurn == 0 {
		l.now = l.instant()
	}
	slot.sent = uint32(l.now / tick)
	slot.tries++
	slot.flags &^= slotOwed
	if slot.flags&slotLate != 0 {
		l.late[slot.tries-1] = append(l.late[slot.tries-1], n)
	}
	l.stats.SYNs++
	slot.flags &^= slotFiltered
	if !l.egress.send(p, hop, p.SYN(t.Addr, t.Port, local, iss, syn.Clock(l.now)+offset)) {
		slot.flags |= slotFiltered
	}
}

// due reports whether a waiting slot's time after a number of tries is over.
func (l *loop) due(s *slot, tries int) bool {
	return uint32(l.now/tick)-s.sent >= uint32(l.o.gap(tries)/tick)
}

// sendWaiting sends what waits for the pace, but for SYNs.
func (l *loop) sendWaiting() {
	l.connections.sendReady()
	l.sendOwed()
	l.connections.sendSlow()
}

// resendSYNs sends SYNs again to those that have not answered. Each round
// follows the one before it over the same targets, in the same order, so that
// what it comes to next is due next.
func (l *loop) resendSYNs() {
	ahead := l.begun.window.head
	for round := range l.o.Retries {
		at := max(l.resend[round], l.begun.window.base)
		for ; at < ahead; at++ {
			s := l.begun.window.at(at)
			if !s.inTurn() {
				continue
			}
			if !l.due(s, round+1) || !l.egress.mayBegin() {
				break
			}
			t := l.begun.source.at(at)
			l.approach(at, s, &t)
		}
		l.resend[round], ahead = at, at
	}
}

// silence records the targets that have not answered any SYN.
func (l *loop) silence() {
	last := l.o.Retries
	ahead := l.begun.window.head
	if last > 0 {
		ahead = max(l.resend[last-1], l.begun.window.base)
	}
	at := max(l.resend[last], l.begun.window.base)
	for ; at < ahead; at++ {
		s := l.begun.window.at(at)
		if !s.inTurn() {
			continue
		}
		if !l.due(s, last+1) {
			break
		}
		l.unanswered(at, s)
	}
	l.resend[last] = at
}
