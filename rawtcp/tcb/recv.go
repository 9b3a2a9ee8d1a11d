// A segment arrives (RFC 9293, section 3.10.7.4).

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// Receive takes one arrived segment, whose addresses, ports and checksum the
// caller has checked, and reports whether it was accepted. A refused segment
// changes nothing but the answer that is due, and the count of such answers.
// Nothing of s is kept. A segment may be due after it.
func (c *Conn) Receive(now Instant, s *wire.Segment) (accepted bool) {
	switch {
	case c.state == Closed, c.state == Listen:
		c.drop(s, "the connection is closed")
		return false
	case c.state == SynSent:
		return c.receiveSynSent(now, s)
	}
	return c.receiveSynchronized(now, s)
}

// receiveSynchronized follows RFC 9293, section 3.10.7.4, in its order. Nothing
// is taken from the segment before it has passed all checks (RFC 5961, section
// 5).
func (c *Conn) receiveSynchronized(now Instant, s *wire.Segment) (accepted bool) {
	if why := c.outside(s); why != "" {
		c.unacceptable(now, s, why)
		return false
	}
	switch {
	case s.Flags.Has(wire.RST):
		return c.receiveRST(now, s)
	case s.Flags.Has(wire.SYN) && !c.repeatsSYN(s):
		return c.receiveSYN(now, s)
	case c.oldTimestamp(now, s):
		c.drop(s, "its timestamp is older than the last") // PAWS
		c.challenge(now, "a segment's timestamp went back")
		return false
	case !s.Flags.Has(wire.ACK):
		c.refuseWithoutAck(now, s)
		return false
	case !c.acceptAck(now, s):
		return false
	}
	c.heard(now)
	c.noteTimestamp(now, s)
	c.noteMark(s)
	c.receiveAck(now, s)
	if !c.over {
		c.takeUrgent(s)
		c.receiveText(now, s)
	}
	return true
}

// outside says why no part of s is within the receive window, or returns "".
// The window is what was offered, whatever room there is now.
func (c *Conn) outside(s *wire.Segment) string {
	n, wnd := s.Len(), uint32(c.offered())
	switch {
	case s.Seq == c.rcv.nxt: // with a zero window RST and URG are still processed (MUST-66)
		return ""
	case n == 0 && s.Seq == c.rcv.edge:
		return "" // the peer has filled the window; two such would ACK each other for ever
	case wnd == 0:
		return "SEQ outside the window, which is closed"
	case s.Seq.InWindow(c.rcv.nxt, wnd):
		return ""
	case n > 0 && s.Seq.Less(c.rcv.nxt) && s.Seq.Add(n-1).InWindow(c.rcv.nxt, wnd):
		return ""
	case n > 0 && s.Seq.Less(c.rcv.nxt) && c.rcv.nxt.Less(s.End()):
		return "" // the segment covers the whole window
	case s.End().LessEq(c.rcv.nxt):
		return ArrivedBefore
	}
	return "SEQ outside the window"
}

// receiveRST takes a RST within the window, whatever data it has (RFC 9293,
// section 3.5.3, SHLD-2). It is believed only at RCV.NXT. Elsewhere it is
// answered with a challenge ACK, which a genuine sender answers with a RST at
// RCV.NXT (RFC 5961, section 3).
func (c *Conn) receiveRST(now Instant, s *wire.Segment) (accepted bool) {
	if s.Seq != c.rcv.nxt {
		c.drop(s, "RST within the window but not at RCV.NXT")
		c.challenge(now, "a RST arrived that is not at RCV.NXT")
		return false
	}
	emit(c, ResetReceived{State: c.state})
	c.end(c.resetError())
	return true
}

// repeatsSYN reports whether a SYN whose octets are within the window is itself
// before it. During the handshake the peer may send its SYN again, and what has
// already arrived of it is trimmed (RFC 9293, section 3.10.7.4).
func (c *Conn) repeatsSYN(s *wire.Segment) bool {
	return c.state == SynReceived && s.Seq.Less(c.rcv.nxt)
}

// receiveSYN takes a SYN other than the one that began the connection.
func (c *Conn) receiveSYN(now Instant, s *wire.Segment) (accepted bool) {
	if c.state == SynReceived && c.passive {
		c.drop(s, "another SYN within the window")
		c.end(nil) // back to LISTEN: the peer has started again
		return true
	}
	c.drop(s, "SYN on a connection that is already open")
	c.challenge(now, "a SYN arrived on an open connection") // RFC 5961, section 4
	return false
}

// refuseWithoutAck drops a segment without an ACK. A retransmitted SYN, with or
// without octets, is answered with our state.
func (c *Conn) refuseWithoutAck(now Instant, s *wire.Segment) {
	c.drop(s, "no ACK")
	if c.askedAgain(s) {
		return
	}
	if s.Flags.Has(wire.SYN) {
		c.challenge(now, "the peer's SYN came again")
	}
}

// receiveText takes a segment's octets and its FIN (seventh and eighth step).
func (c *Conn) receiveText(now Instant, s *wire.Segment) {
	if s.Len() == 0 || c.over {
		return
	}
	seq := s.Seq
	if s.Flags.Has(wire.SYN) {
		seq = seq.Add(1)
	}
	if c.rcv.finished {
		c.drop(s, "the peer has already sent its FIN")
		c.ackAtOnce()
		return
	}
	if c.readClosed && c.rcv.nxt.Less(seq.Add(len(s.Payload))) {
		c.refuseText(s)
		return
	}
	before, holes := c.rcv.nxt, len(c.rcv.outOfOrder) > 0
	c.takeOctets(s, seq)
	if s.Flags.Has(wire.FIN) {
		c.noteFIN(seq.Add(len(s.Payload)))
	}
	if c.rcv.fin && c.rcv.finSeq == c.rcv.nxt {
		c.rcv.nxt = c.rcv.nxt.Add(1)
		c.rcv.finished = true
		c.receivedFIN(now)
	}
	if holes || c.rcv.finished || c.rcv.nxt == before || seq != before {
		c.ackAtOnce() // for any segment that touches a hole (RFC 5681, section 4.2; RFC 9293, MAY-13)
	} else {
		c.ackSoon(now)
	}
}

// drop reports that a segment is not accepted.
func (c *Conn) drop(s *wire.Segment, why string) {
	emit(c, SegmentDropped{Seq: s.Seq, Len: s.Len(), Why: why})
}
