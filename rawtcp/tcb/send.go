// Which segment goes out next, and how it is built.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// Next fills s with the next segment to send, and reports whether there is one.
// The Payload aliases the connection's buffer, and is valid until the next call
// of another method that changes something. After each such call, call Next
// until it returns false, and then Deadline.
func (c *Conn) Next(now Instant, s *wire.Segment) bool {
	*s = wire.Segment{SrcPort: c.id.LocalPort, DstPort: c.id.RemotePort}
	switch {
	case c.out.resetDue:
		c.fillReset(now, s)
		return true
	case c.state == Closed, c.state == Listen:
		return false
	case c.out.syn:
		c.fillSYN(now, s)
	case c.out.bare || c.out.ack && !c.sendsData():
		c.fill(now, s, c.noOctets())
	case c.sendsData() && c.nextRun(now, s):
	case c.out.ack:
		c.fill(now, s, c.noOctets())
	case c.alive.due:
		c.alive.due = false
		c.fillProbe(now, s)
	default:
		c.rest(now)
		return false
	}
	c.addECN(s)
	c.sent(now, s)
	return true
}

// noOctets returns an empty run at emptySeq.
func (c *Conn) noOctets() span {
	seq := c.emptySeq()
	return span{seq, seq}
}

// emptySeq returns the sequence number of a segment without octets: SND.NXT, or the
// right edge of the peer's window if what was sent ends beyond it, as a window probe
// does. The peer takes nothing from beyond its window, not even an acknowledgment or
// a RST (RFC 9293, section 3.10.7.4).
func (c *Conn) emptySeq() wire.Seq {
	if c.handshaking() {
		return c.snd.nxt
	}
	return earlier(c.snd.nxt, c.snd.una.Add(int(c.snd.wnd)))
}

// sendsData reports whether there may be data to send in this state.
func (c *Conn) sendsData() bool {
	switch c.state {
	case Established, CloseWait, FinWait1, Closing, LastAck:
		return c.snd.una != c.sendEnd()
	}
	return false
}

// nextRun fills s with octets that are due: a window probe, a retransmission,
// or new octets.
func (c *Conn) nextRun(now Instant, s *wire.Segment) bool {
	if c.snd.buf.unloaded() {
		return false
	}
	if c.out.probe {
		c.out.probe = false
		c.fill(now, s, span{c.snd.una, c.snd.una.Add(1)})
		c.transmitted(now, span{c.snd.una, c.snd.una.Add(1)})
		return true
	}
	if c.snd.una == c.snd.nxt && now.Sub(c.snd.last) > c.rtt.rto {
		c.reno.idle()
	}
	if c.snd.loss.probe.due && c.sendProbe(now, s) {
		return true
	}
	for _, rule := range [...]func(*Conn) span{(*Conn).probeRun, (*Conn).lostRun, (*Conn).newRun} {
		if run := rule(c); run.len() > 0 {
			c.fillRun(now, s, run)
			return true
		}
	}
	return false
}

// fillRun fills s with a run that is due.
func (c *Conn) fillRun(now Instant, s *wire.Segment, run span) {
	c.fill(now, s, run)
	had := c.transmitted(now, run)
	if run.left.Less(c.snd.nxt) {
		c.snd.again = now
		if c.sack && run.left == c.snd.una {
			c.timers.stop(timerRetransmit) // which starts anew: RFC 6675, section 6
		}
		c.sentAgain(run, had)
	} else {
		c.snd.override = false
		c.snd.loss.frto.fresh -= min(c.snd.loss.frto.fresh, 1)
	}
}

// stamp returns the time of sending for the scoreboard: now, and a little later
// for what is sent at the same instant, so that the order of sending shows.
func (c *Conn) stamp(now Instant) Instant { return max(now, c.snd.last+1) }

// transmitted notes which octets a segment carries, and returns what was known
// about them.
func (c *Conn) transmitted(now Instant, run span) mark {
	had := c.snd.loss.board.transmitted(run, c.stamp(now), c.cfg.boardLimit()+2*splitRoom)
	if had&isTimed != 0 {
		c.snd.timing = false
	}
	return had
}

// lostRun returns what is to be retransmitted now. Small segments lost at the
// end of what is in flight are sent in one, with new octets. While F-RTO examines
// a timeout it is nothing.
func (c *Conn) lostRun() span {
	if c.snd.loss.frto.step == frtoProbing {
		return span{}
	}
	run := c.snd.loss.board.hole()
	if run.len() > 0 && run.right == c.snd.nxt {
		run.right = c.sendEnd()
	}
	return c.allowed(run, c.snd.loss.force)
}

// allowed returns the part of a run that may be sent now, in one segment. It
// ends at the window's edge (RFC 9293, SHLD-16).
func (c *Conn) allowed(run span, force bool) span {
	if run.len() <= 0 {
		return span{}
	}
	run.right = earlier(run.right, c.snd.una.Add(int(c.snd.wnd)))
	run = c.atMost(run, c.segmentSize())
	if pipe := c.inNetwork(); !force && pipe > 0 && pipe+run.len() > c.reno.cwnd {
		return span{}
	}
	return run
}

