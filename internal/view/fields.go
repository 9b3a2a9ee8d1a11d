package view

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/transcript"
)

// Fields draws every frame and every TLS message as the tree that its decoder
// reads: offset, length, raw bytes, name, value and meaning. It is a [View].
type Fields struct{ canvas }

// NewFields returns a view of fields that writes to w.
func NewFields(w io.Writer, o Options) *Fields { return &Fields{newCanvas(w, o)} }

// rawBytes is how many bytes of a field are shown before they are cut.
const rawBytes = 8

// Entry draws one entry's bytes.
func (v *Fields) Entry(e *transcript.Entry) {
	s, ok := specimenOf(e, v.g.between)
	switch {
	case ok:
		v.tree(s)
	case e.Type == transcript.TypeResult:
		v.result(e.Result, "")
	}
}

func (v *Fields) tree(s specimen) {
	v.print(v.paint(bold, v.text(s.title)) + "\n")
	for _, child := range s.tree.Children {
		v.node(child, s.data, 0)
	}
	if s.err != nil {
		v.paragraph("", "", "not decoded further: "+s.err.Error(), red)
	}
	v.print("\n")
}

func (v *Fields) node(n *field.Node, data []byte, depth int) {
	raw := ""
	if n.Kind != field.Group && n.Kind != field.BitField {
		raw = v.raw(data[n.Offset : n.Offset+n.Length])
	}
	span := fmt.Sprintf("%6d %5d  %s  ", n.Offset, n.Length, padRight(raw, 2*rawBytes+columns(v.g.ellipsis)))
	if n.Kind == field.BitField {
		span = strings.Repeat(" ", columns(span))
	}
	name := strings.Repeat("  ", depth) + n.Name
	if n.Index >= 0 {
		name += "[" + strconv.Itoa(n.Index) + "]"
	}
	room := max(v.options.Width-columns(span), minRoom)
	line := cut(v.text(name+valueText(n, data)), room, v.g.ellipsis)
	v.print(v.paint(dim, span) + line + "\n")
	for _, child := range n.Children {
		v.node(child, data, depth+1)
	}
}

func (v *Fields) raw(b []byte) string {
	if len(b) > rawBytes {
		return hex.EncodeToString(b[:rawBytes]) + v.g.ellipsis
	}
	return hex.EncodeToString(b)
}

// valueText is what stands behind a field's name: its value, and what that
// means.
func valueText(n *field.Node, data []byte) string {
	value := ""
	switch {
	case n.Kind == field.Uint && len(n.Children) > 0: // its bits follow
		value = fmt.Sprintf("0x%0*x", 2*n.Length, n.Value)
	case n.Kind == field.Uint || n.Kind == field.BitField:
		value = strconv.FormatUint(n.Value, 10)
	case n.Kind == field.Bytes:
		if b := data[n.Offset : n.Offset+n.Length]; n.Meaning == "" && len(b) > 0 && harmless(string(b)) {
			value = strconv.Quote(string(b))
		}
	}
	switch {
	case n.Meaning == "" && value == "":
		return ""
	case n.Meaning == "":
		return ": " + value
	case value == "":
		return ": " + n.Meaning
	}
	return ": " + value + " (" + n.Meaning + ")"
}
