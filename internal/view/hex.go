// The hex view: every byte, with the name of its field.

package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
)

// Hex dumps every frame, and the content of encrypted records, one field a
// line: offset, bytes, the same as text, and the field's name. Every byte
// appears once. It is a [View].
type Hex struct {
	byteView
}

// NewHex returns a hex view that writes to w.
func NewHex(w io.Writer, o Options) *Hex {
	return &Hex{newByteView(w, o)}
}

// perLine is how many bytes are in one line of a dump: as many as leave room
// for a field's whole path.
func (v *Hex) perLine() int {
	if v.options.Width < 120 {
		return 8
	}
	return 16
}

// Entry dumps what is complete with this entry.
func (v *Hex) Entry(e *transcript.Entry) { v.entry(e, v.dump) }

func (v *Hex) dump(s *dissect.Specimen) {
	head := v.paint(bold, v.text(title(s, v.g.between))) + "\n"
	n := v.perLine()
	for row := range s.Leaves(v.options.Select) {
		v.print(head)
		head = ""
		name := row.Path
		for off, end := row.Node.Offset, row.Node.Offset+row.Node.Length; off < end; off += n {
			v.line(off, s.Data[off:min(off+n, end)], name)
			name = ""
		}
		v.explainValue(s, row)
	}
	v.close(s, head == "")
}

// explainValue says below a field what its value and its bits mean, if that has
// not been said yet.
func (v *Hex) explainValue(s *dissect.Specimen, row dissect.Row) {
	tell := func(key, name string, n *field.Node) {
		if e, ok := v.words.FindValue(key, n); ok && v.untold(e) {
			v.paragraph("        ", "= ", name+Value(n, s.Data)+": "+e.Text, dim)
		}
	}
	tell(row.Key, "", row.Node)
	for _, bits := range row.Node.Children {
		tell(row.Key+"."+bits.Name, bits.Name+" ", bits)
	}
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
	if name = v.text(name); !v.options.Whole {
		name = cutFront(name, max(v.options.Width-len(left)-2, minRoom), v.g.ellipsis)
	}
	v.print(strings.TrimRight(left+"  "+v.paint(cyan, name), " ") + "\n")
}

func spaced(b []byte) string {
	var s strings.Builder
	for _, x := range b {
		fmt.Fprintf(&s, "%02x ", x)
	}
	return s.String()
}

// cutFront shortens s at its front, since the end of a path says the most.
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
