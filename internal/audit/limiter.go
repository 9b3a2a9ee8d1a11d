// Pauses where a server, or something before it, seems to limit us.

package audit

import (
	"time"
)

// A connection that a server turns away before TLS is a limiter's work, if others went
// further. A RST or a silence may be the answer to one ClientHello, or the work of a
// limiter that has had enough of all of them. Each such question is asked once
// more after a pause; that pause grows while nothing else is answered either.
const (
	firstPause = 500 * time.Millisecond
	maxPause   = 15 * time.Second
	maxPauses  = 8
)

type limiter struct {
	answers  int // that came, of any kind
	troubled int // in a row that did not
	repeated int
	due      time.Duration
	pauses   []Pause
}

// again reports whether a question is to be asked again, and has Pause say when.
func (l *limiter) again(a *Audit, t *task, answer *Answer) bool {
	trouble := answer.Outcome == Reset || answer.Outcome == Silent || answer.Outcome == Unreachable || answer.turnedAway()
	if !trouble {
		l.troubled = 0
		l.answers++
		return false
	}
	l.troubled++
	most := 1
	if l.troubled > 2 && l.answers > 0 { // several different questions in a row
		most = 4
	}
	if l.answers == 0 || t.tries >= most || len(l.pauses) >= maxPauses || a.Connections() >= a.o.MaxConnections {
		return false
	}
	pause := min(firstPause<<min(l.troubled-1, 8), maxPause)
	l.due = max(l.due, pause)
	l.repeated++
	why := answer.Outcome.String()
	if answer.turnedAway() {
		why = "no TLS" // and not asked about it either
	}
	l.pauses = append(l.pauses, Pause{After: a.Connections(), DurationMS: float64(pause.Milliseconds()), Why: why + " to " + t.pending.About})
	return true
}

func (l *limiter) take() time.Duration {
	d := l.due
	l.due = 0
	return d
}
