package view

import (
	"fmt"
	"strconv"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/transcript"
)

// part is one leaf of a tree, with the names of what it stands in.
type part struct {
	path string // TCP.options[0].kind
	node *field.Node
}

// parts lists a tree's leaves in the order of their bytes. Bytes that no leaf
// owns, because decoding stopped, become a part of their own: every byte of
// data is in exactly one.
func parts(tree *field.Node, data []byte) []part {
	var list []part
	next := 0
	fill := func(end int) {
		if next < end {
			list = append(list, part{"undecoded", &field.Node{
				Name: "undecoded", Index: -1, Kind: field.Bytes, Offset: next, Length: end - next}})
			next = end
		}
	}
	var walk func(n *field.Node, path string)
	walk = func(n *field.Node, path string) {
		for _, child := range n.Children {
			p := join(path, child)
			if !child.Leaf() {
				walk(child, p)
				continue
			}
			if child.Offset < next || child.Length == 0 {
				continue
			}
			fill(child.Offset)
			list = append(list, part{p, child})
			next = child.Offset + child.Length
		}
	}
	walk(tree, "")
	fill(len(data))
	return list
}

// join extends a path by a node's name; what only says that it holds
// something else is left out.
func join(path string, n *field.Node) string {
	switch {
	case n.Index >= 0:
		return path + "[" + strconv.Itoa(n.Index) + "]"
	case n.Kind == field.Group && n.Name == "payload":
		return path
	case path == "":
		return n.Name
	}
	return path + "." + n.Name
}

// A specimen is something whose bytes fields and hex show: a frame or a TLS
// message.
type specimen struct {
	title string
	data  []byte
	tree  *field.Node
	err   error
}

// specimenOf returns what of an entry is to be shown byte by byte.
func specimenOf(e *transcript.Entry, between string) (s specimen, ok bool) {
	at := milliseconds(e.At) + " ms"
	switch f, m := e.Frame, e.Message; {
	case m != nil:
		s.title = fmt.Sprintf("%s%s%v%s%s", m.Name(), between, e.Dir, between, octets(len(m.Raw)))
		if m.Encrypted {
			s.title += between + "decrypted"
		}
		if f != nil {
			s.title += between + "frame " + strconv.Itoa(f.Number)
		}
		s.data = m.Raw
		s.tree, s.err = m.Tree()
	case f != nil && (e.Type == transcript.TypeSegment || f.Segment == nil):
		s.title = fmt.Sprintf("Frame %d%s%v%s%s%s%s", f.Number, between, e.Dir, between, at, between, octets(len(f.Packet)))
		if f.Segment != nil {
			s.title += between + f.Segment.Flags.String()
		}
		if f.Ghost {
			s.title += between + "from this machine's kernel"
		}
		s.data = f.Packet
		s.tree, s.err = f.Tree()
	default:
		return s, false
	}
	return s, true
}
