// Places the octets of a capture in their stream. A capture is not what a
// receiver sees: it may begin in the middle, lack packets that arrived, hold
// packets that never did, and hold others twice or out of order. So octets are
// placed relative to the furthest that went by, and a damaged segment counts
// once the peer acknowledges it.

package transcript

import (
	"slices"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// captured is what is also known of a direction in a capture.
type captured struct {
	high  int64 // end of the octets that went by, with or without holes
	acked int64 // the peer has everything before this offset

	damaged []Span // spans of damaged segments that were not acknowledged yet
	badSYN  bool   // the SYN is damaged and was not acknowledged yet
	trusted int    // how often the peer acknowledged damaged segments

	rival     wire.Seq // another initial sequence number, from a later SYN
	haveRival bool
}

const (
	// maxDamaged bounds the damaged runs of octets that are remembered.
	maxDamaged = 64
	// enoughTrust is how often a peer must acknowledge damaged segments before
	// the checksums of a direction are ignored. A SYN is enough.
	enoughTrust = 2
)

// Trusts reports whether the checksums of a direction are ignored, since its
// peer acknowledges segments with wrong ones.
func (r *Recorder) Trusts(dir Dir) bool { return r.halves[dir].captured.trusted >= enoughTrust }

// Acknowledged is how much of a direction's stream its peer has acknowledged.
func (r *Recorder) Acknowledged(dir Dir) int64 { return r.halves[dir].captured.acked }

// follow places a captured segment in its direction's stream.
func (r *Recorder) follow(f *Frame, own, other *half) {
	s := f.Segment
	damaged := f.BadChecksum && !r.Trusts(f.Dir)
	if !damaged || !own.known {
		own.learn(s, other)
		own.guess(s.Seq)
	}
	r.restart(f, own, other)
	if s.Flags.Has(wire.ACK) && !s.Flags.Has(wire.RST) {
		if !damaged || !other.known {
			other.guess(s.Ack)
		}
		other.acknowledge(s.Ack, damaged)
	}
	own.sight(f, damaged)
	if !f.Twice {
		r.latest[f.Dir] = f
		r.measure(f)
	}
}

// restart resets a direction's numbers if a second SYN had others and the
// segment follows or acknowledges those.
func (r *Recorder) restart(f *Frame, own, other *half) {
	s := f.Segment
	if s.Flags.Has(wire.SYN) && own.firm && s.Seq != own.isn {
		own.captured.rival, own.captured.haveRival = s.Seq, true
	}
	if c := &other.captured; c.haveRival && s.Flags.Has(wire.ACK) && s.Ack == c.rival.Add(1) {
		r.begin(f, 1-f.Dir)
	}
	if c := &own.captured; c.haveRival && !s.Flags.Has(wire.SYN) && s.Seq == c.rival.Add(1) {
		r.begin(f, f.Dir)
	}
}

// begin switches to the other initial sequence number of a direction in which
// no octets have gone by.
func (r *Recorder) begin(f *Frame, dir Dir) {
	h := &r.halves[dir]
	if len(h.seen) > 0 {
		return
	}
	*h = half{isn: h.captured.rival, known: true, firm: true, syns: 1}
	side := "client"
	if dir == In {
		side = "server"
	}
	r.decide(f.At, Local, TCP, f, &Decision{Name: "restarted", Text: "the " + side +
		"'s sequence numbers begin anew: it sent another SYN with another one, and that is the one that counts from here on"})
}

// place is seq's offset in the byte stream, near the octets that came last.
func (h *half) place(seq wire.Seq) int64 {
	high := h.captured.high
	return high + int64(seq.Minus(h.isn.Add(1)+wire.Seq(uint32(high))))
}

// acknowledge takes note of what the peer has. A number in a damaged segment is
// believed if it is plausible.
func (h *half) acknowledge(ack wire.Seq, damaged bool) {
	c := &h.captured
	end := h.place(ack)
	if damaged && end != 0 && end != c.high && !slices.ContainsFunc(c.damaged, func(s Span) bool { return s.End == end }) {
		return
	}
	if end < 0 || end-c.high > maxAhead {
		return
	}
	if c.badSYN {
		c.badSYN, c.trusted = false, c.trusted+enoughTrust
	}
	c.acked = max(c.acked, end)
	c.damaged = slices.DeleteFunc(c.damaged, func(s Span) bool {
		if s.End > c.acked {
			return false
		}
		if !h.covers(s) { // otherwise it was retransmitted undamaged
			c.trusted++
			h.sawSpan(s)
		}
		return true
	})
}

// sight notes that f's segment went by, and marks what is new in it.
func (h *half) sight(f *Frame, damaged bool) {
	s, c := f.Segment, &h.captured
	start, ok := h.firstOctet(s)
	if !ok {
		return
	}
	repeated := false
	if s.Flags.Has(wire.SYN) {
		c.badSYN = f.BadChecksum && (h.syns == 0 || c.badSYN) && c.acked == 0
		if !f.Twice {
			h.syns++
		}
		repeated = h.syns > 1
	}
	off := h.place(start)
	f.Stream = Span{off, off + int64(len(s.Payload))}
	switch {
	case off-c.high > maxAhead || c.high-off > maxAhead:
		return
	case f.Twice:
		if !f.BadChecksum && f.Stream.Len() > 0 {
			h.sawSpan(f.Stream)
		}
		return
	case damaged:
		if f.Stream.Len() > 0 && !h.covers(f.Stream) && len(c.damaged) < maxDamaged {
			c.damaged = append(c.damaged, f.Stream)
		}
		return
	}
	if f.Stream.Len() > 0 {
		f.Gap = max(0, off-c.high)
		f.OutOfOrder = off < c.high && !h.covers(Span{off, min(f.Stream.End, c.high)})
		repeated = !h.sawSpan(f.Stream)
	}
	f.Retransmission = h.repeats(f, repeated)
}

// covers reports whether all octets of a span have gone by.
func (h *half) covers(s Span) bool {
	i, _ := slices.BinarySearchFunc(h.seen, s.Start, func(have Span, at int64) int {
		if have.End <= at {
			return -1
		}
		return 1
	})
	return i < len(h.seen) && h.seen[i].Start <= s.Start && s.End <= h.seen[i].End
}

// sawSpan notes octets, and reports whether any of them are new. If there are
// too many holes, the oldest is given up.
func (h *half) sawSpan(s Span) bool {
	if len(h.seen) == maxSpans {
		h.seen[1].Start = h.seen[0].Start
		h.seen = h.seen[1:]
	}
	h.captured.high = max(h.captured.high, s.End)
	return h.add(s)
}
