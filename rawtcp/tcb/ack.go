// What an acknowledgment does to the send side.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// acceptAck is the check of the fifth step: it reports whether a segment's
// acknowledgment is acceptable, and answers one that is not.
func (c *Conn) acceptAck(now Instant, s *wire.Segment) bool {
	switch {
	case c.acksWithin(s):
		return true
	case c.state == SynReceived:
		c.drop(s, "it acknowledges what was never sent")
		c.reset(s.Ack, "a segment acknowledged what was never sent")
	case c.snd.nxt.Less(s.Ack):
		c.drop(s, "it acknowledges what was never sent")
		c.challenge(now, "an ACK of what was never sent")
	default:
		c.drop(s, "it acknowledges what is long past") // RFC 5961, section 5
		c.challenge(now, "an ACK of what is long past")
	}
	return false
}

// acksWithin reports whether a segment's acknowledgment is neither beyond what
// was sent nor long past (RFC 5961, section 5), and in SYN-RECEIVED covers our
// SYN.
func (c *Conn) acksWithin(s *wire.Segment) bool {
	if c.state == SynReceived {
		return c.snd.una.Less(s.Ack) && s.Ack.LessEq(c.snd.nxt)
	}
	return c.oldestAck().LessEq(s.Ack) && s.Ack.LessEq(c.snd.nxt)
}

// receiveAck is the rest of the fifth step: it moves SND.UNA and the send
// window, and the states that wait for an acknowledgment.
func (c *Conn) receiveAck(now Instant, s *wire.Segment) {
	ending := c.state == SynReceived
	if ending {
		c.synAcked(now, s)
	}
	n := s.Ack.Minus(c.snd.una)
	duplicate := c.duplicate(s, uint32(s.Window)<<c.snd.scaleOf(s))
	advances := c.snd.una.Less(s.Ack)
	before, flight, window := c.hasArrived(), c.flight(), c.reno.cwnd
	dsack := c.arrivals(now, s)
	if advances {
		c.acked(now, s)
	} else if s.Ack == c.snd.una {
		c.ackedAgain(now)
	}
	if c.takeMarks(s, max(n, 0), flight, ending) {
		c.reno.cwnd = min(c.reno.cwnd, window) // RFC 3168, section 6.1.2
	}
	c.updateWindow(s, advances)
	c.probeAnswered(now, s, flight, dsack, advances)
	losses := c.lossSigns(now, duplicate)
	arrived := c.hasArrived().Minus(before)
	c.examineTimeout(advances, arrived > 0)
	c.reduceRate(arrived, advances && !losses)
	if advances {
		c.armProbe(now)
	}
	c.afterAck(now)
}

// oldestAck returns the lowest acknowledgment that a segment may carry.
func (c *Conn) oldestAck() wire.Seq { return c.snd.una - wire.Seq(c.snd.maxWnd) }

// acked moves SND.UNA for an acknowledgment of something new.
func (c *Conn) acked(now Instant, s *wire.Segment) {
	n := s.Ack.Minus(c.snd.una)
	c.snd.una = s.Ack
	if octets := s.Ack.Minus(c.snd.base); octets > 0 {
		octets = min(octets, c.snd.buf.len()) // without the FIN
		c.snd.buf.cut(octets, c.cfg.Pool)
		c.snd.base = c.snd.base.Add(octets)
	}
	c.snd.tries, c.snd.probes = 0, 0
	c.snd.since, c.snd.waiting = now, c.snd.una != c.snd.nxt
	c.icmp = "" // the error was transient
	c.progress(n)
	c.pathAcked(n)
	c.timers.stop(timerRetransmit)
	if c.snd.una.Less(c.snd.nxt) {
		c.armRetransmit(now) // RFC 6298, (5.3)
	}
}

// ackedAgain notes an acknowledgment of nothing new. It proves that the peer is
// alive, which keeps window probing going (RFC 9293, MUST-37), also if octets
// beyond the window are not acknowledged (SHLD-17).
func (c *Conn) ackedAgain(now Instant) {
	if c.snd.wnd == 0 && c.timers.running(timerRetransmit) {
		c.snd.since = now
		c.timers.stop(timerRetransmit)
		c.armRetransmit(now)
	}
}

// arrivals takes what an acknowledgment says has arrived, and a round trip from
// it. If it covers the segment that is timed, which SACK may do early, that is
// the sample. If it covers something new, its timestamp is, where nothing is
// timed because all of it was sent again, or where the RTO is still backed off.
// An echo from before the last retransmission is no sample: perhaps only the
// acknowledgment of the original was lost. It reports whether something has
// arrived twice.
func (c *Conn) arrivals(now Instant, s *wire.Segment) (dsack bool) {
	timing := c.snd.timing
	c.takeAck(now, s)
	dsack = c.takeSACK(now, s)
	if timing && !c.snd.timing || c.snd.timing && !c.rtt.backedOff || !c.snd.una.Less(s.Ack) {
		return dsack
	}
	if rtt, ok := c.tsRTT(now, s); ok && rtt <= now.Sub(c.snd.again)+clockGranularity {
		c.measured(rtt)
	}
	return dsack
}

// takeAck takes the segments that an acknowledgment covers.
func (c *Conn) takeAck(now Instant, s *wire.Segment) {
	for _, seg := range c.snd.loss.board.list() {
		if s.Ack.Less(seg.right) {
			break
		}
		if !seg.is(isSacked) {
			c.arrived(now, s, &seg)
		}
	}
}

// arrived takes a segment that has arrived. One at a time is timed (RFC 6298,
// section 3), and never one that was sent twice (Karn's algorithm, RFC 9293,
// MUST-18).
func (c *Conn) arrived(now Instant, s *wire.Segment, seg *segment) {
	if seg.is(isTimed) {
		c.snd.timing = false
		c.measured(now.Sub(seg.sent))
	}
	if c.sack {
		c.delivered(now, s, seg)
		l := &c.snd.loss
		l.frto.original = l.frto.original || !seg.is(isResent|isOld) && seg.right.LessEq(l.recoveryPoint)
	}
}

// updateWindow takes the window of a segment that is not older than the one
// that set it last. If the segment moves SND.UNA, its SEQ does not matter: a
// window counts from the acknowledgment in the same segment (RFC 9293, section
// 3.8.6).
func (c *Conn) updateWindow(s *wire.Segment, advances bool) {
	newer := c.snd.wl1.Less(s.Seq) || c.snd.wl1 == s.Seq && c.snd.wl2.LessEq(s.Ack)
	if s.Ack != c.snd.una || !advances && !newer {
		return
	}
	before := c.snd.wnd
	c.setWindow(s, c.snd.scaleOf(s))
	if before == 0 && c.snd.wnd > 0 {
		c.windowReopened()
	}
}

func (c *Conn) setWindow(s *wire.Segment, shift uint8) {
	c.snd.wnd = uint32(s.Window) << shift
	c.snd.maxWnd = max(c.snd.maxWnd, c.snd.wnd)
	c.snd.wl1, c.snd.wl2 = s.Seq, s.Ack
}

// scaleOf returns the shift of a segment's window, 0 for a SYN.
func (s *sendSide) scaleOf(seg *wire.Segment) uint8 {
	if seg.Flags.Has(wire.SYN) {
		return 0
	}
	return s.scale
}

// afterAck makes the state changes that follow from an acknowledgment of our
// FIN.
func (c *Conn) afterAck(now Instant) {
	if !c.finAcked() {
		return
	}
	switch c.state {
	case FinWait1:
		c.enter(FinWait2)
	case Closing:
		c.enterTimeWait(now)
	case LastAck:
		c.end(nil)
	}
}
