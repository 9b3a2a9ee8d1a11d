// A run as a ladder, for a person.

package simnet

import (
	"fmt"
	"io"
	"strings"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// maxLines bounds a ladder: its last lines count.
const maxLines = 400

// A ladder is what happened, for a person: A at the left, B at the right.
type ladder struct {
	lines []string
	cut   int
}

func stamp(at tcb.Instant) string { return fmt.Sprintf("%.3fs", at.Sub(Epoch).Seconds()) }

func (l *ladder) add(at tcb.Instant, text string) {
	l.lines = append(l.lines, fmt.Sprintf("%11s  %s", stamp(at), text))
	if len(l.lines) > 2*maxLines {
		l.cut += len(l.lines) - maxLines
		l.lines = append(l.lines[:0], l.lines[len(l.lines)-maxLines:]...)
	}
}

func (l *ladder) packet(at tcb.Instant, from, what, fate string) {
	arrow := "A ──▶    "
	if from == "B" {
		arrow = "    ◀── B"
	}
	l.add(at, arrow+"  "+what+"   "+fate)
}

func (l *ladder) arrival(at tcb.Instant, to, what string) {
	arrow := "    ──▶ B"
	if to == "A" {
		arrow = "A ◀──    "
	}
	l.add(at, arrow+"  "+what)
}

func (l *ladder) event(at tcb.Instant, host, text string) { l.add(at, host+" · "+text) }
func (l *ladder) note(at tcb.Instant, text string)        { l.add(at, "* "+text) }

func (l *ladder) write(w io.Writer, plan string) {
	fmt.Fprintf(w, "the plan:\n  %s\n", strings.ReplaceAll(plan, "\n", "\n  "))
	if l.cut > 0 {
		fmt.Fprintf(w, "(%d lines before these are left out)\n", l.cut)
	}
	for _, line := range l.lines {
		fmt.Fprintln(w, line)
	}
}

// describe is a packet in the words of a script, with relative numbers.
func (b *bystander) describe(p *seen) string {
	if !p.tcp() {
		return "ICMP"
	}
	s := &p.Segment
	seq, ack := s.Seq, s.Ack
	if own := b.spaces.sending(p.way, s.Seq); own != nil {
		seq = wire.Seq(s.Seq.Minus(own.iss))
	}
	if other := b.spaces.sending(way{p.way.to, p.way.from}, s.Ack); other != nil {
		ack = wire.Seq(s.Ack.Minus(other.iss))
	}
	text := fmt.Sprintf("%d→%d %v seq=%d", s.SrcPort, s.DstPort, s.Flags, int32(seq))
	if s.Flags.Has(wire.ACK) {
		text += fmt.Sprintf(" ack=%d", int32(ack))
	}
	text += fmt.Sprintf(" win=%d", s.Window)
	if n := len(s.Payload); n > 0 {
		text += fmt.Sprintf(" len=%d", n)
	}
	return text + describeOptions(s, wire.Seq(s.Ack-ack))
}

func describeOptions(s *wire.Segment, base wire.Seq) string {
	text := ""
	if v, ok := s.Options.MSS(); ok {
		text += fmt.Sprintf(" mss=%d", v)
	}
	if v, ok := s.Options.WindowScale(); ok {
		text += fmt.Sprintf(" ws=%d", v)
	}
	if s.Options.SACKPermitted() {
		text += " sackok"
	}
	if val, ecr, ok := s.Options.Timestamps(); ok {
		text += fmt.Sprintf(" ts=%d,%d", val, ecr)
	}
	blocks, n := s.Options.SACK()
	for _, k := range blocks[:n] {
		text += fmt.Sprintf(" sack=%d-%d", k.Left.Minus(base), k.Right.Minus(base))
	}
	return text
}
