// The loop: one goroutine with everything that it needs.

package probe

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
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
	syns        syns
	connections connections
	admission   admission
	receiver    receiver
	routes      *routes.Table
	ports       ports
	outage      *outage // a route has changed; nil: none has
	lastOutage  *outage
	received    received    // what of it was dropped
	stopped     bool        // somebody wants the scan to end,
	stopAt      tcb.Instant // at the latest now

	stats     Stats
	published atomic.Pointer[Stats]
	reins     *reins
	sources   atomic.Pointer[[]netip.Addr]
	told      tcb.Instant // when the stats were published last
}

func newLoop(o *Options, index int) *loop {
	l := &loop{o: o, index: index, ports: ports{count: uint16(o.Ports)}}
	l.reins = new(reins)
	l.admission.reins = l.reins
	l.egress = newEgress(&l.clock, &l.stats, o.Rate/float64(max(o.Loops, 1)), func(a netip.Addr) uint16 { return l.syns.mac.Port(a, 0) })
	l.results = results{clock: &l.clock, stats: &l.stats, loop: index, only: o.Only, enc: record.Encoder{Fields: o.Fields, Whole: o.Whole, Raw: o.Raw}}
	l.syns.init(o, &l.clock, &l.stats, &l.begun, &l.egress, &l.results, &l.ports, &l.connections.pool)
	l.connections.init(o, &l.clock, &l.stats, &l.begun, &l.egress, &l.results, &l.ports)
	l.admission.init(o, index, &l.clock, &l.stats, &l.begun, &l.egress, &l.results, &l.syns, &l.connections)
	l.receiver.init(&l.clock, &l.stats, &l.ports, &l.begun, &l.syns, &l.connections)
	return l
}

// run probes until there is nothing left, or ctx is done: then what is in flight has a
// moment to finish. When hard is done too, run returns at once.
func (l *loop) run(ctx, hard context.Context) error {
	defer func() {
		l.connections.endAudits()
		l.results.handOver(true)
		l.publish()
	}()
	for hard.Err() == nil && !l.results.sink.Broken() {
		l.now = l.instant()
		if ctx.Err() != nil && l.stopping() {
			l.resetAll(hard)
			return nil
		}
		var err error
		switch {
		case l.outage == nil:
			if err = l.turn(); l.standStill(err) {
				continue
			}
		case ctx.Err() != nil:
			return nil // nothing can be finished
		default:
			err = l.awaitRoutes(ctx)
		}
		if err != nil {
			l.results.sink.Fail(err)
			return err
		}
		if l.admission.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0 {
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
	s.InFlight, s.Conns, s.Slowed, s.Time = l.admission.inFlight(), l.connections.live, l.egress.pace.Factor, time.Duration(l.now)
	s.Link = l.routes.Stats()
	if l.outage != nil {
		s.Outage = l.outage.err.Error()
	}
	l.egress.pace.Drops(l.now, s.Link.Unsent+l.received.ours(&s))
	l.published.Store(&s)
	l.told = l.now
	l.noteSources()
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
	l.syns.silence()
	l.now = l.instant() // when SYNs leave
	l.admission.lag(l.egress.pace.Fill(l.now))
	l.egress.answers.Fill(l.now)
	l.egress.asks.Fill(l.now)
	l.heed()
	if l.o.Via.Source.IsValid() {
		l.egress.payReply()
	}
	l.sendWaiting()
	if err := l.routes.Turn(l.now, l.syns.goOn); err != nil {
		return err
	}
	l.syns.sendResolved()
	l.syns.resendDeferred()
	l.syns.resendSYNs()
	l.admission.weigh()
	l.admission.begin()
	l.connections.sendMoreAsks()
	l.begun.window.trim()
	if err := l.egress.flush(l.routes.Paths); err != nil {
		return err
	}
	l.results.handOn()
	if l.now.Sub(l.told) >= publishEvery {
		l.publish()
	}
	if err := l.receive(l.idle()); err != nil {
		return err
	}
	return l.egress.flush(l.routes.Paths) // before other work
}

// idle is how long there is nothing to do unless something arrives.
func (l *loop) idle() time.Duration {
	switch {
	case l.connections.queue.waiting() > 0:
		return 0
	case len(l.syns.owed) > 0, l.connections.ready.len() > 0:
		return min(l.egress.pace.Wait(0), wheelUnit)
	case l.admission.halted.passes(), len(l.syns.resolved) > 0, l.connections.asking.len() > 0:
		return min(l.egress.pace.Wait(l.egress.reserve()), wheelUnit)
	case l.connections.wheel.n > 0:
		return wheelUnit
	case l.begun.window.len() > 0:
		return 2 * wheelUnit
	}
	return 10 * wheelUnit
}

// receive waits for packets on one link, and polls the others, for whose sake the wait
// is short.
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
			l.receiver.packet(p, packet)
		})
		if err != nil {
			return err
		}
		wait = 0
	}
	return nil
}

// sendWaiting sends what waits for the pace, except SYNs.
func (l *loop) sendWaiting() {
	l.connections.sendReady()
	l.syns.sendOwed()
	l.connections.sendSlow()
	l.connections.sendAsks()
}
