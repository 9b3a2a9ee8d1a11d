// What is said before TLS begins, line by line as far as it is text.

package view

import (
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
)

const (
	// maxLines bounds the lines that are shown of one piece, and maxLine a line
	// in bytes.
	maxLines = 24
	maxLine  = 400
	// maxBinary is how many bytes are shown of binary data.
	maxBinary = 96
)

// octets shows what one side says before TLS begins, with an arrow for its
// direction.
func (l *Ladder) octets(o *transcript.Octets, dir transcript.Dir) {
	if o.Raw == nil || o.Why == "wrapper" {
		return
	}
	mark := "> "
	if dir == transcript.In {
		mark = "< "
	}
	for _, line := range PreambleLines(o.Raw) {
		l.paragraph(l.lane.indent, mark, line, noColor)
	}
}

// PreambleLines splits octets into lines; binary data is one line. The lines
// may hold anything: pass them through Escape before showing them.
func PreambleLines(b []byte) []string {
	if isBinary(b) {
		if len(b) > maxBinary {
			return []string{string(b[:maxBinary]) + fmt.Sprintf("… %d bytes more", len(b)-maxBinary)}
		}
		return []string{string(b)}
	}
	var lines []string
	rest := strings.TrimRight(string(b), "\r\n")
	for rest != "" || len(lines) == 0 {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if len(lines) == maxLines {
			return append(lines, fmt.Sprintf("… %d bytes more", len(line)+1+len(rest)))
		}
		line = strings.TrimRight(line, "\r")
		if len(line) > maxLine {
			line = line[:maxLine] + fmt.Sprintf("… %d bytes more", len(line)-maxLine)
		}
		lines = append(lines, line)
	}
	return lines
}

// isBinary reports whether more than a few of the octets are not text.
func isBinary(b []byte) bool {
	odd := 0
	for _, v := range b {
		if v < ' ' && v != '\n' && v != '\r' && v != '\t' || v == 0x7f {
			odd++
		}
	}
	return odd*20 > len(b)
}

// octetsValues adds what a stream holds besides TLS.
func octetsValues(o *plain.Object, t *transcript.Octets) {
	o.Add("why", t.Why)
	o.Add("len", int(t.End-t.Offset))
	o.Add("offset", t.Offset)
	o.Add("end", t.End)
	if t.Raw != nil {
		o.Add("text", string(t.Raw))
	}
}
