// Congestion marks that arrive, and those that the peer tells of.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// Accurate ECN acknowledges at once when so many marks have arrived since our last
// segment, with data among them or not (RFC 9768, section 3.2.2.5.1).
const (
	marksWithData = 2
	marksAlone    = 3
)

// noteMark takes the codepoint of a packet that was accepted.
func (c *Conn) noteMark(s *wire.Segment) {
	e := c.ecn
	if e == nil || s.Flags.Has(wire.SYN) {
		return
	}
	marked, data := s.ECN == wire.CE, len(s.Payload) > 0
	switch {
	case e.mode == wire.ECNClassic:
		e.echo = data && marked || e.echo && !s.Flags.Has(wire.CWR)
	case e.mode == wire.ECNAccurate && marked:
		e.received++
		e.since = min(e.since+1, marksAlone)
		if data && !e.last || e.since >= marksAlone || e.since >= marksWithData && (data || c.rcv.unacked > 0) {
			c.ackAtOnce()
		}
	}
	e.last = marked
}

// synACKAgain has the answer to a SYN-ACK that comes again tell how it arrived (RFC 9768,
// section 3.2.2.1).
func (c *Conn) synACKAgain(s *wire.Segment) {
	e := c.ecn
	if e == nil || e.mode != wire.ECNAccurate || c.passive || !s.Flags.Has(wire.SYN|wire.ACK) || s.End() != c.rcv.nxt {
		return
	}
	e.synACKMarked(s.ECN)
	if c.out.ack { // it may answer as often as any challenge
		e.handshake, e.arrived, c.out.bare = true, s.ECN, true
	}
}

// takeMarks takes what an acknowledgment of n octets tells of marks on ours, of which so
// many were in flight, and reports whether there are any. It has moved SND.UNA already.
// Ending says that it ends the handshake.
func (c *Conn) takeMarks(s *wire.Segment, n, flight int, ending bool) (told bool) {
	e := c.ecn
	if e == nil || s.Flags.Has(wire.SYN) {
		return false
	}
	e.reduced = later(e.reduced, c.snd.una.Add(-1)) // or it would lie ahead, half the sequence space on
	marks := 0
	switch {
	case e.mode == wire.ECNClassic && s.Flags.Has(wire.ECE):
		marks = 1
	case e.mode == wire.ECNAccurate && !c.superseded(s, n):
		marks = c.takeACE(s, n, ending)
	}
	if marks == 0 || e.deaf {
		return false
	}
	c.congested(marks, flight)
	return true
}

// superseded reports whether a later acknowledgment has come before this one (RFC 9768,
// appendix A.1).
func (c *Conn) superseded(s *wire.Segment, n int) bool {
	return s.Ack.Less(c.snd.una) || n == 0 && s.Seq.Less(c.snd.wl1)
}

// takeACE takes accurate ECN's counter (RFC 9768, section 3.2.2), and returns how many
// marks it tells of.
func (c *Conn) takeACE(s *wire.Segment, n int, ending bool) (marks int) {
	e := c.ecn
	ace := s.Flags.ACE()
	_, sacks := s.Options.SACK()
	if ending && s.Len() == 0 && sacks == 0 {
		c.takeHandshakeACE(s.Flags)
		return 0
	}
	if !e.heard && ace == 0 {
		c.notBelieved("the peer's first count is zero, which no host begins with") // section 3.2.2.4
	}
	e.heard = true
	marks = int(ace-uint8(e.told)) & 7
	packets := (n + c.reno.mss - 1) / c.reno.mss
	if packets >= 8 && c.snd.una.Less(e.reduced) {
		marks = packets - (packets-marks)&7 // it may have wrapped: the safest count (section 3.2.2.5.2)
	}
	e.told += uint32(marks)
	c.watch(marks, packets)
	return marks
}

// takeHandshakeACE takes from the ACK that ends the handshake how our SYN-ACK arrived
// (RFC 9768, table 4).
func (c *Conn) takeHandshakeACE(f wire.Flags) {
	switch f & wire.ECNFlags {
	case 0:
		c.notBelieved("the ACK of our SYN-ACK says nothing of how that arrived")
	case wire.ECT1.Arrival():
		c.ourSYNArrived(wire.ECT1)
	case wire.ECT0.Arrival():
		c.ourSYNArrived(wire.ECT0)
	case wire.CE.Arrival():
		c.ecn.told++
		c.ourSYNArrived(wire.CE)
	}
}

func (c *Conn) notBelieved(why string) {
	c.ecn.deaf = true
	c.mangled(why)
}

// watchedRounds is how many rounds at the beginning may come back with a mark on every
// packet. More than that no queue does (RFC 9768, section 3.2.2.3).
const watchedRounds = 4

// watch looks for marks on everything.
func (c *Conn) watch(marks, packets int) {
	e := c.ecn
	if packets == 0 || e.rounds > watchedRounds || !e.capable {
		return
	}
	e.unmarked = e.unmarked || marks < packets
	if c.snd.una.Less(e.roundEnd) {
		return
	}
	e.roundEnd, e.rounds = c.snd.nxt, e.rounds+1
	switch {
	case e.unmarked:
		e.rounds = watchedRounds + 1
	case e.rounds == watchedRounds:
		c.notBelieved("every packet is marked")
	}
}

// marksReduced reports whether the window was reduced for marks on what is in flight, so
// that a loss among the same is no reason for more (RFC 3168, section 6.1.2).
func (c *Conn) marksReduced() bool {
	return c.ecn != nil && !c.snd.loss.recovering && !c.repairing() && c.snd.una.LessEq(c.ecn.reduced)
}

// congested reduces the window for marks, once for all that was in flight (RFC 3168,
// section 6.1.2; RFC 9768, section 3.1.5).
func (c *Conn) congested(marks, flight int) {
	e := c.ecn
	if c.snd.una.LessEq(e.reduced) {
		return
	}
	e.reduced, e.answer = c.snd.nxt, e.mode == wire.ECNClassic
	switch {
	case c.repairing(): // the timeout has reduced it, unless that came too early
		c.snd.loss.frto.marked(c.reno.mss)
	case c.snd.loss.recovering: // which has reduced it already
	case flight == 0:
		c.reno.slowDown(c.reno.cwnd)
	default:
		c.reno.slowDown(min(flight, c.reno.cwnd))
	}
	emit(c, CongestionMarked{Marks: marks, SSThresh: c.reno.ssthresh})
}
