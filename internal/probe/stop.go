// How a scan stops.

package probe

import (
	"context"
	"time"
)

// A scan that is stopped stops soon: what is in flight gets a moment for the answers
// that are on their way, whatever else arrives. Then the connections that are left are
// reset, as far as the pace allows in another moment. Their
// targets have no result, and the checkpoint says that they may have been probed.
const (
	stopGrace = time.Second
	resetTime = 250 * time.Millisecond
)

// stopping makes the loop begin nothing more, and reports whether the moment of grace is
// over.
func (l *loop) stopping() bool {
	if !l.stopped {
		l.stopped, l.stopAt = true, l.now.Add(stopGrace)
	}
	l.admission.ended = true
	return !l.now.Before(l.stopAt)
}

// resetAll resets the connections that are left.
func (l *loop) resetAll(hard context.Context) {
	l.connections.closing = true
	l.connections.abort(l.connections.sendOn)
	end := l.now.Add(resetTime)
	for l.connections.ready.len() > 0 && l.now.Before(end) && hard.Err() == nil {
		l.now = l.instant()
		l.egress.pace.Fill(l.now)
		l.sendWaiting()
		if l.egress.flush(l.routes.Paths) != nil {
			return
		}
		time.Sleep(min(l.egress.pace.Wait(0), resetTime))
	}
	l.egress.flush(l.routes.Paths)
}
