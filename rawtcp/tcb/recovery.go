// Losses told by duplicate ACKs or SACK, and their repair.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// A cause is why we retransmit something.
type cause uint8

const (
	becauseUnknown cause = iota
	becauseRTO
	becauseDupAcks
	becauseSACK
	becauseLater
	becausePartial
	becauseWindow
	becausePathMTU
	becauseReset
)

var causes = [...]string{"", "no acknowledgment within the RTO", "three duplicate ACKs", "SACK blocks above it",
	"what was sent after it has arrived", "an ACK of only a part of what was in flight",
	"the window is open again", "the path takes smaller segments only", "our RST has cleared the way for it"}

func (c cause) String() string { return causes[c] }

// duplicate reports whether an acknowledgment is a duplicate in the sense of
// RFC 5681, section 2: a sign that a segment beyond a hole arrived.
func (c *Conn) duplicate(s *wire.Segment, wnd uint32) bool {
	return s.Ack == c.snd.una && c.snd.una.Less(c.snd.nxt) && s.Len() == 0 && wnd == c.snd.wnd && wnd > 0
}

// lossSigns takes what an acknowledgment says about losses: it is a duplicate,
// or newly acknowledges that many octets selectively. For the first two
// duplicates new octets may be sent (limited transmit, RFC 3042), because the
// pipe is that much emptier.
func (c *Conn) lossSigns(duplicate bool, news int) {
	l := &c.snd.loss
	repairing := !l.recovering && c.snd.una.Less(l.recoveryPoint) // a timeout
	switch {
	case repairing:
		return // which has already reduced cwnd
	case c.sack && news > 0:
		l.dupAcks++
	case !c.sack && duplicate:
		l.dupAcks = min(l.dupAcks+1, c.flight()/c.reno.mss+1)
		l.inflation = min(l.dupAcks*c.reno.mss, c.flight())
	default:
		return
	}
	edge := l.sacked.lossEdge(c.snd.una, c.reno.mss)
	switch {
	case l.recovering:
		l.lost = later(l.lost, edge)
	case l.dupAcks >= dupThresh || c.snd.una.Less(edge):
		c.fastRetransmit(edge)
	}
}

// fastRetransmit enters loss recovery: RFC 5681, section 3.2, RFC 6582,
// section 3.2, and with SACK RFC 6675, section 5.
func (c *Conn) fastRetransmit(edge wire.Seq) {
	l := &c.snd.loss
	c.reno.halve(c.flight())
	l.recovering, l.recoveryPoint = true, c.snd.nxt
	l.highRxt = c.snd.una
	l.resent, l.lostTwice = l.resent[:0], l.lostTwice[:0] // everything that is lost is retransmitted
	l.lost = later(edge, earlier(c.snd.una.Add(c.segmentSize()), c.snd.nxt))
	l.force = true
	l.why = becauseDupAcks
	if c.sack {
		l.why = becauseSACK
	}
	emit(c, FastRetransmit{Seq: c.snd.una, SSThresh: c.reno.ssthresh, SACK: c.sack})
}

// progress takes n newly acknowledged octets.
func (c *Conn) progress(n int) {
	l := &c.snd.loss
	l.advance(c.snd.una)
	switch {
	case !l.recovering:
		l.dupAcks, l.inflation = 0, 0
		l.recoveryPoint = later(l.recoveryPoint, c.snd.una)
		c.reno.acked(n)
	case l.recoveryPoint.LessEq(c.snd.una):
		l.recovering, l.dupAcks, l.inflation = false, 0, 0
		c.reno.recovered(c.flight())
	default:
		c.partialAck(n)
	}
}

// partialAck continues recovery after an acknowledgment of some, but not all,
// of what was in flight when it began (RFC 6582, section 3.2, step 3).
func (c *Conn) partialAck(n int) {
	l := &c.snd.loss
	if c.sack {
		l.lost = later(l.lost, l.sacked.lossEdge(c.snd.una, c.reno.mss))
		return
	}
	l.inflation = max(0, l.inflation-max(0, n-c.reno.mss))
	l.highRxt = c.snd.una
	l.lost = earlier(c.snd.una.Add(c.segmentSize()), c.snd.nxt)
	l.force = true
	l.why = becausePartial
}

// holesBelow returns the next run to retransmit that is not presumed lost yet,
// but is below what was selectively acknowledged: the third rule of RFC 6675's
// NextSeg, for when there is nothing better to send.
func (c *Conn) holesBelow() span {
	l := &c.snd.loss
	if n := len(l.sacked); l.recovering && n > 0 {
		return l.sacked.gapAt(l.highRxt, l.sacked[n-1].left)
	}
	return span{}
}

// flight returns FlightSize: how many octets are sent and not acknowledged.
func (c *Conn) flight() int { return c.snd.nxt.Minus(c.snd.una) }

// inNetwork returns how many of those are presumed to be still in the network
// (Pipe).
func (c *Conn) inNetwork() int { return c.snd.loss.pipe(c.snd.una, c.snd.nxt) }
