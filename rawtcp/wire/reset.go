// The RST that answers a segment of no connection.

package wire

// ResetOf makes s the RST that answers a segment which belongs to no connection
// (RFC 9293, sections 3.5.2 and 3.10.7.1), ports included, and reports whether there
// is one: a RST is never answered.
func (s *Segment) ResetOf(stray *Segment) bool {
	if stray.Flags.Has(RST) {
		return false
	}
	*s = Segment{SrcPort: stray.DstPort, DstPort: stray.SrcPort, Flags: RST}
	if stray.Flags.Has(ACK) {
		s.Seq = stray.Ack
		return true
	}
	s.Flags |= ACK
	s.Ack = stray.End()
	return true
}