// newRun returns what is to be sent for the first time now, by the sender's
// silly window syndrome avoidance (RFC 9293, section 3.8.6.2.1, MUST-38). If
// the window shrank below what is in flight, nothing of it is usable (MUST-34,
// SHLD-15).
func (c *Conn) newRun() span {
	rest := span{c.snd.nxt, c.sendEnd()}
	usable := c.snd.una.Add(int(c.snd.wnd)).Minus(c.snd.nxt)
	pipe := c.inNetwork()
	run := span{rest.left, rest.left.Add(min(rest.len(), usable))}
	run = c.atMost(run, c.segmentSize())
	n := run.len()
	switch {
	case n <= 0, len(c.snd.loss.board.list()) >= c.cfg.boardLimit():
		return span{}
	case pipe > 0 && pipe+n > c.reno.cwnd:
		return span{}
	case n >= c.segmentSize(), c.snd.override:
		return run
	case n == rest.len() && c.pushed() && (!c.cfg.Nagle || c.snd.fin || c.flight() == 0):
		return run
	case n >= int(c.snd.maxWnd/2):
		return run
	}
	return span{}
}

// pushed reports whether unsent octets must not wait for more.
func (c *Conn) pushed() bool { return c.snd.fin || c.snd.nxt.Less(c.snd.push) }

// atMost cuts a run down to n octets, and no further: segments are as large as
// they can be (RFC 9293, SHLD-28). A FIN right after them is included.
func (c *Conn) atMost(run span, n int) span {
	if run.len() <= n {
		return run
	}
	end := run.left.Add(n)
	if end == c.dataEnd() {
		end = end.Add(1)
	}
	return span{run.left, end}
}

// segmentSize returns how many octets fit into a segment beside its options
// (RFC 9293, section 3.7.1: Eff.snd.MSS, MUST-16).
func (c *Conn) segmentSize() int {
	return max(1, min(c.snd.mss, c.path.maxSegment)-c.optionsLen())
}

// fill makes s a segment with the octets of run, which may be empty.
func (c *Conn) fill(now Instant, s *wire.Segment, run span) {
	s.Seq, s.Ack = run.left, c.rcv.nxt
	s.Flags = wire.ACK
	s.Window = c.window()
	c.addOptions(now, s)
	if run.len() == 0 {
		return
	}
	end := c.dataEnd()
	from := min(run.left.Minus(c.snd.base), c.snd.buf.len())
	to := earlier(run.right, end).Minus(c.snd.base)
	s.Payload = c.snd.buf.bytes()[from:to:to]
	if len(s.Payload) > 0 && run.right == c.sendEnd() {
		s.Flags |= wire.PSH // once for everything written so far: RFC 9293, MUST-61, SHLD-27
	}
	c.addUrgent(s)
	if end.Less(run.right) {
		s.Flags |= wire.FIN
		c.sentFIN()
	}
}

// sent notes that s was sent.
func (c *Conn) sent(now Instant, s *wire.Segment) {
	if s.Flags.Has(wire.ACK) {
		c.ackSent()
	}
	if s.Len() == 0 {
		return
	}
	fresh := c.snd.nxt.Less(s.End())
	c.snd.loss.prr.out += int32(s.Len())
	if end := s.End(); c.snd.nxt.Less(end) || s.Flags.Has(wire.SYN) && c.snd.tries == 0 {
		c.time(s)
		c.snd.nxt = later(c.snd.nxt, end)
	}
	c.snd.last = c.stamp(now)
	c.armRetransmit(now)
	if fresh {
		c.armProbe(now)
	}
}

// sentAgain notes a retransmission.
func (c *Conn) sentAgain(run span, had mark) {
	why := c.snd.loss.why
	switch {
	case had&isLate != 0 && had&isResent != 0:
		why = becauseLater
	case had&isLate != 0:
		why = becauseSACK
	}
	c.snd.loss.force = false
	what := "data"
	if run.left == c.dataEnd() {
		what = "FIN"
	}
	e := Retransmitted{Seq: run.left, Len: run.len(), Attempt: max(1, int(c.snd.tries)), What: what, Why: why.String()}
	if why == becauseRTO {
		e.RTO = c.snd.expired
	}
	emit(c, e)
}

// time measures the round trip of a segment, if none is being measured.
func (c *Conn) time(s *wire.Segment) {
	if c.snd.timing || s.Flags.Has(wire.SYN) && c.snd.corrected {
		return
	}
	c.snd.timing = true
	if b := &c.snd.loss.board; !s.Flags.Has(wire.SYN) {
		b.list()[b.find(s.Seq)].marks |= isTimed
	}
}

// addOptions adds the options of segments other than SYNs, each aligned with
// NOPs as in RFC 7323, appendix A; never MSS (RFC 9293, section 3.7.1,
// MUST-65).
func (c *Conn) addOptions(now Instant, s *wire.Segment) {
	c.addTimestamps(now, s, c.ts.recent)
	c.addSACK(s)
}

// addTimestamps adds the timestamps, if both sides use them.
func (c *Conn) addTimestamps(now Instant, s *wire.Segment, echo uint32) {
	if c.ts.on {
		s.Options.Add(wire.OptNOP)
		s.Options.Add(wire.OptNOP)
		s.Options.AddTimestamps(c.tsVal(now), echo)
	}
}

// optionsLen returns how many octets addOptions adds.
func (c *Conn) optionsLen() int {
	n := c.sackLen()
	if c.ts.on {
		n += timestampsLen
	}
	return n
}

// timestampsLen is how many octets addTimestamps adds.
const timestampsLen = 12
