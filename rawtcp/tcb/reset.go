// Resets, also for segments that belong to no connection.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// reset makes <SEQ=seq><CTL=RST> due.
func (c *Conn) reset(seq wire.Seq, why string) {
	c.out.resetDue, c.out.resetSeq = true, seq
	emit(c, ResetSent{Seq: seq, Why: why})
}

// fillReset makes s the RST that is due. It carries timestamps if they were
// agreed (RFC 7323, section 3.2); the echo counts only beside an ACK.
func (c *Conn) fillReset(now Instant, s *wire.Segment) {
	s.Seq, s.Flags = c.out.resetSeq, wire.RST
	c.addTimestamps(now, s, 0)
	c.out.resetDue = false
	if c.state == SynSent {
		c.openAgain()
	}
}
