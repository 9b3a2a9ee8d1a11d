// Moves and cuts trees of fields.

package dissect

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// place returns a copy of the tree, moved by an offset, with only what lies
// between lo and hi; nil if nothing does. A field that is cut says so.
func place(n *field.Node, by, lo, hi int) *field.Node {
	start, end := n.Offset+by, n.Offset+n.Length+by
	if end < lo || start > hi || n.Length > 0 && (end == lo || start == hi) {
		return nil
	}
	m := *n
	m.Offset = max(start, lo)
	m.Length = min(end, hi) - m.Offset
	m.Children = nil
	if m.Kind == field.Uint || m.Kind == field.Bytes {
		if m.Length < n.Length {
			cutMeaning(&m, m.Offset-start, n.Length)
		}
		for _, bits := range n.Children { // named bits have the span of their number
			b := *bits
			b.Offset, b.Length = m.Offset, m.Length
			m.Children = append(m.Children, &b)
		}
		return &m
	}
	for _, child := range n.Children {
		if c := place(child, by, lo, hi); c != nil {
			m.Children = append(m.Children, c)
		}
	}
	return &m
}

func cutMeaning(m *field.Node, skipped, whole int) {
	part := fmt.Sprintf("bytes %d to %d of %d, the rest is in other segments", skipped+1, skipped+m.Length, whole)
	if m.Meaning != "" {
		part = m.Meaning + "; " + part
	}
	m.Meaning = part
}

// fill gives a group a leaf for each run of its bytes between start and end
// that none of its children holds.
func fill(g *field.Node, start, end int, name, meaning string) {
	var children []*field.Node
	gap := func(to int) {
		if start < to {
			children = append(children, &field.Node{Name: name, Index: -1, Kind: field.Bytes,
				Offset: start, Length: to - start, Meaning: meaning})
		}
	}
	for _, child := range g.Children {
		gap(child.Offset)
		children = append(children, child)
		start = max(start, child.Offset+child.Length)
	}
	gap(end)
	g.Children = children
}

// replace replaces a leaf by a group.
func replace(leaf *field.Node, name string, children []*field.Node) {
	leaf.Kind, leaf.Name, leaf.Children, leaf.Meaning, leaf.Value = field.Group, name, children, "", 0
}
