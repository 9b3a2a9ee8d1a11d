// Urgent data (RFC 9293, section 3.8.5).

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// MarkUrgent marks everything written so far as urgent (RFC 9293, section
// 3.8.5). New protocols should not use it (SHLD-13).
func (c *Conn) MarkUrgent() {
	if c.snd.buf.len() > 0 {
		c.snd.urgent, c.snd.up = true, c.dataEnd()
	}
}

// Urgent returns how many octets are left to read, arrived or not, up to the
// end of the peer's urgent data; 0 if there is none (MUST-33). It may change in
// Receive and Discard.
func (c *Conn) Urgent() int {
	if !c.rcv.urgent {
		return 0
	}
	return max(0, c.rcv.up.Minus(c.rcv.nxt)+c.rcv.ready)
}

// addUrgent sets the urgent pointer on a segment before it (MUST-62: it points
// behind the last urgent octet). Urgent data may be of any length (MUST-31): a
// pointer too far for the field is sent once it is near enough.
func (c *Conn) addUrgent(s *wire.Segment) {
	if !c.snd.urgent {
		return
	}
	n := c.snd.up.Minus(s.Seq)
	if c.snd.up.LessEq(c.snd.una) {
		c.snd.urgent = false
		return
	}
	if n > 0 && n <= 0xffff && len(s.Payload) > 0 {
		s.Flags |= wire.URG
		s.Urgent = uint16(n)
	}
}

// takeUrgent is the sixth step (MUST-30): the pointer only moves forward, and
// the user is told at once (MUST-32). The octets stay in the stream.
func (c *Conn) takeUrgent(s *wire.Segment) {
	if !s.Flags.Has(wire.URG) || c.rcv.finished {
		return
	}
	up := s.Seq.Add(int(s.Urgent))
	if !c.rcv.nxt.Less(up) || c.rcv.urgent && up.LessEq(c.rcv.up) {
		return
	}
	c.rcv.urgent, c.rcv.up = true, up
	emit(c, UrgentData{Len: c.Urgent()})
}
