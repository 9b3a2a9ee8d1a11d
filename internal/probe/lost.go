package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A scan of hours outlives routes, interfaces and routers. When the kernel would
// send another way than before, an interface goes down or a gateway falls
// silent, what became of the packets of the targets in flight nobody knows. So
// the loop stands still, looks once a second for the ways that it used, takes
// what it finds, and begins those targets again. If it finds nothing for long,
// the scan ends.

// A loss is what a loop waits for the end of.
type loss struct {
	err      error       // why it stands still
	examples []flow      // of what must be reached again
	tried    tcb.Instant // when that was looked for last
	waited   time.Duration
	records  uint64 // that were made before
}

// A LostError ends a scan whose targets cannot be reached any more.
type LostError struct {
	Cause  error // what had happened,
	Waited time.Duration
	Err    error // and what was the case so long after it
}

func (e *LostError) Error() string {
	waited := e.Waited.Round(time.Second)
	if e.Cause.Error() == e.Err.Error() {
		return fmt.Sprintf("%v; waited %v for it", e.Err, waited)
	}
	return fmt.Sprintf("%v; waited %v, and then: %v", e.Cause, waited, e.Err)
}
func (e *LostError) Unwrap() error { return e.Err }

const (
	findEvery = time.Second // a network that changes takes some time to come to rest
	lookEvery = 10 * time.Millisecond
	lookShare = 100         // looking takes one part in so many of the time
	inUse     = time.Minute // since something went a way last: others may come and go
)

// longestLoss is how long a lost way is looked for, while no records are made. Tests
// have less.
var longestLoss = 5 * time.Minute

// errMoved: the kernel sends another way than it did.
var errMoved = errors.New("the route has changed")

// lookAround notices that this machine's routes, addresses or interfaces have
// changed, and fails if that concerns a way in use.
func (l *loop) lookAround() error {
	if l.watch == nil || l.now.Before(l.lookAt) {
		return nil
	}
	begin := l.now
	l.lookAt = begin.Add(lookEvery)
	if !l.watch.Changed() {
		return nil
	}
	err := l.ways.review(begin)
	l.now = l.instant()
	l.lookAt = l.now.Add(lookShare * l.now.Sub(begin))
	return err
}

// review asks the kernel again about the ways in use. Where it says what it said,
// all is forgotten, and found again as it is needed.
func (w *ways) review(now tcb.Instant) error {
	for y := range w.each {
		if y.path == nil || now.Sub(y.used) >= inUse {
			continue
		}
		r, err := w.find(y.example)
		switch {
		case err != nil:
			return cmp.Or(y.route.Down(), err) // which is why
		case r != y.route:
			return fmt.Errorf("%w: %v is reached by %s, and was by %s", errMoved, y.example.to, routeText(r, y.example.to), routeText(y.route, y.example.to))
		}
	}
	return w.forget()
}

// forget has all ways found again. Borders are read now, since that can take
// long.
func (w *ways) forget() error {
	w.known, w.all, w.last = nil, nil, nil
	for i, was := range w.borders {
		if was == nil {
			continue
		}
		b, err := link.ReadBorders(i == 1)
		if err != nil {
			return err
		}
		w.borders[i] = b
	}
	return nil
}

// examples are addresses that stand for all ways in use.
func (w *ways) examples(now tcb.Instant) (list []flow) {
	type by struct {
		path    *path
		gateway netip.Addr
	}
	seen := make(map[by]bool)
	for y := range w.each {
		if key := (by{y.path, y.gateway}); y.path != nil && now.Sub(y.used) < inUse && !seen[key] {
			seen[key] = true
			list = append(list, y.example)
		}
	}
	return list
}

// routeText is a route to an address in words.
func routeText(r link.Route, to netip.Addr) string {
	through := ""
	if r.NextHop != to {
		through = fmt.Sprintf(" through %v", r.NextHop)
	}
	return fmt.Sprintf("%s from %v%s (MTU %d)", r.Interface, r.Source, through, r.MTU)
}

// lose has the loop stand still, if an error says that a way is lost.
func (l *loop) lose(err error) bool {
	if !errors.Is(err, errMoved) && !errors.Is(err, link.ErrNoRoute) && !errors.Is(err, link.ErrNoNeighbour) {
		return false
	}
	lost := &loss{err: err, examples: l.ways.examples(l.now), tried: l.now, records: l.stats.Records}
	if l.before != nil && l.before.records == lost.records { // it had hardly come back
		lost.waited = l.before.waited
	}
	l.lost, l.before = lost, lost
	for _, c := range l.conns { // maybe some hear of it
		if c.session != nil {
			c.session.Abort()
			l.transmit(c)
		}
	}
	l.egress.flush(l.paths)
	l.publish()
	return true
}

// findBack looks for the lost ways, and goes on where they are there.
func (l *loop) findBack(ctx context.Context) error {
	lost := l.lost
	l.handOver(false)
	if l.now.Sub(l.told) >= publishEvery {
		l.publish()
	}
	since := l.now.Sub(lost.tried)
	if since < findEvery {
		time.Sleep(min(lookEvery, findEvery-since))
		return nil
	}
	lost.tried, lost.waited = l.now, lost.waited+since
	err := l.reopen(ctx, lost.examples)
	switch {
	case err == nil:
		l.lost = nil
		l.restart()
	case lost.waited >= longestLoss:
		return &LostError{lost.err, lost.waited, err}
	}
	return nil
}

// reopen begins anew with all that leads to the targets.
func (l *loop) reopen(ctx context.Context, examples []flow) error {
	l.closePaths()
	if err := l.ways.forget(); err != nil {
		return err
	}
	return l.openWays(ctx, examples)
}

// restart takes the targets in flight back to where they were before their first
// SYN.
func (l *loop) restart() {
	l.forgetWork()
	l.ready.clear()
	l.slow.clear()
	l.owed = l.owed[:0]
	clear(l.odd)
	clear(l.crossed)
	clear(l.soft)
	clear(l.late)
	l.parked = l.parked[:0]
	for n := l.window.base; n < l.window.head; n++ {
		s := l.window.at(n)
		if s.state == slotConnected {
			c := l.conns[s.conn]
			reported := c.reported
			l.dismiss(c)
			if reported {
				l.done(n)
			} else {
				l.live--
			}
		}
		if s.state != slotDone {
			*s = slot{state: slotResolving, flags: s.flags&^slotAtOnce | slotLate | slotRepeat}
			l.parked = append(l.parked, n)
		}
	}
	l.stats.Again += uint64(len(l.parked))
}
