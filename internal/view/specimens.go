// Decides when a frame or message can be shown byte by byte.

package view

import (
	"fmt"
	"strconv"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
)

// maxPending bounds how many frames wait until it is known what their payload
// holds.
const maxPending = 512

// specimens passes on what to show byte by byte: each frame as soon as
// everything in it is known, and after it the messages that the frame alone
// does not show, because they were encrypted or are spread over several frames.
type specimens struct {
	anatomy dissect.Anatomy
	pending []pendingFrame
}

type pendingFrame struct {
	frame    *transcript.Frame
	messages []*transcript.Message
}

// entry takes an entry and calls show for what can be shown now.
func (s *specimens) entry(e *transcript.Entry, show func(*dissect.Specimen)) {
	s.anatomy.Learn(e)
	switch f := e.Frame; {
	case e.Message != nil && e.Message.Sealed: // its record shows all there is
	case e.Message != nil && apart(e.Message, f):
		s.message(f, e.Message, show)
	case e.Type == transcript.TypeSegment || f != nil && f.Segment == nil:
		s.pending = append(s.pending, pendingFrame{frame: f})
	}
	for len(s.pending) > 0 && (len(s.pending) > maxPending || s.anatomy.Complete(s.pending[0].frame) || e.Type == transcript.TypeResult) {
		s.first(show)
	}
}

// apart reports whether a message cannot be read in a single frame.
func apart(m *transcript.Message, f *transcript.Frame) bool {
	if m.Sealed {
		return false // its record shows all of it
	}
	return m.Encrypted || f == nil || m.Offset < f.Stream.Start || m.End > f.Stream.End
}

// message waits for its frame, if that is not shown yet.
func (s *specimens) message(f *transcript.Frame, m *transcript.Message, show func(*dissect.Specimen)) {
	for i := range s.pending {
		if p := &s.pending[i]; p.frame == f {
			p.messages = append(p.messages, m)
			return
		}
	}
	s.show(f, m, show)
}

// show shows a message, and what it holds compressed.
func (s *specimens) show(f *transcript.Frame, m *transcript.Message, show func(*dissect.Specimen)) {
	show(s.anatomy.Message(f, m))
	if inside := dissect.Inside(m); inside != nil {
		show(s.anatomy.Message(f, inside))
	}
}

func (s *specimens) first(show func(*dissect.Specimen)) {
	p := s.pending[0]
	s.pending = s.pending[1:]
	show(s.anatomy.Frame(p.frame))
	for _, m := range p.messages {
		s.show(p.frame, m, show)
	}
}

// title says what a specimen is.
func title(s *dissect.Specimen, between string) string {
	f := s.Frame
	if m := s.Message; m != nil {
		t := m.Name() + between + plain.Octets(len(m.Raw))
		if m.Encrypted {
			t += between + "decrypted"
		}
		if m.Decompressed {
			t += between + "decompressed"
		}
		if f != nil {
			t += between + f.Dir.String() + between + "frame " + strconv.Itoa(f.Number)
		}
		return t
	}
	t := fmt.Sprintf("Frame %d%s%v%s%s ms%s%s", f.Number, between, f.Dir, between, milliseconds(f.At), between, plain.Octets(len(s.Data)))
	if f.Segment != nil {
		t += between + f.Segment.Flags.String()
	}
	if f.KernelSent {
		t += between + "from this machine's kernel"
	}
	return t
}
