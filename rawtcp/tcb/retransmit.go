// The retransmission timer and window probes.

package tcb

import (
	"fmt"
	"time"
)

// r1 is after how many retransmissions DeliveryTrouble is reported (RFC 9293,
// section 3.8.3, MUST-20, SHLD-9, SHLD-10).
const r1 = 3

// armRetransmit starts the timer for what is in flight, unless it is running
// (RFC 6298, (5.1)).
func (c *Conn) armRetransmit(now Instant) {
	if !c.snd.waiting {
		c.snd.waiting, c.snd.since = true, now
	}
	if c.timers.running(timerRetransmit) {
		return
	}
	wait, limit := c.rtt.rto, c.cfg.UserTimeout
	if c.handshaking() {
		limit = c.cfg.SYNTimeout
	} else if c.snd.wnd == 0 {
		wait = c.probeInterval()
	}
	c.timers.set(timerRetransmit, min(now.Add(wait), c.snd.since.Add(limit)))
}

// probeInterval doubles with each window probe (RFC 9293, SHLD-29, SHLD-30),
// but leaves the peer time to answer before the user timeout (MUST-37).
func (c *Conn) probeInterval() time.Duration {
	d := c.rtt.rto
	for range min(c.snd.probes, 16) {
		d *= 2
	}
	return min(d, c.cfg.MaxRTO, c.cfg.UserTimeout/2)
}

// rest is called when nothing can be sent, so that the connection does not wait
// for ever. If only the peer's window holds octets back, and nothing is in
// flight whose acknowledgment could widen it, the retransmission timer runs.
// After Close the wait for the peer's FIN has a timer of its own.
func (c *Conn) rest(now Instant) {
	if c.handshaking() || c.sendsData() || c.snd.una != c.snd.nxt {
		c.armRetransmit(now)
	}
	if c.readClosed && c.state == FinWait2 && !c.timers.running(timerFin) {
		c.timers.set(timerFin, now.Add(c.cfg.FinTimeout))
	}
}

func (c *Conn) handshaking() bool { return c.state == SynSent || c.state == SynReceived }

// retransmitTimeout is RFC 6298, (5.4) to (5.7), and the window probe of RFC
// 9293, section 3.8.6.1 (MUST-36). It probes also if the window closed over
// octets in flight (MUST-35); the probe then carries the first of them beyond
// the window's edge (MAY-7).
func (c *Conn) retransmitTimeout(now Instant) {
	switch {
	case c.handshaking():
		c.synTimeout(now)
	case now.Sub(c.snd.since) >= c.cfg.UserTimeout:
		c.giveUp(now, "data", int(c.snd.tries)+1)
	case c.snd.wnd == 0:
		c.snd.probes++
		c.out.probe = true
		c.snd.timing = false
		emit(c, WindowProbe{Seq: c.snd.una, Probe: int(c.snd.probes)})
	case c.snd.una == c.snd.nxt:
		c.snd.override = true
	default:
		c.dataTimeout(now)
	}
}

// dataTimeout begins to repair what a timeout says is lost.
func (c *Conn) dataTimeout(now Instant) {
	c.snd.loss.frto.begin(&c.reno, c.flight(), c.sack && c.snd.tries == 0 && !c.snd.loss.recovering && !c.repairing())
	c.reno.timedOut(c.flight(), c.snd.tries > 0)
	c.snd.tries++
	c.pathTimeout()
	c.snd.expired = c.rtt.rto
	c.rtt.backOff()
	c.expire(now)
	if c.snd.tries == r1 {
		emit(c, DeliveryTrouble{Tries: int(c.snd.tries)})
	}
}

// expire presumes that what a timeout says is lost: with RACK the first segment,
// and what was sent so long ago that it should have arrived (RFC 8985, section
// 6.3); without, everything in flight.
func (c *Conn) expire(now Instant) {
	l := &c.snd.loss
	l.board.forget()
	wait := l.rack.rtt + c.reorderWindow()
	for i, s := range l.board.list() {
		m := s.marks &^ (isTimed | isLate)
		if i == 0 || !c.sack || s.is(isOld) || s.sent.Add(wait) <= now {
			m |= isLost
		}
		l.board.mark(i, m)
	}
	c.repair(becauseRTO)
	l.force, l.reduced = true, now
}

// windowReopened is called when the peer's window has opened: what probes
// carried is sent again at once, with what follows it.
func (c *Conn) windowReopened() {
	c.loseAll(becauseWindow)
	c.snd.probes = 0
	c.timers.stop(timerRetransmit)
}

// synTimeout sends the SYN or SYN-ACK again, or gives up: SYNs are treated like
// data (RFC 9293, section 3.8.3, MUST-22).
func (c *Conn) synTimeout(now Instant) {
	c.snd.tries++
	if now.Sub(c.snd.since) >= c.cfg.SYNTimeout || c.cfg.SYNTries > 0 && int(c.snd.tries) >= c.cfg.SYNTries {
		c.giveUp(now, "SYN", int(c.snd.tries))
		return
	}
	emit(c, Retransmitted{Seq: c.id.ISS, Len: 1, Attempt: int(c.snd.tries), RTO: c.rtt.rto, What: "SYN", Why: becauseRTO.String()})
	c.rtt.backOff()
	c.out.syn = true
}

// giveUp ends a connection whose peer was silent for longer than R2 (RFC 9293,
// section 3.8.3, MUST-20). An ICMP error that arrived in the meantime is the
// likelier reason, and becomes part of the error.
func (c *Conn) giveUp(now Instant, what string, tries int) {
	after := now.Sub(c.snd.since)
	emit(c, GaveUp{After: after, Attempts: tries, Waiting: what})
	if c.icmp != "" {
		c.end(fmt.Errorf("%w: %s, and no acknowledgment of our %s in %v", ErrUnreachable, c.icmp, what, after))
		return
	}
	c.end(fmt.Errorf("%w: no acknowledgment of our %s in %v", ErrTimeout, what, after))
}
