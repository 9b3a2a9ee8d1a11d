// What a diagnosis keeps of TCP's segments.

package goal

import (
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// segments is what happened below TLS.
type segments struct {
	syn      mark
	syns     int
	synACK   mark   // one that acknowledges the client's SYN
	optional bool   // the client's SYN has options
	bare     string // what that SYN-ACK lacks: see BareSYNACK
	prompted mark   // where the client first sent what has an answer of every host
	behind   bool   // something came behind the SYN-ACK that only a host sends
	odd      mark   // the first answer to a SYN that does not answer it
	oddText  string
	opened   mark // the client acknowledged the SYN-ACK, or the server went on
	fin, rst [2]mark
	rstText  [2]string // data on the RST (RFC 9293, section 3.5.3)
	kernel   mark      // a RST of the local kernel's
	icmp     mark
	icmpText string

	payload  [2]mark // the last segment with data
	octets   [2]int64
	acked    int64 // of the client's octets, by the server
	repeated int   // segments that the client sent again
	repeatAt mark
	dropped  []drop
	end      time.Duration // when the last segment went by
	zero     bool          // the server's window is closed
}

// A drop is a reason why segments were dropped, with the first of them.
type drop struct {
	reason string
	mark
	count int
}

// maxDrops bounds the reasons that are kept.
const maxDrops = 8

func (s *Story) segment(e *transcript.Entry) {
	f := e.Frame
	m := markOf(e)
	if f.KernelSent {
		if f.Segment.Flags.Has(wire.RST) && !s.kernel.set {
			s.kernel = m
		}
		return
	}
	if f.BadChecksum && !s.captured { // a capture does not tell what a receiver made of it
		s.drop("its checksum is wrong", m)
		return
	}
	s.end = e.At
	if s.port = f.Segment.DstPort; f.Dir == transcript.In {
		s.port = f.Segment.SrcPort
	}
	flags := f.Segment.Flags
	switch {
	case flags.Has(wire.RST):
		s.reset(f, m)
		return
	case flags.Has(wire.SYN) && !flags.Has(wire.ACK) && f.Dir == transcript.Out:
		s.syns++
		if !s.syn.set {
			s.syn, s.optional = m, !f.Segment.Options.IsZero()
		}
		return
	case flags.Has(wire.SYN|wire.ACK) && f.Dir == transcript.In:
		s.answered(f, m)
		return
	case flags.Has(wire.SYN) && !flags.Has(wire.ACK): // both open at once (RFC 9293, section 3.5)
		return
	case f.Dir == transcript.In && s.syn.set && !s.synACK.set && !s.opened.set:
		s.strange(m, "a segment with "+f.Segment.Flags.String()+" in the place of a SYN-ACK")
		return
	}
	if !s.opened.set {
		s.opened = m
	}
	s.flow(f, m)
}

// answered takes note of a SYN-ACK. One that acknowledges something other than
// the SYN opens nothing (RFC 9293, section 3.10.7.3).
func (s *Story) answered(f *transcript.Frame, m mark) {
	switch {
	case s.syn.set && f.Ack != 1:
		s.strange(m, "a SYN-ACK that acknowledges what was never sent")
	case !s.synACK.set:
		s.synACK = m
		if s.optional {
			s.bare = BareSYNACK(f.Segment.Window, &f.Segment.Options)
		}
	}
}

func (s *Story) strange(m mark, text string) {
	if !s.odd.set {
		s.odd, s.oddText = m, text
	}
}

func (s *Story) reset(f *transcript.Frame, m mark) {
	if s.rst[f.Dir].set {
		return
	}
	s.rst[f.Dir] = m
	if p := f.Payload(); len(p) > 0 {
		s.rstText[f.Dir] = string(p[:min(len(p), maxText)])
	}
}

// maxText bounds the text from a peer that a reason quotes, in bytes.
const maxText = 120

// flow takes note of data, acknowledgments and FINs.
func (s *Story) flow(f *transcript.Frame, m mark) {
	s.follows(f, m)
	if n := f.Stream.Len(); n > 0 {
		s.payload[f.Dir] = m
		s.octets[f.Dir] = max(s.octets[f.Dir], f.Stream.End)
	}
	if f.Retransmission && f.Dir == transcript.Out {
		if s.repeated++; !s.repeatAt.set {
			s.repeatAt = m
		}
	}
	if f.Dir == transcript.In {
		s.zero = f.Segment.Window == 0
		if f.Segment.Flags.Has(wire.ACK) && f.Ack > 0 {
			s.acked = max(s.acked, int64(f.Ack)-1)
		}
	}
	if f.Segment.Flags.Has(wire.FIN) && !s.fin[f.Dir].set {
		s.fin[f.Dir] = m
	}
}

func (s *Story) drop(reason string, m mark) {
	for i := range s.dropped {
		if s.dropped[i].reason == reason {
			s.dropped[i].count++
			return
		}
	}
	if len(s.dropped) < maxDrops {
		s.dropped = append(s.dropped, drop{reason, m, 1})
	}
}

// event takes note of what one of our machines decided.
func (s *Story) event(e *transcript.Entry, event any) {
	if d, ok := event.(tcb.SegmentDropped); ok {
		s.drop(d.Why, markOf(e))
	}
	s.tlsEvent(event)
}
