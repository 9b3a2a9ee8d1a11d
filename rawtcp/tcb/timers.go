package tcb

import "math"

// A timer names one of the connection's deadlines.
type timer uint8

const (
	// timerRetransmit covers what is in flight (RFC 6298, section 5), and
	// window probes (RFC 9293, section 3.8.6.1): never both at a time.
	timerRetransmit timer = iota
	timerTimeWait         // 2 MSL (RFC 9293, section 3.6)
	timerAck              // an acknowledgment that waits (section 3.8.6.3)
	timerKeepAlive        // section 3.8.4
	timerFin              // the peer's FIN, after Close
	timerCount
)

// never is a deadline that is not set.
const never = Instant(math.MaxInt64)

// timers holds a deadline for each timer, or never.
type timers [timerCount]Instant

func newTimers() (t timers) {
	for i := range t {
		t[i] = never
	}
	return t
}

func (t *timers) set(which timer, at Instant) { t[which] = at }
func (t *timers) stop(which timer)            { t[which] = never }
func (t *timers) running(which timer) bool    { return t[which] != never }

// due reports whether a timer has run out, and stops it if so.
func (t *timers) due(which timer, now Instant) bool {
	if now.Before(t[which]) {
		return false
	}
	t.stop(which)
	return true
}

func (t *timers) earliest() Instant {
	at := never
	for _, d := range t {
		at = min(at, d)
	}
	return at
}

// Deadline returns when [Conn.Advance] is next owed, and whether it is at all.
// The answer may change after any call but the plain questions.
func (c *Conn) Deadline() (Instant, bool) {
	at := c.timers.earliest()
	return at, at != never
}

// Advance tells the connection that the time is now, which lets every deadline
// up to it take effect. Calling it early does nothing. Segments may be due
// after it.
func (c *Conn) Advance(now Instant) {
	if c.timers.due(timerRetransmit, now) {
		c.retransmitTimeout(now)
	}
	if c.timers.due(timerAck, now) {
		c.ackAtOnce()
	}
	if c.timers.due(timerKeepAlive, now) {
		c.keepAliveTimeout(now)
	}
	if c.timers.due(timerTimeWait, now) || c.timers.due(timerFin, now) {
		c.end(nil)
	}
}
