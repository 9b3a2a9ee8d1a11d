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

// lossSigns takes what an acknowledgment says about losses: RACK finds them, or
// without SACK three duplicates do. For the first two duplicates new octets may
// be sent (limited transmit, RFC 3042), because the pipe is that much emptier.
//
// It reports whether anything was found lost.
func (c *Conn) lossSigns(now Instant, duplicate bool) (found bool) {
	l := &c.snd.loss
	switch {
	case c.sack:
		return c.detectLosses(now)
	case duplicate && !c.repairing(): // a timeout has already reduced cwnd
		l.dupAcks = int32(min(int(l.dupAcks)+1, c.flight()/c.reno.mss+1))
		l.inflation = int32(min(int(l.dupAcks)*c.reno.mss, c.flight()))
		if l.dupAcks >= dupThresh && !l.recovering {
			c.loseFirst()
			c.fastRetransmit(now)
			return true
		}
	}
	return false
}

// loseFirst presumes that the first segment in flight is lost.
func (c *Conn) loseFirst() {
	b := &c.snd.loss.board
	b.split(c.snd.una.Add(c.segmentSize()), c.cfg.boardLimit()+splitRoom)
	if list := b.list(); len(list) > 0 {
		b.mark(0, list[0].marks|isLost)
	}
}

// fastRetransmit enters loss recovery: RFC 5681, section 3.2, RFC 6582,
// section 3.2, and with SACK RFC 6675, section 5.
func (c *Conn) fastRetransmit(now Instant) {
	l := &c.snd.loss
	window := c.reno.cwnd
	if l.recovering {
		window = c.reno.ssthresh
	}
	if c.marksReduced() {
		c.reno.cwnd = min(c.reno.cwnd, c.reno.ssthresh)
	} else {
		c.reno.halve(min(c.flight(), window))
	}
	l.recovering, l.recoveryPoint, l.reduced = true, c.snd.nxt, now
	l.force = true
	c.stopProbe()
	l.why = becauseDupAcks
	if c.sack {
		l.why = becauseSACK
		l.prr.begin(c.flight() - int(l.board.sacked))
	}
	emit(c, FastRetransmit{Seq: c.snd.una, SSThresh: c.reno.ssthresh, SACK: c.sack})
}

// progress takes n newly acknowledged octets.
func (c *Conn) progress(n int) {
	l := &c.snd.loss
	repairing := l.board.left.Less(l.recoveryPoint) && !l.recovering
	l.board.acked(c.snd.una)
	l.force = false
	l.rack.inRound = l.rack.inRound && c.snd.una.Less(l.rack.dsackRound)
	switch {
	case !l.recovering:
		l.dupAcks, l.inflation = 0, 0
		if repairing && l.recoveryPoint.LessEq(c.snd.una) {
			l.rack.recovered()
		}
		l.recoveryPoint = later(l.recoveryPoint, c.snd.una)
		c.reno.acked(n)
	case l.recoveryPoint.LessEq(c.snd.una):
		l.recovering, l.dupAcks, l.inflation = false, 0, 0
		l.rack.recovered()
		c.reno.recovered(c.flight())
	case !c.sack:
		c.partialAck(n)
	}
}

// partialAck continues recovery without SACK after an acknowledgment of some,
// but not all, of what was in flight when it began (RFC 6582, section 3.2, step
// 3).
func (c *Conn) partialAck(n int) {
	l := &c.snd.loss
	l.inflation = max(0, l.inflation-int32(max(0, n-c.reno.mss)))
	c.loseFirst()
	l.force = true
	l.why = becausePartial
}
