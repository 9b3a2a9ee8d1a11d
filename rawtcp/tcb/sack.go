// Selective acknowledgments, sent and taken.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// dupThresh is how many duplicate ACKs or SACKed segments show a loss (RFC
// 6675, section 2).
const dupThresh = 3

// recentRuns remembers which runs beyond a hole grew last, by one sequence
// number of each, the latest first: RFC 2018, section 4, asks to report them in
// that order.
type recentRuns struct {
	seq [wire.MaxSACKBlocks]wire.Seq
	n   int
}

// note puts a number first.
func (r *recentRuns) note(seq wire.Seq) {
	r.n = min(r.n+1, len(r.seq))
	copy(r.seq[1:r.n], r.seq[:r.n-1])
	r.seq[0] = seq
}

// sackBlocks fills blocks with the runs to report, what arrived again first and
// then the latest, and returns how many there are.
func (r *receiveSide) sackBlocks(blocks *[wire.MaxSACKBlocks]wire.SACKBlock, again span) int {
	n, first := 0, 0     // of the runs
	if again.len() > 0 { // RFC 2883, section 4
		blocks[0] = wire.SACKBlock{Left: again.left, Right: again.right}
		n, first = 1, 1
	}
	add := func(s span) {
		b := wire.SACKBlock{Left: s.left, Right: s.right}
		for _, have := range blocks[first:n] {
			if have == b {
				return
			}
		}
		if n < len(blocks) {
			blocks[n] = b
			n++
		}
	}
	for _, seq := range r.recent.seq[:r.recent.n] {
		for _, s := range r.outOfOrder {
			if s.left.LessEq(seq) && seq.Less(s.right) {
				add(s)
			}
		}
	}
	for _, s := range r.outOfOrder {
		add(s)
	}
	return n
}

// arrivedAgain notes which octets of a segment from left to right had arrived
// before, for a DSACK: those below RCV.NXT, or all if they lie within one run
// beyond it.
func (c *Conn) arrivedAgain(left, right wire.Seq) {
	r := &c.rcv
	switch n := right.Minus(left); {
	case n <= 0 || !c.sack || left.Less(r.nxt.Add(-c.cfg.ReceiveBuffer)):
	case left.Less(r.nxt):
		c.out.duplicate = span{left, earlier(right, r.nxt)}
	case r.outOfOrder.within(left, right) == n:
		c.out.duplicate = span{left, right}
	}
}

// addSACK adds the SACK option if there is a hole or a duplicate to report, and
// room.
func (c *Conn) addSACK(s *wire.Segment) {
	limit := c.maxBlocks()
	if limit == 0 {
		return
	}
	var blocks [wire.MaxSACKBlocks]wire.SACKBlock
	n := min(c.rcv.sackBlocks(&blocks, c.out.duplicate), limit)
	s.Options.Add(wire.OptNOP)
	s.Options.Add(wire.OptNOP)
	s.Options.AddSACK(blocks[:n]...)
}

// maxBlocks returns how many blocks addSACK adds. Besides them and the
// timestamps (RFC 2018, section 3) at least one more octet must fit the path.
func (c *Conn) maxBlocks() int {
	if !c.sack {
		return 0
	}
	runs := len(c.rcv.outOfOrder)
	if c.out.duplicate.len() > 0 {
		runs++
	}
	limit, room := wire.MaxSACKBlocks, min(c.snd.mss, c.path.maxSegment)-4-1
	if c.ts.on {
		limit, room = limit-1, room-timestampsLen
	}
	return max(0, min(runs, limit, room/8))
}

// sackLen returns how many octets addSACK adds.
func (c *Conn) sackLen() int {
	if n := c.maxBlocks(); n > 0 {
		return 4 + 8*n
	}
	return 0
}

// takeSACK marks what a segment acknowledges selectively. Blocks that are not in
// flight are ignored; the first may be a DSACK, which it reports.
func (c *Conn) takeSACK(now Instant, s *wire.Segment) (dsack bool) {
	if !c.sack {
		return false
	}
	blocks, n := s.Options.SACK()
	dsack = isDSACK(s.Ack, blocks[:n]) && c.oldestAck().LessEq(blocks[0].Left)
	if dsack {
		c.sawDSACK()
	}
	for _, b := range blocks[:n] {
		if b.Left.LessEq(later(s.Ack, c.snd.una)) || b.Right.LessEq(b.Left) || c.snd.nxt.Less(b.Right) {
			continue
		}
		c.takeBlock(now, s, span{b.Left, b.Right})
	}
	return dsack
}

// isDSACK reports whether the first block says that what it covers had arrived
// before: it is below the acknowledgment, or within the second (RFC 2883,
// section 4).
func isDSACK(ack wire.Seq, blocks []wire.SACKBlock) bool {
	switch {
	case len(blocks) == 0 || blocks[0].Right.LessEq(blocks[0].Left):
		return false
	case blocks[0].Left.Less(ack):
		return blocks[0].Right.LessEq(ack)
	}
	return len(blocks) > 1 && blocks[1].Left.LessEq(blocks[0].Left) && blocks[0].Right.LessEq(blocks[1].Right)
}

// takeBlock marks the segments in a run that has arrived. One that only begins
// or ends in it is split.
func (c *Conn) takeBlock(now Instant, s *wire.Segment, run span) {
	b, limit := &c.snd.loss.board, c.cfg.boardLimit()+splitRoom
	i, whole := b.split(run.left, limit)
	if !whole {
		i++ // no room: this segment does not count as arrived
	}
	j, _ := b.split(run.right, limit)
	for ; i < j; i++ {
		seg := b.list()[i]
		if seg.is(isSacked) {
			continue
		}
		b.mark(i, seg.marks&^(isLost|isLate|isTimed|isOld)|isSacked)
		c.arrived(now, s, &seg)
	}
}
