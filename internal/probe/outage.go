// A scan of hours outlives routes, interfaces and routers. When the kernel
// would use another route, an interface goes down or a gateway falls silent,
// the loop cannot know what became of the packets of the targets in flight. So
// it pauses, looks once a second for routes to where it sent, uses what it
// finds, and begins those targets again. If it finds nothing for long, the scan
// ends.

package probe

import (
	"context"
	"fmt"
	"time"

	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// An outage is why a loop pauses: a route in use has changed.
type outage struct {
	err      error         // why it pauses
	examples []routes.Flow // of what must be reached again
	tried    tcb.Instant   // when that was looked for last
	waited   time.Duration
	results  uint64 // made before
}

// An OutageError ends a scan whose targets cannot be reached any more.
type OutageError struct {
	Cause  error // what had happened,
	Waited time.Duration
	Err    error // and what was the case so long after it
}

func (e *OutageError) Error() string {
	waited := e.Waited.Round(time.Second)
	if e.Cause.Error() == e.Err.Error() {
		return fmt.Sprintf("%v; waited %v for it", e.Err, waited)
	}
	return fmt.Sprintf("%v; waited %v, and then: %v", e.Cause, waited, e.Err)
}
func (e *OutageError) Unwrap() error { return e.Err }

// tryEvery is how often routes are looked for: a network that changes takes some time to
// settle.
const tryEvery = time.Second

// longestOutage is how long routes are looked for while no results are made; less in
// tests.
var longestOutage = 5 * time.Minute

// standStill pauses the loop if an error says that a route in use has changed.
func (l *loop) standStill(err error) bool {
	if !routes.Changed(err) {
		return false
	}
	o := &outage{err: err, examples: l.routes.Examples(l.now), tried: l.now, results: l.stats.Results}
	if l.lastOutage != nil && l.lastOutage.results == o.results { // it had hardly resumed
		o.waited = l.lastOutage.waited
	}
	l.outage, l.lastOutage = o, o
	l.connections.abort(func(c *connection) { l.connections.transmit(c) }) // some may still be told
	l.egress.flush(l.routes.Paths)
	l.publish()
	return true
}

// awaitRoutes looks for routes, and resumes once all are there again.
func (l *loop) awaitRoutes(ctx context.Context) error {
	o := l.outage
	l.results.handOver(false)
	if l.now.Sub(l.told) >= publishEvery {
		l.publish()
	}
	since := l.now.Sub(o.tried)
	if since < tryEvery {
		time.Sleep(min(pause, tryEvery-since))
		return nil
	}
	o.tried, o.waited = l.now, o.waited+since
	err := l.routes.Reopen(ctx, o.examples, l.awaitPace)
	switch {
	case err == nil:
		l.outage = nil
		l.restart()
	case o.waited >= longestOutage:
		return &OutageError{o.err, o.waited, err}
	}
	return nil
}

// restart takes the targets in flight back to before their first SYN.
func (l *loop) restart() {
	l.connections.recycleAll()
	l.syns.restart()
}
