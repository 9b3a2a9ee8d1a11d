package probe

import (
	"context"
	"fmt"
	"time"

	"github.com/rawshake/rawshake/internal/probe/routes"
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
	err      error         // why it stands still
	examples []routes.Flow // of what must be reached again
	tried    tcb.Instant   // when that was looked for last
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

// findEvery: a network that changes takes some time to come to rest.
const findEvery = time.Second

// longestLoss is how long a lost way is looked for, while no records are made. Tests
// have less.
var longestLoss = 5 * time.Minute

// lose has the loop stand still, if an error says that a way is lost.
func (l *loop) lose(err error) bool {
	if !routes.Changed(err) {
		return false
	}
	lost := &loss{err: err, examples: l.routes.Examples(l.now), tried: l.now, records: l.stats.Records}
	if l.before != nil && l.before.records == lost.records { // it had hardly come back
		lost.waited = l.before.waited
	}
	l.lost, l.before = lost, lost
	l.connections.abort(func(c *connection) { l.connections.transmit(c) }) // maybe some hear of it
	l.egress.flush(l.routes.Paths)
	l.publish()
	return true
}

// findBack looks for the lost ways, and goes on where they are there.
func (l *loop) findBack(ctx context.Context) error {
	lost := l.lost
	l.results.handOver(false)
	if l.now.Sub(l.told) >= publishEvery {
		l.publish()
	}
	since := l.now.Sub(lost.tried)
	if since < findEvery {
		time.Sleep(min(pause, findEvery-since))
		return nil
	}
	lost.tried, lost.waited = l.now, lost.waited+since
	err := l.routes.Reopen(ctx, lost.examples, l.awaitPace)
	switch {
	case err == nil:
		l.lost = nil
		l.restart()
	case lost.waited >= longestLoss:
		return &LostError{lost.err, lost.waited, err}
	}
	return nil
}

// restart takes the targets in flight back to where they were before their first
// SYN.
func (l *loop) restart() {
	l.connections.recycleAll()
	l.syns.restart()
}
