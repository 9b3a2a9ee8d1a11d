// Relative sequence numbers, and which octets were seen before.

package transcript

import (
	"slices"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// maxSpans bounds how many separate runs of octets are remembered for one
	// direction: enough for real reordering, too few for a peer to fill memory.
	maxSpans = 64
	// maxAhead is the largest possible window (RFC 7323, section 2.3). Anything
	// further ahead does not belong to this stream.
	maxAhead = 1 << 30
)

// half is one direction's sequence space.
type half struct {
	isn   wire.Seq
	known bool
	firm  bool // isn comes from a SYN of this connection

	seen  []Span // octets that went by, in order, not adjacent
	marks []mark // how far each frame advanced the stream
	syns  int    // how often the SYN at isn was seen
	fin   int64  // one more than the length of the stream, once a FIN has ended it; otherwise 0

	captured captured // what only captures need
}

// A mark says with which frame all octets before next were there.
type mark struct {
	next  int64
	frame *Frame
}

// maxMarks bounds the marks that are kept. What would need an older one gets
// the oldest.
const maxMarks = 4096

// advance notes how far f has advanced the stream.
func (h *half) advance(f *Frame) {
	next := h.next()
	if n := len(h.marks); n > 0 && h.marks[n-1].next >= next || next == 0 {
		return
	}
	if len(h.marks) == maxMarks {
		h.marks = slices.Delete(h.marks, 0, maxMarks/2)
	}
	h.marks = append(h.marks, mark{next, f})
}

// completed is the frame with which all octets before end were there. Ends come
// in order, so earlier marks are dropped.
func (h *half) completed(end int64) *Frame {
	i := 0
	for i < len(h.marks)-1 && h.marks[i].next < end {
		i++
	}
	if h.marks = h.marks[min(i, len(h.marks)):]; len(h.marks) == 0 {
		return nil
	}
	return h.marks[0].frame
}

// learn takes the initial sequence number from s. A SYN-ACK that acknowledges
// something other than our SYN does not belong to this connection.
func (h *half) learn(s *wire.Segment, other *half) {
	syn := s.Flags.Has(wire.SYN)
	switch {
	case h.firm:
	case syn && s.Flags.Has(wire.ACK):
		if !other.known || s.Ack == other.isn.Add(1) {
			h.isn, h.known, h.firm = s.Seq, true, true
		}
	case syn:
		h.isn, h.known, h.firm = s.Seq, true, !other.known
	case !h.known && len(s.Payload) > 0: // the beginning was not recorded
		h.isn, h.known = s.Seq.Add(-1), true
	}
}

// relative is seq relative to the initial sequence number.
func (h *half) relative(seq wire.Seq) uint32 {
	if !h.known {
		return uint32(seq)
	}
	return uint32(seq - h.isn)
}

// next is the offset of the first octet that has not gone by.
func (h *half) next() int64 {
	if len(h.seen) == 0 || h.seen[0].Start > 0 {
		return 0
	}
	return h.seen[0].End
}

// offset is seq's offset in the byte stream, near the octets that come next.
func (h *half) offset(seq wire.Seq) int64 {
	next := h.next()
	return next + int64(seq.Minus(h.isn.Add(1)+wire.Seq(uint32(next))))
}

// pass notes that f's segment went by and marks what is new in it.
func (h *half) pass(f *Frame) {
	s := f.Segment
	start, ok := h.firstOctet(s)
	if !ok {
		return
	}
	repeated := false
	if s.Flags.Has(wire.SYN) {
		h.syns++
		repeated = h.syns > 1
	}
	off := h.offset(start)
	f.Stream = Span{off, off + int64(len(s.Payload))}
	next := h.next()
	if off-next > maxAhead || next-off > maxAhead {
		return
	}
	if f.Stream.Len() > 0 {
		f.OutOfOrder = off > next
		repeated = !h.add(f.Stream)
	}
	f.Retransmission = h.repeats(f, repeated)
	f.OutOfOrder = f.OutOfOrder && !f.Retransmission
}

// firstOctet returns the sequence number of a segment's first octet, which comes
// after a SYN. It reports false where the SYN of this direction is another one, or
// not known.
func (h *half) firstOctet(s *wire.Segment) (wire.Seq, bool) {
	if !s.Flags.Has(wire.SYN) {
		return s.Seq, h.known
	}
	return s.Seq.Add(1), h.known && s.Seq == h.isn
}

// repeats notes the FIN of f's segment, and reports whether all of the segment was
// sent before. The caller says whether that is true of its octets.
func (h *half) repeats(f *Frame, octets bool) bool {
	if !f.Segment.Flags.Has(wire.FIN) {
		return octets
	}
	again := h.fin != 0 && h.fin == f.Stream.End+1
	h.fin = f.Stream.End + 1 // never 0
	return again && (octets || f.Segment.Len() == 1)
}

// add notes a run of octets, and reports whether any of it is new.
func (h *half) add(s Span) bool {
	i := 0
	for i < len(h.seen) && h.seen[i].End < s.Start {
		i++
	}
	j := i
	for j < len(h.seen) && h.seen[j].Start <= s.End {
		j++
	}
	if j == i+1 && h.seen[i].Start <= s.Start && s.End <= h.seen[i].End {
		return false
	}
	if j > i {
		s.Start = min(s.Start, h.seen[i].Start)
		s.End = max(s.End, h.seen[j-1].End)
	} else if len(h.seen) == maxSpans {
		return true
	}
	h.seen = slices.Replace(h.seen, i, j, s)
	return true
}
