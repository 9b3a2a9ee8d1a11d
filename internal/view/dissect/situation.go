// Finds the packets that deserve an explanation of their own.

package dissect

import (
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// situations finds the packets that deserve an explanation of their own. The
// dictionary has entries for them: "TCP.acknowledgment_number @third".
type situations struct {
	third *transcript.Frame // the ACK that ends the three-way handshake
	syn   bool
	ack   bool
	from  transcript.Dir // the direction of the SYN
}

func (s *situations) segment(f *transcript.Frame) {
	flags := f.Segment.Flags
	switch {
	case f.Discarded() || s.third != nil:
	case flags.Has(wire.SYN | wire.ACK):
		s.ack = true
	case flags.Has(wire.SYN):
		s.syn, s.from = true, f.Dir
	case s.syn && s.ack && flags.Has(wire.ACK) && !flags.Any(wire.RST) && f.Dir == s.from && f.Ack == 1:
		s.third = f
	}
}

func (s *situations) of(f *transcript.Frame) string {
	if f.Segment == nil {
		return ""
	}
	flags := f.Segment.Flags
	switch {
	case f.Retransmission:
		return "again"
	case flags.Has(wire.RST):
		return "reset"
	case flags.Has(wire.SYN | wire.ACK):
		return "syn-ack"
	case flags.Has(wire.SYN):
		return "syn"
	case flags.Has(wire.FIN):
		return "fin"
	case f == s.third:
		return Third
	}
	return ""
}

func (s *situations) ofMessage(m *transcript.Message) string {
	if m.Encrypted {
		return "decrypted"
	}
	return ""
}

// Third is the situation of the segment that ends TCP's three-way handshake.
const Third = "third"
