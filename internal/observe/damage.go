// Octets that came twice and differ: the first were damaged, or an attacker
// injected others. Which of them the receiver took shows in what it
// acknowledges.

package observe

import (
	"bytes"
	"fmt"
	"slices"
	"sort"

	"github.com/rawshake/rawshake/internal/transcript"
)

const (
	// pastChunks and pastBytes bound the delivered octets that are remembered,
	// to compare them with retransmissions.
	pastChunks = 64
	pastBytes  = 64 << 10
)

// past holds the chunks that were delivered last, in order.
type past struct {
	chunks []chunk
	bytes  int
}

func (p *past) add(c chunk) {
	p.chunks = append(p.chunks, c)
	p.bytes += c.cost()
	for len(p.chunks) > pastChunks || p.bytes > pastBytes && len(p.chunks) > 1 {
		p.bytes -= p.chunks[0].cost()
		p.chunks[0] = chunk{}
		p.chunks = p.chunks[1:]
	}
}

// A conflict is a place in the stream for which two frames have different
// octets.
type conflict struct {
	first, second  chunk
	start, end     int64
	acked, settled bool // acked before the second came; settled in favour of the second
}

// compare looks for octets that differ from those that came before.
func (s *stream) compare(c chunk) {
	s.conflict = nil
	for _, list := range [][]chunk{s.past.chunks, s.waiting} {
		for i := firstBeyond(list, c.start); i < len(list) && list[i].start < c.end(); i++ {
			w := list[i]
			start, end := max(c.start, w.start), min(c.end(), w.end())
			if w.frame == c.frame || bytes.Equal(c.data[start-c.start:end-c.start], w.data[start-w.start:end-w.start]) {
				continue
			}
			acked := s.acked >= end
			s.conflict = &conflict{first: w, second: c, start: start, end: end, acked: acked,
				settled: w.damaged && !c.damaged && !acked && start >= s.next}
			return
		}
	}
}

// firstBeyond is the index of the first chunk that ends beyond an offset.
func firstBeyond(list []chunk, at int64) int {
	return sort.Search(len(list), func(i int) bool { return list[i].end() > at })
}

// mend removes damaged octets that were not acknowledged, if c has them
// undamaged.
func (s *stream) mend(c chunk) {
	for i := firstBeyond(s.waiting, c.start); i < len(s.waiting) && s.waiting[i].start < c.end(); i++ {
		w := s.waiting[i]
		if !w.damaged || s.acked >= w.end() {
			continue
		}
		s.held -= w.cost()
		var rest []chunk
		if w.start < c.start {
			left := w
			left.data = w.data[:c.start-w.start]
			rest = append(rest, left)
		}
		if w.end() > c.end() {
			right := w
			right.data, right.start = w.data[c.end()-w.start:], c.end()
			rest = append(rest, right)
		}
		for _, r := range rest {
			s.held += r.cost()
		}
		s.waiting = slices.Replace(s.waiting, i, i+1, rest...)
		i += len(rest) - 1
	}
}

// toBeConfirmed reports whether a chunk is damaged and it is still open whether
// the receiver got it: by an acknowledgment it did, by a retransmission it did
// not.
func (s *stream) toBeConfirmed(c chunk) bool {
	if !c.damaged || s.trusts || s.acked >= c.end() || s.lost {
		return false
	}
	return s.answered || s.unconfirmed <= patience
}

// says tells which octets count, and why.
func (d *conflict) says(dir transcript.Dir) string {
	first, second := d.first.frame.Number, d.second.frame.Number
	text := fmt.Sprintf("frame %d holds other bytes than frame %d in the same place, from byte %d to %d of the %s's stream: ", second, first, d.start, d.end-1, sideOf(dir))
	peer := sideOf(1 - dir)
	switch {
	case d.settled:
		return text + fmt.Sprintf("those of frame %d count, since the checksum of frame %d is wrong and the %s had not acknowledged it", second, first, peer)
	case d.acked:
		return text + fmt.Sprintf("those of frame %d count, which the %s had acknowledged before", first, peer)
	case d.second.damaged:
		return text + fmt.Sprintf("those of frame %d count, since the checksum of frame %d is wrong", first, second)
	}
	return text + fmt.Sprintf("those of frame %d count, as with most receivers, which keep what came first; the %s had acknowledged neither, and so nothing here proves it", first, peer)
}

// damage counts the segments with a wrong checksum.
type damage struct{ segments int }

// damaged takes note of a segment's checksum, and of octets that differ from
// earlier ones.
func (c *Connection) damaged(f *transcript.Frame) {
	if f.BadChecksum {
		c.damage.segments++
	}
	if d := c.streams[f.Dir].conflict; d != nil && f.Stream.Len() > 0 {
		c.remark(f, transcript.TCP, "conflicting_bytes", d.says(f.Dir))
	}
	c.streams[f.Dir].conflict = nil
}

// sayDamage says at the end what became of segments with a wrong checksum.
func (c *Connection) sayDamage() {
	n := c.damage.segments
	if n == 0 {
		return
	}
	what := fmt.Sprintf("%d segments have a wrong checksum", n)
	if n == 1 {
		what = "1 segment has a wrong checksum"
	}
	switch trusts := c.recorder.Trusts(transcript.Out) || c.recorder.Trusts(transcript.In); {
	case c.strict:
		what += ", and were left out, as a receiver does: --checksums peer lets the peer's acknowledgments decide"
	case trusts:
		what += ", and the peer acknowledged them all the same: they were taken before a network card had filled it in, or the capture was rewritten"
	default:
		what += ": their bytes count where the peer acknowledged them before they came again"
	}
	c.remark(c.last, transcript.TCP, "wrong_checksums", what)
}
