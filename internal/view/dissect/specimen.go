// What is looked at byte by byte, and its fields as rows.

package dissect

import (
	"iter"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/transcript"
)

// A Specimen is something to be looked at byte by byte: a frame, or what an
// encrypted record held.
type Specimen struct {
	Frame     *transcript.Frame   // that it is, or that carried the end of it; may be nil
	Message   *transcript.Message // nil for a frame
	Data      []byte
	Tree      *field.Node
	Err       error  // why a part of it is not decoded
	Situation string // what distinguishes it from others of its kind, for the dictionary, as words; may be empty
}

// A Row is one field, in the order of reading.
type Row struct {
	Depth int
	Path  string // ClientHello.extensions[2].extension_type
	Key   string // the same without indexes, for the dictionary
	Node  *field.Node
}

// Rows yields the fields that a selector picks, groups before what they hold.
// Each layer begins at depth 0.
func (s *Specimen) Rows(sel Selector) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		walk(s.Tree, &field.Node{}, nil, sel, -1, yield)
	}
}

func walk(n, parent *field.Node, p path, sel Selector, depth int, yield func(Row) bool) bool {
	if !through(n) {
		p = p.step(n, parent)
		if sel.picks(p) {
			if depth++; p[len(p)-1].begin {
				depth = 0
			}
			if !yield(Row{depth, p.String(), p.key(), n}) {
				return false
			}
		}
	}
	for _, child := range n.Children {
		if !walk(child, n, p, sel, depth, yield) {
			return false
		}
	}
	return true
}

// Leaves yields those of the picked fields that own their bytes.
func (s *Specimen) Leaves(sel Selector) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for row := range s.Rows(sel) {
			if row.Node.Leaf() && row.Node.Length > 0 && !yield(row) {
				return
			}
		}
	}
}

// Value returns the bytes of a field, a part of Data.
func (s *Specimen) Value(n *field.Node) []byte { return s.Data[n.Offset : n.Offset+n.Length] }
