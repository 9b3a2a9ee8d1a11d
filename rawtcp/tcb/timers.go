// The connection's deadlines.

package tcb

import "math"

// A timer names one of the connection's deadlines.
type timer uint8

const (
	// timerRetransmit is for retransmissions (RFC 6298, section 5) and for
	// window probes (RFC 9293, section 3.8.6.1), never both at a time.
	timerRetransmit timer = iota
	// timerRACK is for a segment that may still arrive, or is lost (RFC 8985,
	// section 6.2), and for the loss probe (section 7.2), never both at a time.
	// It does not take the retransmission timer's place, which stays the last
	// resort.
	timerRACK
	timerTimeWait  // 2 MSL (RFC 9293, section 3.6)
	timerAck       // a delayed acknowledgment (section 3.8.6.3)
	timerKeepAlive // section 3.8.4
	timerFin       // the peer's FIN, after Close
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

// due reports whether a timer has expired, and stops it if so.
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
// It may change after any call that changes something.
func (c *Conn) Deadline() (Instant, bool) {
	at := c.timers.earliest()
	return at, at != never
}

// Advance tells the connection the time, and acts on every deadline that has
// passed. Calling it early does nothing. Segments may be due after it.
func (c *Conn) Advance(now Instant) {
	switch {
	case !c.timers.due(timerRACK, now):
	case c.snd.loss.probe.armed:
		c.probeTail(now)
	default:
		c.detectLosses(now)
		c.reduceRate(0, false)
	}
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
