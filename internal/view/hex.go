package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
)

// Hex dumps every frame and every TLS message, decrypted, a field a line:
// offset, bytes, the same as text, and the field's name. Every byte stands
// there once. It is a [View].
type Hex struct{ canvas }

// NewHex returns a hex view that writes to w.
func NewHex(w io.Writer, o Options) *Hex { return &Hex{newCanvas(w, o)} }

// perLine is how many bytes stand in one line of a dump: as many as leave room
// for a field's whole path.
func (v *Hex) perLine() int {
	if v.options.Width < 120 {
		return 8
	}
	return 16
}

// Entry dumps one entry's bytes.
func (v *Hex) Entry(e *transcript.Entry) {
	s, ok := specimenOf(e, v.g.between)
	switch {
	case ok:
		v.dump(s)
	case e.Type == transcript.TypeResult:
		v.result(e.Result, "")
	}
}

func (v *Hex) dump(s specimen) {
	v.print(v.paint(bold, v.text(s.title)) + "\n")
	n := v.perLine()
	for _, p := range parts(s.tree, s.data) {
		name := p.path
		for off, end := p.node.Offset, p.node.Offset+p.node.Length; off < end; off += n {
			v.line(off, s.data[off:min(off+n, end)], name)
			name = ""
		}
	}
	if s.err != nil {
		v.paragraph("", "", "not decoded further: "+s.err.Error(), red)
	}
	v.print("\n")
}

func (v *Hex) line(off int, b []byte, name string) {
	text := make([]byte, len(b))
	for i, x := range b {
		text[i] = '.'
		if ' ' <= x && x <= '~' {
			text[i] = x
		}
	}
	n := v.perLine()
	left := fmt.Sprintf("%06x  %-*s %-*s", off, 3*n, spaced(b), n, text)
	name = cutFront(v.text(name), max(v.options.Width-len(left)-2, minRoom), v.g.ellipsis)
	v.print(strings.TrimRight(left+"  "+v.paint(cyan, name), " ") + "\n")
}

func spaced(b []byte) string {
	var s strings.Builder
	for _, x := range b {
		fmt.Fprintf(&s, "%02x ", x)
	}
	return s.String()
}

// cutFront shortens s from its front: a path's end says most.
func cutFront(s string, n int, ellipsis string) string {
	for columns(s) > n {
		_, rest, ok := strings.Cut(strings.TrimPrefix(s, ellipsis), ".")
		if !ok {
			return cut(s, n, ellipsis)
		}
		s = ellipsis + rest
	}
	return s
}
