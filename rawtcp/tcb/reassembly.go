// Octets that arrive, put in order.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// maxOutOfOrder bounds the separate runs of octets that are kept beyond a hole, so
// that single octets far apart cost a peer more than they cost us.
const maxOutOfOrder = 128

// takeOctets keeps the octets of a segment's payload, which begins at seq, that
// are new and within the window. What arrived first stays: a retransmission
// cannot change it.
func (c *Conn) takeOctets(s *wire.Segment, seq wire.Seq) {
	r := &c.rcv
	c.arrivedAgain(seq, seq.Add(len(s.Payload)))
	run := span{later(seq, r.nxt), earlier(seq.Add(len(s.Payload)), r.edge)}
	if r.fin {
		run.right = earlier(run.right, r.finSeq)
	}
	if run.right.LessEq(run.left) {
		return
	}
	payload := s.Payload[run.left.Minus(seq):run.right.Minus(seq)]
	if run.left == r.nxt && len(r.outOfOrder) == 0 {
		r.buf.grow(r.ready+len(payload), c.cfg.ReceiveBuffer, c.cfg.Pool)
		r.ready += copy(r.buf.bytes()[r.ready:], payload)
		r.nxt = run.right
		return
	}
	if c.keepOutOfOrder(run, payload) && r.outOfOrder[0].left == r.nxt {
		n := r.outOfOrder[0].len()
		r.nxt, r.ready = r.nxt.Add(n), r.ready+n
		r.outOfOrder.cut(r.nxt)
	}
}

// keepOutOfOrder stores octets at their place in the out-of-order queue (RFC 9293,
// section 3.10.7.4, SHLD-31).
func (c *Conn) keepOutOfOrder(run span, payload []byte) bool {
	r := &c.rcv
	at := func(seq wire.Seq) int { return r.ready + seq.Minus(r.nxt) }
	r.buf.grow(at(run.right), c.cfg.ReceiveBuffer, c.cfg.Pool)
	for from := run.left; ; {
		gap := r.outOfOrder.gapAt(from, run.right)
		if gap.len() == 0 {
			break
		}
		copy(r.buf.bytes()[at(gap.left):at(gap.right)], payload[gap.left.Minus(run.left):])
		from = gap.right
	}
	if !r.outOfOrder.add(run, maxOutOfOrder) {
		emit(c, SegmentDropped{Seq: run.left, Len: run.len(), Why: "too many holes before it"})
		return false
	}
	if r.nxt.Less(run.left) {
		r.recent.note(run.left)
		emit(c, OutOfOrder{Seq: run.left, Len: run.len(), Expected: r.nxt})
	}
	return true
}

// noteFIN remembers a FIN with sequence number at, even if octets before it are
// still missing. Only the first one counts, and only if no octets have arrived
// beyond it.
func (c *Conn) noteFIN(at wire.Seq) {
	r := &c.rcv
	if r.fin || at.Less(r.nxt) || r.edge.Less(at) {
		return
	}
	if n := len(r.outOfOrder); n > 0 && at.Less(r.outOfOrder[n-1].right) {
		return
	}
	r.fin, r.finSeq = true, at
}
