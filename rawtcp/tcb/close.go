// FIN, TIME-WAIT, and how a connection ends.

package tcb

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// sentFIN makes the state change that follows from sending our FIN, if
// CloseWrite has not made it.
func (c *Conn) sentFIN() {
	if c.state == CloseWait {
		c.enter(LastAck)
	}
}

// receivedFIN makes the state changes that follow from the peer's FIN, once
// everything before it has arrived (RFC 9293, section 3.10.7.4, eighth step).
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

// minTimeWait is the shortest time in TIME-WAIT before a connection may be
// replaced: half of Linux's minimum RTO, and far longer than segments are in
// flight on a short path.
const minTimeWait = 100 * time.Millisecond

// TimeWaitReusable reports whether this connection, in TIME-WAIT, may be replaced by
// one that we open between the same addresses and ports before 2 MSL are over:
// RFC 6191's reuse for a SYN that arrives, applied to one that we send. The
// conditions are that both sides use timestamps, which tell old segments in
// flight from new ones (RFC 7323, section 5), and that two round trips have
// passed, in which a peer that missed our acknowledgment of its FIN would have
// sent the FIN again. If the peer missed it all the same, it answers the SYN
// with an ACK, and our RST to that ends its old connection. RFC 9293 does not
// provide for this, and asks the ports to wait for 2 MSL (MUST-13): it is for
// callers that must reuse few ports. The new ISS must not be less than
// [Conn.NextISS]. The answer may change with the time, and in Receive.
func (c *Conn) TimeWaitReusable(now Instant) bool {
	if c.state != TimeWait || !c.ts.on {
		return false
	}
	begun := c.timers[timerTimeWait].Add(-2 * c.cfg.MSL)
	return now.Sub(begun) >= max(minTimeWait, 2*c.rtt.srtt)
}

// repeatedFIN restarts TIME-WAIT when the peer retransmits its FIN. The FIN has
// arrived before and is therefore outside the window; in all else the segment
// must be acceptable.
func (c *Conn) repeatedFIN(now Instant, s *wire.Segment) {
	if c.state != TimeWait || s.Flags&(wire.FIN|wire.SYN|wire.RST|wire.ACK) != wire.FIN|wire.ACK {
		return
	}
	if s.End() == c.rcv.nxt && c.acksWithin(s) && !c.oldTimestamp(now, s) {
		c.timers.set(timerTimeWait, now.Add(2*c.cfg.MSL))
	}
}

// Close ends both streams: nobody will read any more. Octets that were not
// read, or that still arrive, are answered with a RST, because their sender
// must learn that they are lost (RFC 9293, section 3.6.1, MAY-1, SHLD-3).
// Otherwise it is CloseWrite, with a limit to the wait for the peer's FIN:
// Config.FinTimeout.
func (c *Conn) Close() {
	if c.rcv.ready > 0 && !c.over && c.state != TimeWait {
		c.reset(c.emptySeq(), "octets that arrived were not read")
		c.end(fmt.Errorf("%w: closed with %d octets not read", ErrAborted, c.rcv.ready))
		return
	}
	c.readClosed = true
	c.CloseWrite()
}

// refuseText answers octets that nobody will read with a RST.
func (c *Conn) refuseText(s *wire.Segment) {
	c.drop(s, "nobody reads any more")
	c.reset(c.emptySeq(), "octets arrived after the connection was closed")
	c.end(fmt.Errorf("%w: the peer sent more after it was closed", ErrAborted))
}

// end makes the connection CLOSED. A non-nil err is a reason other than both
// sides' FIN, which the user is told (RFC 9293, section 3.5.2, MUST-12). A RST
// that is due still goes out, and what has arrived in order stays readable.
func (c *Conn) end(err error) {
	c.unsent, c.finLost = int32(c.Unacked()), c.finWaits()
	c.over, c.err = true, err
	c.timers = newTimers()
	c.out = outbox{resetDue: c.out.resetDue, resetSeq: c.out.resetSeq}
	c.snd.buf.free(c.cfg.Pool)
	c.snd.loss.release(c.cfg.Pool != nil)
	c.snd.fin, c.snd.base = false, c.snd.nxt
	c.rcv.outOfOrder = nil
	c.enter(Closed)
}

// resetError returns what the peer's RST means in each state (RFC 9293, section
// 3.10.7.4, second step).
func (c *Conn) resetError() error {
	switch c.state {
	case SynReceived:
		if c.passive {
			return nil // back to LISTEN, and the user is not told (MUST-11)
		}
		return fmt.Errorf("%w: the peer sent a RST in place of an acknowledgment of our SYN", ErrRefused)
	case Closing, LastAck, TimeWait:
		if c.snd.buf.len() == 0 {
			return nil // both sides had sent their FIN
		}
	}
	return fmt.Errorf("%w in %v", ErrReset, c.state)
}
