// The ladder: client at the left, server at the right, arrows between them.

package view

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/facts"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A Ladder draws the client at the left, the server at the right, and between
// them an arrow for each frame, the TLS messages that it carried, and what was
// decided meanwhile. It is a [View].
type Ladder struct {
	canvas
	lane lane

	headed   bool // whether the columns have begun
	remarked bool // whether something was said before
	lastAt   time.Duration
	measured bool            // whether a round trip has been shown
	told     map[string]bool // what values mean, if it has been said
	count    struct{ out, in, kernelSent, repeated, damaged, twice int }
}

// NewLadder returns a ladder that writes to w.
func NewLadder(w io.Writer, o Options) *Ladder {
	l := &Ladder{canvas: newCanvas(w, o), told: map[string]bool{}}
	l.lane = newLane(l.options.Width)
	return l
}

// Entry draws one entry.
func (l *Ladder) Entry(e *transcript.Entry) {
	if l.fit() {
		l.lane = newLane(l.options.Width)
	}
	switch e.Type {
	case transcript.TypeSegment:
		l.head(e.Frame)
		l.segment(e.Frame)
	case transcript.TypeMessage:
		l.message(e)
	case transcript.TypeRecord:
		if l.options.Verbose || e.Record.Missing > 0 { // no message shows it
			l.record(e)
		}
	case transcript.TypeDecision:
		l.decision(e)
		if e.Decision.Name == "next_address" {
			l.headed, l.remarked = false, true // the next connection has other ends
		}
	case transcript.TypeOctets:
		l.octets(e.Octets, e.Dir)
	case transcript.TypeResult:
		l.print("\n")
		totals := l.totals()
		if e.Result.Link == "kernel" {
			totals = "no segments: TCP was the kernel's"
		}
		l.result(e.Result, totals)
	}
}

// head names the two sides and the columns, before the first segment.
func (l *Ladder) head(f *transcript.Frame) {
	if l.headed {
		return
	}
	if l.remarked {
		l.print("\n")
	}
	l.headed = true
	client := netip.AddrPortFrom(f.IP.Src, f.Segment.SrcPort)
	server := netip.AddrPortFrom(f.IP.Dst, f.Segment.DstPort)
	if f.Dir == transcript.In {
		client, server = server, client
	}
	ends := fmt.Sprintf("client %v  %s%s  server %v", client, l.g.line, l.g.right, server)
	if columns(ends) > l.options.Width {
		ends = fmt.Sprintf("client %v\nserver %v", client, server)
	}
	l.print(l.paint(bold, ends) + "\n\n")
	gutter := l.lane.gutter("#", "ms", "after")
	sides := padRight("client", l.lane.width-len("server")) + "server"
	l.print(l.paint(dim, gutter+sides) + "\n")
}

// segment draws the arrow of a frame, its flags at the end that it starts from.
func (l *Ladder) segment(f *transcript.Frame) {
	after := ""
	if f.Number > 1 && l.count.out+l.count.in+l.count.kernelSent > 0 {
		after = "+" + milliseconds(f.At-l.lastAt)
	}
	l.lastAt = f.At
	l.tally(f)
	gutter := l.lane.gutter(fmt.Sprint(f.Number), milliseconds(f.At), after)
	pieces := segmentFacts(f)
	if l.options.Verbose {
		pieces = append(pieces, verboseFacts(f)...)
	}
	rows := l.facts(pieces)
	l.print(l.paint(dim, gutter) + l.paint(segmentColor(f), l.arrow(f)) + l.factsBeside(rows, 0, factColor(f)) + "\n")
	l.more(rows, factColor(f))
	if f.KernelSent {
		l.say(kernelAdvice(f), red)
	}
}

func (l *Ladder) tally(f *transcript.Frame) {
	switch {
	case f.KernelSent:
		l.count.kernelSent++
	case f.Dir == transcript.Out:
		l.count.out++
	default:
		l.count.in++
	}
	if f.Retransmission {
		l.count.repeated++
	}
	if f.BadChecksum {
		l.count.damaged++
	}
	if f.Twice {
		l.count.twice++
	}
}

// arrow fills the lane: ├─ SYN ─────▶│ or │◀───── SYN-ACK ─┤.
func (l *Ladder) arrow(f *transcript.Frame) string {
	line := l.g.line
	if f.KernelSent {
		line = l.g.kernelSent
	}
	flags := " " + f.Segment.Flags.String() + " "
	shaft := strings.Repeat(line, max(1, l.lane.width-4-columns(flags)))
	if f.Dir == transcript.Out {
		return l.g.out + line + flags + shaft + l.g.right + l.g.rail
	}
	return l.g.rail + l.g.left + shaft + flags + line + l.g.in
}

// message names a TLS message on its sender's side.
func (l *Ladder) message(e *transcript.Entry) {
	m := e.Message
	var pieces []string
	if m.Encrypted {
		pieces = append(pieces, "encrypted")
	}
	trouble := ""
	for _, f := range facts.Message(m) {
		switch {
		case f.Key == "error":
			trouble = f.Text
		case f.Text != "":
			pieces = append(pieces, f.Text)
		}
	}
	l.named(l.beside(e), e.Dir, m.Name(), messageColor(m), pieces)
	if trouble != "" {
		l.say(m.Name()+" "+trouble, red)
	}
	if l.options.Verbose {
		l.tellMeanings(m)
	} else if meaning := alertMeaning(words(l.options), m); meaning != "" {
		l.say(meaning, messageColor(m))
	}
	if l.options.Data && e.Dir == transcript.In && m.Content == tlsmsg.ContentApplicationData {
		l.quote(m.Raw)
	}
}

