// The ladder of the page.

package page

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A step is one line of the ladder.
type step struct {
	Kind   string   `json:"k"`           // "frame", "message", "note"
	Layer  string   `json:"l,omitempty"` // "tcp", "reset", "tls", "sealed", "alert"; of a note its mood
	Frame  int      `json:"n,omitempty"`
	Dir    string   `json:"d,omitempty"` // "out", "in"
	At     string   `json:"at,omitempty"`
	After  string   `json:"after,omitempty"`
	Label  string   `json:"label,omitempty"`
	Facts  []string `json:"facts,omitempty"`
	Marks  []string `json:"marks,omitempty"`
	Wire   int      `json:"w"` // number of the specimen as sent, or -1
	Plain  int      `json:"p"` // of the decrypted specimen, or -1
	Number int      `json:"i"` // its own
	key    any      // the frame or message, for the questions
}

// stepCost is what a step takes without its texts, as an element and as data.
const stepCost = 500

// sides finds out who talks to whom.
func (b *builder) sides(t *transcript.Transcript) {
	for _, f := range t.Frames() {
		if f.Segment == nil {
			continue
		}
		client := netip.AddrPortFrom(f.IP.Src, f.Segment.SrcPort)
		server := netip.AddrPortFrom(f.IP.Dst, f.Segment.DstPort)
		if f.Dir == transcript.In {
			client, server = server, client
		}
		b.Client, b.Server = client.String(), server.String()
		return
	}
}

func (b *builder) entry(e *transcript.Entry) {
	var s *step
	switch e.Type {
	case transcript.TypeSegment:
		s = b.frame(e.Frame)
	case transcript.TypeMessage:
		s = b.message(e)
	case transcript.TypeDecision:
		s = b.note(e)
	case transcript.TypeOctets:
		s = b.octets(e)
	}
	switch {
	case s == nil:
	case len(b.Steps) >= maxSteps || b.room < 0:
		b.Omitted++
	default:
		s.Number = len(b.Steps)
		b.Steps = append(b.Steps, s)
		b.room -= stepCost + 2*cost(s.Label)
		for i := range s.Facts {
			s.Facts[i] = shorten(plain.Escape(s.Facts[i]))
			b.room -= 2*cost(s.Facts[i]) + 20
		}
	}
}

func (b *builder) frame(f *transcript.Frame) *step {
	s := &step{Kind: "frame", Layer: "tcp", Frame: f.Number, Dir: f.Dir.String(), At: view.Milliseconds(f.At),
		Label: f.Segment.Flags.String(), Facts: view.SegmentFacts(f), Plain: nothing, key: f}
	if b.last != nil {
		s.After = "+" + view.Milliseconds(f.At-b.last.At)
	}
	b.last = f
	if f.Segment.Flags.Has(wire.RST) {
		s.Layer = "reset"
	}
	for mark, on := range map[string]bool{"kernel": f.KernelSent, "again": f.Retransmission, "late": f.OutOfOrder, "damaged": f.BadChecksum} {
		if on {
			s.Marks = append(s.Marks, mark)
		}
	}
	s.Wire = b.specimen(b.anatomy.Frame(f), fmt.Sprintf("Frame %d: %s, %s", f.Number, s.Label, size(f.Raw)))
	return s
}

func (b *builder) message(e *transcript.Entry) *step {
	m := e.Message
	s := &step{Kind: "message", Layer: "tls", Dir: e.Dir.String(), Label: m.Name(), Facts: view.MessageFacts(m), Wire: nothing, Plain: nothing, key: m}
	if e.Frame != nil {
		s.Frame = e.Frame.Number
	}
	title := m.Name() + ", " + size(m.Raw)
	if s.Frame > 0 {
		title += fmt.Sprintf(", in frame %d", s.Frame)
	}
	switch {
	case m.Encrypted:
		s.Layer = "sealed"
		s.Wire = b.specimen(b.anatomy.Records(e.Dir, m.Offset, m.End), title+", as it was sent: encrypted")
		if !m.Sealed {
			s.Plain = b.specimen(b.anatomy.Message(e.Frame, m), title+", decrypted")
		}
	case m.Content != tlsmsg.ContentHandshake:
		s.Wire = b.specimen(b.anatomy.Records(e.Dir, m.Offset, m.End), title+", with its record")
	default:
		s.Wire = b.specimen(b.anatomy.Message(e.Frame, m), title)
	}
	if m.Content == tlsmsg.ContentAlert {
		s.Layer = "alert"
	}
	return s
}

func (b *builder) note(e *transcript.Entry) *step {
	d := e.Decision
	s := &step{Kind: "note", Layer: view.Mood(d), Label: plain.Escape(d.Text), Wire: nothing, Plain: nothing, key: d}
	switch f := e.Frame; {
	case f != nil && f.Segment == nil: // a packet other than a segment
		s.Frame, s.Dir, s.At = f.Number, f.Dir.String(), view.Milliseconds(f.At)
		s.Wire = b.specimen(b.anatomy.Frame(f), fmt.Sprintf("Frame %d, %s", f.Number, size(f.Raw)))
	case !view.Remarkable(d):
		return nil
	}
	return s
}

// octets adds what a side says before TLS begins.
func (b *builder) octets(e *transcript.Entry) *step {
	o := e.Octets
	if o.Raw == nil {
		return nil
	}
	side := "client: "
	if e.Dir == transcript.In {
		side = "server: "
	}
	text := side + strings.Join(view.PreambleLines(o.Raw), " / ")
	return &step{Kind: "note", Label: plain.Escape(text), Wire: nothing, Plain: nothing, key: o}
}

func size(b []byte) string {
	if len(b) == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", len(b))
}
