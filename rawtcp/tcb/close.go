package tcb

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// sentFIN makes the change of state that sending our FIN brings, where
// CloseWrite has not made it.
func (c *Conn) sentFIN() {
	if c.state == CloseWait {
		c.enter(LastAck)
	}
}

// receivedFIN makes the changes of state that the peer's FIN brings, once all
// before it has arrived (RFC 9293, section 3.10.7.4, eighth step).
func (c *Conn) receivedFIN(now Instant) {
	switch c.state {
	case Established:
		c.enter(CloseWait)
	case FinWait1:
		c.enter(Closing) // an ACK of our FIN in this segment has made it FIN-WAIT-2
	case FinWait2:
		c.enterTimeWait(now)
	}
}

// enterTimeWait waits for 2 MSL, so that the peer's FIN can be acknowledged
// again, and old segments die out (RFC 9293, MUST-13).
func (c *Conn) enterTimeWait(now Instant) {
	c.timers = newTimers()
	c.timers.set(timerTimeWait, now.Add(2*c.cfg.MSL))
	c.enter(TimeWait)
}

// leastOutlived is the least for which a connection stays in TIME-WAIT: half the
// least RTO of Linux, and far more than what is under way takes on a short path.
const leastOutlived = 100 * time.Millisecond

// Outlived reports whether this connection, in TIME-WAIT, may give way to one
// that we open between the same addresses and ports, before its 2 MSL are over:
// what RFC 6191 says of a SYN that arrives, said of one that we send. Both
// sides use timestamps, which tell what is still under way from what is new
// (RFC 7323, section 5); and two round trips have passed, in which the peer may
// have missed the acknowledgment of its FIN. A peer that missed it all the same
// answers the SYN with an ACK, and our RST to that ends its old connection.
// RFC 9293 does not speak of it, and would have the ports wait for 2 MSL
// (MUST-13): it is for who must use few ports again and again. The
// new ISS must be no less than [Conn.NextISS]. The answer may change with the
// time, and in Receive.
func (c *Conn) Outlived(now Instant) bool {
	if c.state != TimeWait || !c.ts.on {
		return false
	}
	begun := c.timers[timerTimeWait].Add(-2 * c.cfg.MSL)
	return now.Sub(begun) >= max(leastOutlived, 2*c.rtt.srtt)
}

// repeatedFIN starts TIME-WAIT again when the peer sends its FIN again. It has
// arrived before, and so is no part of the window; everything else about it must
// be as of a segment that is accepted.
func (c *Conn) repeatedFIN(now Instant, s *wire.Segment) {
	if c.state != TimeWait || s.Flags&(wire.FIN|wire.SYN|wire.RST|wire.ACK) != wire.FIN|wire.ACK {
		return
	}
	if s.End() == c.rcv.nxt && c.acksWithin(s) && !c.oldTimestamp(now, s) {
		c.timers.set(timerTimeWait, now.Add(2*c.cfg.MSL))
	}
}

// Close ends both streams: nobody will read any more. Octets that are not
// read, or that still arrive, draw a RST, because their sender must learn that
// they are lost (RFC 9293, section 3.6.1, MAY-1, SHLD-3). Otherwise it is CloseWrite,
// and the peer's FIN is not waited for without end.
func (c *Conn) Close() {
	if c.rcv.ready > 0 && !c.over && c.state != TimeWait {
		c.reset(c.snd.nxt, "octets that arrived were not read")
		c.end(fmt.Errorf("%w: closed with %d octets not read", ErrAborted, c.rcv.ready))
		return
	}
	c.deaf = true
	c.CloseWrite()
}

// refuseText answers octets that nobody will read.
func (c *Conn) refuseText(s *wire.Segment) {
	c.drop(s, "nobody reads any more")
	c.reset(c.snd.nxt, "octets arrived after the connection was closed")
	c.end(fmt.Errorf("%w: the peer sent more after it was closed", ErrAborted))
}

// end makes the connection CLOSED, for a reason other than both sides' FIN if
// err is not nil: then the user is told (RFC 9293, section 3.5.2, MUST-12). A RST that is due still goes out, and what has arrived in
// order stays readable.
func (c *Conn) end(err error) {
	c.unsent, c.finLost = c.Unacked(), c.finWaits()
	c.over, c.err = true, err
	c.timers = newTimers()
	c.out = outbox{resetDue: c.out.resetDue, resetSeq: c.out.resetSeq}
	c.snd.buf.free(c.cfg.Pool)
	c.snd.loss = lossState{}
	c.snd.fin, c.snd.base = false, c.snd.nxt
	c.rcv.early = nil
	c.enter(Closed)
}

// resetError is what the peer's RST means in each state (RFC 9293, section
// 3.10.7.4, second step).
func (c *Conn) resetError() error {
	switch c.state {
	case SynReceived:
		if c.passive {
			return nil // back to LISTEN, and no one is told (MUST-11)
		}
		return fmt.Errorf("%w: the peer sent a RST in place of an acknowledgment of our SYN", ErrRefused)
	case Closing, LastAck, TimeWait:
		if c.snd.buf.len() == 0 {
			return nil // both sides had said all they had to say
		}
	}
	return fmt.Errorf("%w in %v", ErrReset, c.state)
}
