// Finds the packets that deserve an explanation of their own.

package dissect

import (
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// situations finds the packets that deserve an explanation of their own. The
// dictionary has entries for them: "TCP.acknowledgment_number @third".
type situations struct {
	third *transcript.Frame // the ACK that ends the three-way handshake
	syn   bool
	ack   bool
	from  transcript.Dir // the direction of the SYN
	tls13 bool           // the server has chosen TLS 1.3
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

// of is what distinguishes a frame: of the segment itself, and of the TLS in it.
func (s *situations) of(f *transcript.Frame) string {
	if f.Segment == nil {
		return ""
	}
	if name := s.ofSegment(f); !s.tls13 || len(f.Payload()) == 0 {
		return name
	} else if name != "" {
		return name + " " + TLS13
	}
	return TLS13
}

func (s *situations) ofSegment(f *transcript.Frame) string {
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
	if s.tls13 || m.Context.Version >= tlsmsg.VersionTLS13 {
		return TLS13
	}
	return ""
}

// Situations that are named elsewhere.
const (
	Third = "third" // of the segment that ends TCP's three-way handshake
	TLS13 = "tls13" // of TLS in a connection of TLS 1.3
)
