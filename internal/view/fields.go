// The view of fields: every packet as the tree that the decoders read.

package view

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
)

// Fields draws every frame, and the content of encrypted records, as the tree
// that the decoders read: offset, length, raw bytes, name, value and meaning,
// and what a field is for when it first appears. It is a [View].
type Fields struct {
	byteView
}

// NewFields returns a view of fields that writes to w.
func NewFields(w io.Writer, o Options) *Fields {
	return &Fields{newByteView(w, o)}
}

// rawBytes is how many bytes of a field are shown before the rest is cut.
const rawBytes = 8

// Entry draws what is complete with this entry.
func (v *Fields) Entry(e *transcript.Entry) { v.entry(e, v.specimen) }

func (v *Fields) specimen(s *dissect.Specimen) {
	head := v.paint(bold, v.text(title(s, v.g.between))) + "\n"
	for row := range s.Rows(v.options.Select) {
		v.print(head)
		head = ""
		v.row(s, row)
	}
	v.close(s, head == "")
}

func (v *Fields) row(s *dissect.Specimen, row dissect.Row) {
	n, raw := row.Node, ""
	if n.Kind != field.Group && n.Kind != field.BitField {
		raw = v.raw(s.Value(n))
	}
	span := fmt.Sprintf("%6d %5d  %s  ", n.Offset, n.Length, padRight(raw, 2*rawBytes+columns(v.g.ellipsis)))
	if n.Kind == field.BitField {
		span = strings.Repeat(" ", columns(span))
	}
	indent := strings.Repeat("  ", min(row.Depth, maxIndent))
	room := max(v.options.Width-columns(span), minRoom)
	line := v.cut(v.text(indent+fieldName(n)+valueText(n, s.Data)), room)
	v.print(v.paint(dim, span) + line + "\n")
	below := strings.Repeat(" ", columns(span)) + indent + "  "
	v.explain(row, s.Situation, below)
	v.explainValue(row, below)
}

// maxIndent keeps deep trees readable.
const maxIndent = 12

// explain says what a field is for, if it has not been said yet.
func (v *Fields) explain(row dissect.Row, situation, indent string) {
	if e, ok := v.words.Find(row.Key, situation); ok && v.untold(e) {
		v.paragraph(indent, "", e.Text+" ("+e.Source+")", dim)
	}
}

// explainValue says what a value means, if it has not been said yet.
func (v *Fields) explainValue(row dissect.Row, indent string) {
	if e, ok := v.words.FindValue(row.Key, row.Node); ok && v.untold(e) {
		v.paragraph(indent, "= ", e.Text+" ("+e.Source+")", dim)
	}
}

func fieldName(n *field.Node) string {
	if n.Index >= 0 {
		return n.Name + "[" + strconv.Itoa(n.Index) + "]"
	}
	return n.Name
}

func (v *Fields) raw(b []byte) string {
	if len(b) > rawBytes {
		return hex.EncodeToString(b[:rawBytes]) + v.g.ellipsis
	}
	return hex.EncodeToString(b)
}

// valueText is what follows a field's name: its value, and what that means.
func valueText(n *field.Node, data []byte) string {
	s := Value(n, data)
	if s == "" {
		return ""
	}
	return ": " + s
}

// Value puts a field's value into words: the number or text, and what it means.
// It may hold text from the network.
func Value(n *field.Node, data []byte) string {
	value := ""
	switch {
	case n.Kind == field.Uint && len(n.Children) > 0: // its bits follow
		value = fmt.Sprintf("0x%0*x", 2*n.Length, n.Value)
	case n.Kind == field.Uint || n.Kind == field.BitField:
		value = strconv.FormatUint(n.Value, 10)
	case n.Kind == field.Bytes:
		if b := data[n.Offset : n.Offset+n.Length]; n.Meaning == "" && len(b) > 0 && plain.Harmless(string(b)) {
			value = strconv.Quote(string(b))
		}
	}
	switch {
	case value == "":
		return n.Meaning
	case n.Meaning == "":
		return value
	}
	return value + " (" + n.Meaning + ")"
}
