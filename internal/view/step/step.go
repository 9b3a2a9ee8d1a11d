// Asks a person about each packet.

package step

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/observe"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Stepper asks a person about each packet.
type Stepper struct {
	Out     io.Writer
	Options view.Options      // of how packets are shown
	Note    func(text string) // called with what a person did to the connection; may be nil
	Abort   func()            // ends the connection

	ctx     context.Context
	lines   chan string // the answers; closed at the end
	free    bool        // no more questions
	ended   bool        // nothing of ours is sent any more
	mode    string      // how a packet is shown: "line", "fields", "hex"
	number  int
	watched *observe.Connection
	anatomy dissect.Anatomy
	last    []*transcript.Entry // of the current packet
}

// minWidth is the smallest width to which text is wrapped, in columns.
const minWidth = 40

// maxLine bounds an answer, in bytes.
const maxLine = 1 << 10

// New returns a stepper that reads answers from in, one a line. Once in or ctx
// ends, packets pass without a question.
func New(ctx context.Context, in io.Reader, out io.Writer) *Stepper {
	s := &Stepper{Out: out, ctx: ctx, lines: make(chan string), mode: "line"}
	go func() {
		defer close(s.lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(make([]byte, 0, maxLine), maxLine)
		for scanner.Scan() {
			select {
			case s.lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

var _ link.Gatekeeper = (*Stepper)(nil).Keep

// Keep is the gatekeeper: it returns once the person has decided.
func (s *Stepper) Keep(p link.Packet, out bool, behind int) bool {
	f := s.look(p)
	if s.ended {
		return !out
	}
	if s.free || f == nil || s.ctx.Err() != nil {
		return true
	}
	s.introduce(f, out, p.Time, behind)
	for {
		said, ok := s.ask()
		if !ok {
			return true
		}
		if done, pass := s.answer(said, f, out); done {
			return pass
		}
	}
}

// ask returns an answer, and false once there are no more.
func (s *Stepper) ask() (said string, ok bool) {
	fmt.Fprint(s.Out, s.prompt())
	select {
	case line, more := <-s.lines: // typed before we asked: its line end is somewhere above
		fmt.Fprintln(s.Out)
		return s.heard(line, more)
	default:
	}
	select {
	case <-s.ctx.Done():
		fmt.Fprintln(s.Out)
		return "", false
	case line, more := <-s.lines:
		return s.heard(line, more)
	}
}

func (s *Stepper) heard(line string, more bool) (said string, ok bool) {
	if !more {
		s.free = true
		fmt.Fprintln(s.Out, "\n  no more answers: it goes on without stopping")
	}
	return strings.TrimSpace(line), more
}

// prompt is as long as the terminal's width allows.
func (s *Stepper) prompt() string {
	long := "  [Enter] go on, d drop, l line, f fields, h hex, c no more stops, q end it, ? help > "
	if len(long) > s.width() {
		return "  [Enter] d l f h c q, ? help > "
	}
	return long
}

const help = `  Enter  let the packet go its way
  d      drop it: see how it comes again
  l      show packets as one line, f as fields, h as bytes
  c      go on without stopping
  q      end it here: nothing more is sent, this packet and a RST neither
`

// answer does what a person says. It reports whether the packet is decided on,
// and whether it passes.
func (s *Stepper) answer(said string, f *transcript.Frame, out bool) (done, pass bool) {
	switch said {
	case "", "n", "next":
		return true, true
	case "d", "drop":
		s.drop(f, out)
		return true, false
	case "l", "line":
		s.mode = "line"
		s.line(f)
	case "f", "fields":
		s.mode = "fields"
		s.show(f)
	case "h", "hex":
		s.mode = "hex"
		s.show(f)
	case "c", "continue":
		s.free = true
		return true, true
	case "q", "quit", "abort":
		s.free, s.ended = true, true
		if s.Abort != nil {
			s.Abort()
		}
		return true, !out
	default:
		fmt.Fprint(s.Out, help)
	}
	return false, false
}

func (s *Stepper) drop(f *transcript.Frame, out bool) {
	what, then := "the "+kind(f), "it will be sent again by whoever sent it"
	if out {
		then = "our timer will send it again, if anything depends on it"
	}
	text := what + " was dropped by hand: " + then
	s.paragraph(text)
	if s.Note != nil {
		s.Note(text)
	}
}

// look decodes a packet, and follows the connection as any observer would.
func (s *Stepper) look(p link.Packet) *transcript.Frame {
	if s.watched == nil {
		f := transcript.Peek(p.Data)
		if f.Segment == nil {
			return nil
		}
		flow := observe.Flow{Client: netip.AddrPortFrom(f.IP.Src, f.Segment.SrcPort), Server: netip.AddrPortFrom(f.IP.Dst, f.Segment.DstPort)}
		s.watched = observe.NewConnection(flow, p.Time, transcript.KeepNothing, nil, func(e *transcript.Entry) {
			s.anatomy.Learn(e)
			s.last = append(s.last, e)
		})
	}
	s.last = nil
	s.number++
	s.watched.Packet(&capture.Packet{Number: s.number, At: p.Time, Link: wire.LinkRaw, Data: p.Data, Length: len(p.Data)}, p.Data)
	for _, e := range s.last {
		if e.Frame != nil && e.Frame.Number == s.number {
			return e.Frame
		}
	}
	return nil
}

// introduce shows a packet and says what it is for.
func (s *Stepper) introduce(f *transcript.Frame, out bool, arrived time.Time, behind int) {
	what, dir := "about to send", "out"
	if !out {
		what, dir = "arrived", "in"
		if ago := time.Since(arrived); ago > time.Second {
			what += fmt.Sprintf(" %.1f s ago, while you looked", ago.Seconds())
		}
	}
	fmt.Fprintln(s.Out)
	for _, line := range view.Wrap(what+": "+s.title(f), max(minWidth, s.width())) {
		fmt.Fprintln(s.Out, line)
	}
	if s.mode == "line" {
		s.line(f)
	} else {
		s.show(f)
	}
	if e, ok := s.words().Find("step."+dir+"."+s.kind(f), s.anatomy.Frame(f).Situation); ok {
		s.paragraph(e.Text)
	}
	if behind > 0 {
		more := "one more packet has come from the peer, who does not wait for you: it is next."
		if behind > 1 {
			more = fmt.Sprintf("%d more packets have come from the peer, who does not wait for you: they are next.", behind)
		}
		s.paragraph("Meanwhile " + more)
	}
}

func (s *Stepper) words() *dictionary.Dictionary {
	if s.Options.Dictionary != nil {
		return s.Options.Dictionary
	}
	return dictionary.English()
}

func (s *Stepper) title(f *transcript.Frame) string {
	t := kind(f)
	var names []string
	for _, e := range s.last {
		if e.Message != nil {
			names = append(names, e.Message.Name())
		}
	}
	if begun := s.anatomy.Begins(f); begun != "" {
		names = append(names, "the beginning of "+begun)
	}
	if len(names) > 0 {
		t += " with " + strings.Join(names, ", ")
	}
	if f.Retransmission {
		t += ", seen before"
	}
	return view.Text(t, s.Options)
}

func (s *Stepper) line(f *transcript.Frame) {
	if f.Segment != nil {
		s.paragraph(strings.Join(view.SegmentFacts(f), "  "))
	}
	for _, e := range s.last {
		if e.Message != nil && !e.Message.Sealed {
			facts := append([]string{e.Message.Name() + ":"}, view.MessageFacts(e.Message)...)
			s.paragraph(strings.TrimSuffix(strings.Join(facts, "  "), ":"))
		}
	}
}

func (s *Stepper) show(f *transcript.Frame) {
	view.DrawSpecimen(s.mode, s.Out, s.Options, s.anatomy.Frame(f))
}

func (s *Stepper) paragraph(text string) {
	for _, line := range view.Wrap(view.Text(text, s.Options), max(minWidth, s.width()-4)) {
		fmt.Fprintln(s.Out, "  "+line)
	}
}

func (s *Stepper) width() int {
	if s.Options.Columns != nil {
		s.Options.Width = s.Options.Columns()
	}
	if s.Options.Width > 0 {
		return s.Options.Width
	}
	return view.DefaultWidth
}

func kind(f *transcript.Frame) string {
	if f.Segment == nil {
		return "packet"
	}
	return f.Segment.Flags.String()
}

// kind is the name by which the dictionary knows a packet: that of its
// ServerHello, ClientKeyExchange or ChangeCipherSpec, or else of its last
// message, or the flag that matters.
func (s *Stepper) kind(f *transcript.Frame) string {
	name := ""
	for _, e := range s.last {
		switch m := e.Message; {
		case m == nil:
		case name == "ServerHello" || name == "ClientKeyExchange" || name == "ChangeCipherSpec":
		default:
			name = m.Name()
		}
	}
	if f.Segment == nil {
		return "other"
	}
	flags := f.Segment.Flags
	switch {
	case flags.Has(wire.RST):
		return "RST"
	case flags.Has(wire.SYN | wire.ACK):
		return "SYN-ACK"
	case flags.Has(wire.SYN):
		return "SYN"
	case name != "":
		return name
	case flags.Has(wire.FIN):
		return "FIN"
	case len(f.Segment.Payload) > 0:
		return "data"
	}
	return "ACK"
}
