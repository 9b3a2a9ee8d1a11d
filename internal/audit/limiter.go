// Tells a limiter, which has had enough of all our connections, from a server
// that answers one ClientHello with a RST or with silence.

package audit

import (
	"time"
)

// A question without an answer is in doubt. It counts as answered by that only if
// the server serves others afterwards: the control, which is a question that was
// answered before, and is asked again. If the control is not served either,
// something limits us: there is a pause, and from then on one connection at a
// time, each some time after the one before. A question that was in doubt is then
// asked again.
const (
	firstPause  = 500 * time.Millisecond
	maxPause    = 15 * time.Second
	firstGap    = 250 * time.Millisecond
	maxGap      = 3 * time.Second
	settling    = 2 * time.Second // before a question is asked again: more than the second that limiters count in
	maxFailures = 8               // controls in a row, over a minute in all
	trust       = 2               // doubts that came to nothing, until one is asked about once alone
)

type limiter struct {
	control  *Question // was answered before
	held     []held    // questions in doubt
	open     int       // connections under way
	seq      int       // of the last one that was begun
	served   int       // the latest begun of those that were answered
	trusted  int
	failures int           // controls in a row without an answer
	gap      time.Duration // between connections, once something limits us
	due      time.Duration
	repeated int
	pauses   []Pause
}

type held struct {
	turn   Turn
	answer *Answer
	seq    int // of the last connection that had begun when this one ended
}

// begun notes a connection.
func (l *limiter) begun(turn Turn) Turn {
	l.open++
	l.seq++
	turn.seq = l.seq
	return turn
}

// busy reports whether no other connection may begin for now.
func (l *limiter) busy() bool { return l.open > 0 && (l.gap > 0 || len(l.held) > 0) }

// ended notes an answer. It reports whether the server gave one at all.
func (l *limiter) ended(turn Turn, answer *Answer) bool {
	l.open--
	l.due = max(l.due, l.gap)
	if answer.Outcome == NotAsked || answer.troubled() {
		return false
	}
	l.served = max(l.served, turn.seq)
	if q := turn.Question; l.control == nil || q.Hello != nil && (answer.Outcome == Agreed || answer.Outcome == Refused) {
		l.control = q
	}
	return true
}

// troubled reports whether the answer is a RST, silence, or no connection, or one
// that did not come as far as TLS.
func (a *Answer) troubled() bool {
	return a.Outcome == Reset || a.Outcome == Silent || a.Outcome == Unreachable || a.turnedAway()
}

// doubt holds a question back whose answer may be a limiter's.
func (l *limiter) doubt(turn Turn, answer *Answer, spent bool) bool {
	if !answer.troubled() || l.control == nil {
		return false
	}
	if spent {
		answer.Doubtful = true
		return false
	}
	turn.task.gap = l.gap
	l.held = append(l.held, held{turn, answer, l.seq})
	return true
}

// again reports whether a question that was in doubt is to be asked again, now
// that the server is known to serve others.
func (l *limiter) again(t *task) bool {
	t.tries++
	return t.tries == 1 && (l.trusted < trust || l.gap > 0)
}

// limited makes a pause, since the control was not served either.
func (l *limiter) limited(answer *Answer, connections int) {
	pause := min(firstPause<<min(l.failures, 8), maxPause)
	l.failures++
	l.slow()
	l.due = max(l.due, pause)
	why := answer.Outcome.String()
	if answer.turnedAway() {
		why = "no TLS"
	}
	why += " to what was answered before; from here on one connection at a time"
	l.pauses = append(l.pauses, Pause{After: connections, DurationMS: float64(pause.Milliseconds()), Why: why})
}

func (l *limiter) slow() { l.gap = min(max(2*l.gap, firstGap), maxGap) }

func (l *limiter) take() time.Duration {
	d := l.due
	l.due = 0
	return d
}
