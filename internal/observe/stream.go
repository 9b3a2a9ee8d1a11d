// Puts the octets of one direction in order.

package observe

import (
	"slices"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// maxHeld bounds what waits beyond a hole in one direction, in bytes of
	// frames.
	maxHeld = 1 << 20
	// chunkCost is what a chunk costs besides its octets, in memory and in the
	// time to insert another before it, which a peer can make happen to all of
	// them.
	chunkCost = 256
	// patience is how many frames may follow after the peer has acknowledged a
	// hole, before the hole is taken to be missing from the capture: packets
	// from two taps come out of order.
	patience = 8
)

// A stream puts one direction's octets in order.
type stream struct {
	begun   bool
	next    int64   // offset of the octet to deliver next
	waiting []chunk // by offset, all at or beyond next, without overlaps
	held    int
	acked   int64 // the peer has everything before this offset
	waited  int   // frames since the peer acknowledged the hole
	lost    bool  // the hole at next will not be filled
	snapped bool  // frames are cut off, and leave holes that nothing fills

	early    int // frames since a chunk began to wait for what it acknowledges
	refusals int // how often that was in vain

	trusts      bool // a wrong checksum means nothing here
	unconfirmed int  // frames since a damaged chunk began to wait for its acknowledgment
	answered    bool // the capture holds acknowledgments of this direction
	past        past
	conflict    *conflict // found in the last segment
}

// A chunk is a run of octets.
type chunk struct {
	start   int64
	data    []byte
	missing int64 // of a gap: how many octets
	damaged bool  // the checksum is wrong
	ack     int64 // how much of the other direction its sender had received
	frame   *transcript.Frame
}

func (c chunk) end() int64 { return c.start + int64(len(c.data)) }

// cost is what it takes to hold a chunk: its whole frame, however little of
// that is new.
func (c chunk) cost() int { return chunkCost + len(c.frame.Raw) }

// arrive takes what is new in a frame's payload. The octets stay in the frame.
func (s *stream) arrive(f *transcript.Frame) {
	data, start := f.Payload(), f.Stream.Start
	s.snapped = s.snapped || len(data) < len(f.Segment.Payload)
	if len(data) == 0 {
		return
	}
	if !s.begun {
		s.begun = true
		if start > 0 || !f.Segment.Flags.Has(wire.SYN) {
			s.next = max(0, min(start, s.next))
		}
	}
	c := chunk{start: start, data: data, frame: f, damaged: f.BadChecksum}
	if f.Segment.Flags.Has(wire.ACK) {
		c.ack = int64(f.Ack) - 1
	}
	s.insert(c)
}

// insert keeps the parts of a chunk that are not there yet.
func (s *stream) insert(c chunk) {
	s.compare(c)
	if !c.damaged {
		s.mend(c)
	}
	if c.start < s.next {
		if c.end() <= s.next {
			return
		}
		c.data, c.start = c.data[s.next-c.start:], s.next
	}
	i := firstBeyond(s.waiting, c.start)
	for ; i < len(s.waiting) && len(c.data) > 0; i++ {
		w := s.waiting[i]
		if c.end() <= w.start {
			break
		}
		if c.start < w.start { // the part before w is new
			s.put(i, chunk{start: c.start, data: c.data[:w.start-c.start], damaged: c.damaged, ack: c.ack, frame: c.frame})
			i++
		}
		if c.end() <= w.end() {
			return
		}
		c.data, c.start = c.data[w.end()-c.start:], w.end()
	}
	s.put(i, c)
}

func (s *stream) put(i int, c chunk) {
	s.waiting = slices.Insert(s.waiting, i, c)
	if s.held += c.cost(); s.held > maxHeld {
		s.lost = true
	}
}

// maxRefusals is how often a stream waits in vain for the other one before it
// is taken to be alone in the capture.
const maxRefusals = 4

// tooEarly reports whether a chunk acknowledges octets of the other stream that
// have not come yet. Then frames are out of order, and the question must be
// read before the answer. A FIN counts as one octet that never comes.
func (s *stream) tooEarly(c chunk, other *stream) bool {
	if c.ack-1 <= other.next || other.snapped || s.refusals == maxRefusals {
		return false
	}
	if s.lost || s.early > patience {
		s.refusals++
		return false
	}
	return true
}

// take returns the next octets in order, or a gap that nothing will fill.
func (s *stream) take(other *stream) (chunk, bool) {
	if len(s.waiting) == 0 {
		return chunk{}, false
	}
	first := s.waiting[0]
	if first.start > s.next {
		if !s.lost && !s.snapped {
			return chunk{}, false
		}
		gap := chunk{start: s.next, missing: first.start - s.next}
		s.next = first.start
		s.lost = s.held > maxHeld
		return gap, true
	}
	if s.tooEarly(first, other) || s.toBeConfirmed(first) {
		return chunk{}, false
	}
	s.early, s.unconfirmed = 0, 0
	s.past.add(first)
	s.waiting = s.waiting[1:]
	s.held -= first.cost()
	s.next = first.end()
	s.waited = 0
	return first, true
}

// giveUp treats every hole as missing from the capture.
func (s *stream) giveUp() { s.lost, s.held = true, max(s.held, maxHeld+1) }

// acknowledged notes what f acknowledges of the other direction, and whether a
// hole there has waited long enough.
func (c *Connection) acknowledged(f *transcript.Frame) {
	c.streams[1-f.Dir].answered = c.streams[1-f.Dir].answered || f.Segment.Flags.Has(wire.ACK)
	for dir := range c.streams {
		s := &c.streams[dir]
		s.acked = max(s.acked, c.recorder.Acknowledged(transcript.Dir(dir)))
		s.trusts = c.recorder.Trusts(transcript.Dir(dir))
		if len(s.waiting) > 0 && s.waiting[0].damaged {
			s.unconfirmed++
		}
		if len(s.waiting) > 0 && s.waiting[0].start == s.next {
			s.early++
		}
		if len(s.waiting) > 0 && s.waiting[0].start > s.next && s.acked > s.next {
			if s.waited++; s.waited > patience {
				s.lost = true
			}
		}
	}
}
