// What is known about each segment in flight.

package tcb

import (
	"sort"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A mark is something known about a segment in flight.
type mark uint8

const (
	isSacked mark = 1 << iota // acknowledged selectively
	isLost                    // presumed lost, and not retransmitted since
	isResent                  // retransmitted at least once
	isLate                    // lost because what was sent later has arrived
	isOld                     // was acknowledged selectively before a timeout, which forgot it
	isTimed                   // its acknowledgment measures the round trip
)

// A segment is one in flight: the last transmission of its octets. It begins
// where the one before it ends.
type segment struct {
	right wire.Seq
	marks mark
	sent  Instant
}

func (s *segment) is(m mark) bool { return s.marks&m != 0 }

// scoreboard holds the segments in flight in sequence order (RFC 6675, section
// 3; RFC 8985, section 5.2). It has memory only once something was sent.
type scoreboard struct {
	segs   []segment // from head on: those before it are acknowledged
	head   int32
	left   wire.Seq // where the first begins: SND.UNA
	sacked int32    // octets
	lost   int32    // octets
}

// splitRoom is by how many segments splitting may exceed the limit of a
// scoreboard, for runs that SACK blocks or retransmissions cut out of segments.
const splitRoom = 128

// boardLimit bounds how many segments may be in flight, so that many small ones
// do not take more memory than the send buffer.
func (c *Config) boardLimit() int { return splitRoom + c.SendBuffer/256 }

// list returns the segments in flight. It is valid until the next that is sent.
func (b *scoreboard) list() []segment { return b.segs[b.head:] }

// add appends a segment.
func (b *scoreboard) add(s segment) {
	if n := len(b.segs); n == cap(b.segs) && int(b.head) > n/2 {
		b.segs = b.segs[:copy(b.segs, b.segs[b.head:])]
		b.head = 0
	}
	b.segs = append(b.segs, s)
}

// clear empties the scoreboard, and keeps its memory.
func (b *scoreboard) clear(left wire.Seq) { *b = scoreboard{segs: b.segs[:0], left: left} }

// find returns which segment has the octet at seq.
func (b *scoreboard) find(seq wire.Seq) int {
	list := b.list()
	return sort.Search(len(list), func(i int) bool { return seq.Less(list[i].right) })
}

// start returns where the i-th segment begins.
func (b *scoreboard) start(i int) wire.Seq {
	if i == 0 {
		return b.left
	}
	return b.list()[i-1].right
}

// mark replaces the i-th segment's marks.
func (b *scoreboard) mark(i int, to mark) {
	s := &b.list()[i]
	n := int32(s.right.Minus(b.start(i)))
	b.count(s.marks, -n)
	b.count(to, n)
	s.marks = to
}

func (b *scoreboard) count(m mark, n int32) {
	if m&isSacked != 0 {
		b.sacked += n
	}
	if m&isLost != 0 {
		b.lost += n
	}
}

// split makes a segment begin at seq, and returns which: the one that has seq
// but begins before it becomes two. Without room for that it is left whole.
func (b *scoreboard) split(seq wire.Seq, limit int) (i int, ok bool) {
	i = b.find(seq)
	if i == len(b.list()) || b.start(i) == seq {
		return i, true
	}
	if len(b.list()) >= limit {
		return i, false
	}
	b.add(segment{})
	list := b.list()
	copy(list[i+1:], list[i:])
	list[i].right = seq
	list[i+1].marks &^= isTimed
	return i + 1, true
}

// transmitted notes that a run is sent, which begins in or right after what is
// in flight, and returns the marks that its octets had.
func (b *scoreboard) transmitted(run span, now Instant, limit int) (had mark) {
	i, _ := b.split(run.left, limit)
	if i == len(b.list()) {
		b.add(segment{right: run.right, sent: now})
		return 0
	}
	j, whole := b.split(run.right, limit)
	if !whole {
		j++ // all of a segment that cannot be split counts as sent
	}
	list := b.list()
	end := later(run.right, list[j-1].right)
	for k := i; k < j; k++ {
		had |= list[k].marks
		b.mark(k, 0)
	}
	list[i] = segment{right: end, marks: isResent, sent: now}
	b.segs = append(b.segs[:int(b.head)+i+1], list[j:]...)
	return had
}

// acked removes what is before una.
func (b *scoreboard) acked(una wire.Seq) {
	for _, s := range b.list() {
		if una.LessEq(b.left) {
			break
		}
		right := earlier(s.right, una)
		b.count(s.marks, -int32(right.Minus(b.left)))
		b.left = right
		if right == s.right {
			b.head++
		}
	}
	b.left = una
	if int(b.head) == len(b.segs) {
		b.clear(una)
	}
}

// hole returns the first run that is lost, empty if there is none.
func (b *scoreboard) hole() (run span) {
	if b.lost == 0 {
		return span{}
	}
	left := b.left
	for _, s := range b.list() {
		switch {
		case !s.is(isLost) && run.len() > 0:
			return run
		case s.is(isLost) && run.len() == 0:
			run = span{left, s.right}
		case s.is(isLost):
			run.right = s.right
		}
		left = s.right
	}
	return run
}

// forget takes the peer's selective acknowledgments back: it may have discarded
// what it had (RFC 2018, section 8).
func (b *scoreboard) forget() {
	if b.sacked == 0 {
		return
	}
	for i, s := range b.list() {
		if s.is(isSacked) {
			b.mark(i, s.marks&^isSacked|isOld)
		}
	}
}

// loseAll presumes that everything is lost.
func (b *scoreboard) loseAll() {
	b.forget()
	for i, s := range b.list() {
		b.mark(i, s.marks&^(isTimed|isLate)|isLost)
	}
}