// tellMeanings says what the values in a message mean, each once.
func (l *Ladder) tellMeanings(m *transcript.Message) {
	for _, text := range meaningTexts(words(l.options), m) {
		if !l.told[text] {
			l.told[text] = true
			l.say(text, dim)
		}
	}
}

// beside is the left edge of a message's line: empty below the arrow of its
// frame, or the time if TCP is the kernel's and there are no frames.
func (l *Ladder) beside(e *transcript.Entry) string {
	if e.Frame != nil {
		return l.lane.indent
	}
	after := ""
	if l.headed {
		after = "+" + milliseconds(e.At-l.lastAt)
	} else {
		l.print("\n" + l.paint(dim, l.lane.gutter("", "ms", "after")+padRight("client", l.lane.width-len("server"))+"server") + "\n")
	}
	l.headed, l.lastAt = true, e.At
	return l.paint(dim, l.lane.gutter("", milliseconds(e.At), after))
}

// maxQuoted bounds the application data that is quoted, in bytes.
const maxQuoted = 4 << 10

// quote shows application data as text, line by line.
func (l *Ladder) quote(data []byte) {
	text := strings.TrimRight(string(data[:min(len(data), maxQuoted)]), "\r\n")
	for line := range strings.SplitSeq(text, "\n") {
		l.paragraph(l.lane.indent, "> ", strings.TrimRight(line, "\r"), dim)
	}
	if rest := len(data) - maxQuoted; rest > 0 {
		l.say(fmt.Sprintf("%d bytes more are not shown", rest), dim)
	}
}

func (l *Ladder) record(e *transcript.Entry) {
	r := e.Record
	pieces := []string{r.Type.String(), r.Version.String(), fmt.Sprintf("len %d", len(r.Wire))}
	if r.Missing > 0 {
		pieces = append(pieces, fmt.Sprintf("%d not captured", r.Missing))
	}
	if r.Encrypted {
		pieces = append([]string{"encrypted"}, pieces...)
	}
	l.named(l.lane.indent, e.Dir, "record", dim, pieces)
}

// named writes a name inside the lane, at the side that it comes from.
func (l *Ladder) named(gutter string, dir transcript.Dir, name string, c color, pieces []string) {
	room := l.lane.width - 4
	name = cut(name, room, l.g.ellipsis)
	inside := padRight(name, room)
	if dir == transcript.In {
		inside = padLeft(name, room)
	}
	// Only the name is coloured; the rails stay as they are.
	inside = strings.Replace(inside, name, l.paint(c, name), 1)
	rail := l.paint(dim, l.g.rail)
	rows := l.facts(pieces)
	l.print(gutter + rail + " " + inside + " " + rail + l.factsBeside(rows, 0, noColor) + "\n")
	l.more(rows, noColor)
}

// decision says in words what happened between the packets.
func (l *Ladder) decision(e *transcript.Entry) {
	d := e.Decision
	if !l.options.Verbose && !l.worthShowing(d) {
		return
	}
	if f := e.Frame; f != nil && f.Segment == nil { // a packet other than a segment
		l.say(fmt.Sprintf("frame %d: %s", f.Number, d.Text), yellow)
		return
	}
	l.say(d.Text, decisionColor(d.Name))
}

// worthShowing leaves out what the ladder shows anyway, and all measurements
// after the first.
func (l *Ladder) worthShowing(d *transcript.Decision) bool {
	switch d.Name {
	case "negotiated":
		return false
	case "rtt_measured":
		first := !l.measured
		l.measured = true
		return first
	}
	return true
}

// say writes a sentence between the packets.
func (l *Ladder) say(text string, c color) {
	indent := l.lane.indent
	if !l.headed {
		indent, l.remarked = "", true
	}
	l.paragraph(indent, l.g.dot+" ", text, c)
}

func (l *Ladder) totals() string {
	n := &l.count
	parts := []string{plain.Plural(n.out, "segment") + " out", fmt.Sprintf("%d in", n.in)}
	if n.repeated > 0 {
		parts = append(parts, plain.Plural(n.repeated, "retransmission")+" among them")
	}
	if n.twice > 0 {
		parts = append(parts, fmt.Sprintf("%d captured twice", n.twice))
	}
	if n.damaged > 0 {
		parts = append(parts, fmt.Sprintf("%d with a wrong checksum", n.damaged))
	}
	if n.kernelSent > 0 {
		parts = append(parts, fmt.Sprintf("%d sent by this machine's kernel", n.kernelSent))
	}
	return strings.Join(parts, ", ")
}

func segmentColor(f *transcript.Frame) color {
	switch {
	case f.Segment.Flags.Has(wire.RST):
		return red
	case f.Twice:
		return dim
	case f.Retransmission || f.BadChecksum:
		return yellow
	}
	return cyan
}

func factColor(f *transcript.Frame) color {
	if f.Retransmission || f.OutOfOrder || f.BadChecksum || f.KernelSent || f.Gap > 0 {
		return yellow
	}
	return noColor
}
