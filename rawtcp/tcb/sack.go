package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// dupThresh is how many signs of a loss make one (RFC 6675, section 2).
const dupThresh = 3

// recentRuns remembers which runs beyond a hole grew last, as one sequence
// number of each, the last first: RFC 2018, section 4, wants them reported in
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

// sackBlocks fills blocks with the runs to report, the latest first, and
// returns how many there are.
func (r *receiveSide) sackBlocks(blocks *[wire.MaxSACKBlocks]wire.SACKBlock) int {
	n := 0
	add := func(s span) {
		b := wire.SACKBlock{Left: s.left, Right: s.right}
		for _, have := range blocks[:n] {
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
		for _, s := range r.early {
			if s.left.LessEq(seq) && seq.Less(s.right) {
				add(s)
			}
		}
	}
	for _, s := range r.early {
		add(s)
	}
	return n
}

// addSACK adds the SACK option where there is a hole to report, and room.
func (c *Conn) addSACK(s *wire.Segment) {
	most := c.mostBlocks()
	if most == 0 {
		return
	}
	var blocks [wire.MaxSACKBlocks]wire.SACKBlock
	n := min(c.rcv.sackBlocks(&blocks), most)
	s.Options.Add(wire.OptNOP)
	s.Options.Add(wire.OptNOP)
	s.Options.AddSACK(blocks[:n]...)
}

// mostBlocks is how many blocks addSACK adds. Beside them and the timestamps
// (RFC 2018, section 3) the path takes at least one octet more.
func (c *Conn) mostBlocks() int {
	if !c.sack {
		return 0
	}
	most, room := wire.MaxSACKBlocks, min(c.snd.mss, c.path.most)-4-1
	if c.ts.on {
		most, room = most-1, room-timestampsLen
	}
	return max(0, min(len(c.rcv.early), most, room/8))
}

// sackLen is how many octets addSACK adds.
func (c *Conn) sackLen() int {
	if n := c.mostBlocks(); n > 0 {
		return 4 + 8*n
	}
	return 0
}

// takeSACK marks what a segment acknowledges selectively, and returns how many
// octets of that are news. Blocks of what is not in flight, duplicates (RFC
// 2883) among them, are passed over.
func (c *Conn) takeSACK(s *wire.Segment) int {
	if !c.sack {
		return 0
	}
	l := &c.snd.loss
	blocks, n := s.Options.SACK()
	news := 0
	for _, b := range blocks[:n] {
		if b.Left.Less(later(s.Ack, c.snd.una)) || b.Right.LessEq(b.Left) || c.snd.nxt.Less(b.Right) {
			continue
		}
		known := l.sacked.within(b.Left, b.Right)
		if l.sacked.add(span{b.Left, b.Right}, mostEarly) {
			news += b.Right.Minus(b.Left) - known
		}
	}
	return news
}

// lossEdge is where that begins which may still be under way: what is before
// it, and not in the set, is lost by RFC 6675's IsLost, as three runs or more
// than two segments have been acknowledged above it.
func (p spans) lossEdge(una wire.Seq, mss int) wire.Seq {
	octets := 0
	for i := len(p) - 1; i >= 0; i-- {
		octets += p[i].len()
		if len(p)-i >= dupThresh || octets > (dupThresh-1)*mss {
			return p[i].left
		}
	}
	return una
}
