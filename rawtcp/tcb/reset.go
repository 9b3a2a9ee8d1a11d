package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// FillReset makes out the RST that answers a segment which belongs to no
// connection (RFC 9293, section 3.10.7.1), ports included, and reports whether
// there is one: a RST is never answered.
func FillReset(out, in *wire.Segment) bool {
	if in.Flags.Has(wire.RST) {
		return false
	}
	*out = wire.Segment{SrcPort: in.DstPort, DstPort: in.SrcPort, Flags: wire.RST}
	if in.Flags.Has(wire.ACK) {
		out.Seq = in.Ack
		return true
	}
	out.Flags |= wire.ACK
	out.Ack = in.End()
	return true
}

// reset makes <SEQ=seq><CTL=RST> due.
func (c *Conn) reset(seq wire.Seq, why string) {
	c.out.resetDue, c.out.resetSeq = true, seq
	emit(c, ResetSent{Seq: seq, Why: why})
}

// fillReset makes s the RST that is due. It carries the timestamps that were
// agreed (RFC 7323, section 3.2), of which the echo counts beside an ACK only.
func (c *Conn) fillReset(now Instant, s *wire.Segment) {
	s.Seq, s.Flags = c.out.resetSeq, wire.RST
	c.addTimestamps(now, s, 0)
	c.out.resetDue = false
	if c.state == SynSent {
		c.openAgain()
	}
}
