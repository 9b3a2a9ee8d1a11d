// Delayed acknowledgments.

package tcb

import "time"

// DefaultAckDelay is how long an acknowledgment may wait for data to go with
// it. RFC 9293, section 3.8.6.3 (MUST-40), allows less than half a second; a
// server's next flight should not have to wait that long.
const DefaultAckDelay = 40 * time.Millisecond

// maxAckDelay keeps a caller's choice within that requirement.
const maxAckDelay = 499 * time.Millisecond

// ackSoon makes an acknowledgment of octets in order due: at once for every
// second segment (RFC 9293, SHLD-19), and after AckDelay for others (SHLD-18),
// so that data can carry it.
func (c *Conn) ackSoon(now Instant) {
	if c.cfg.AckDelay < 0 || c.rcv.unacked > 0 {
		c.ackAtOnce()
		return
	}
	c.rcv.unacked++
	if !c.timers.running(timerAck) {
		c.timers.set(timerAck, now.Add(c.cfg.AckDelay))
	}
}

// ackAtOnce makes an acknowledgment due now. However many segments ask for it
// before Next is called, one acknowledges them all (RFC 9293, section 3.10.7.4,
// MUST-58, MUST-59).
func (c *Conn) ackAtOnce() { c.out.ack = true }

// ackSent notes that RCV.NXT has been sent.
func (c *Conn) ackSent() {
	c.lastAck = c.rcv.nxt
	c.rcv.unacked = 0
	c.out.duplicate = span{}
	c.out.ack, c.out.bare = false, false
	c.timers.stop(timerAck)
}
