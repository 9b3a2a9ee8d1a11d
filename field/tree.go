// The tree of named spans that a recording cursor builds.

package field

import "iter"

// A Kind says what a node's bytes are.
type Kind uint8

const (
	Group    Kind = iota // fields that belong together: its children
	Uint                 // a big-endian unsigned integer, in Value
	Bytes                // an opaque byte string
	BitField             // some bits of the enclosing Uint, in Value; it owns no bytes
)

// A Node is one span of named bytes in a recorded decode. Offsets count from
// the start of the decoded input.
type Node struct {
	Name     string
	Index    int // position in the enclosing list, or -1
	Kind     Kind
	Offset   int
	Length   int
	Value    uint64 // of a Uint or BitField
	Shift    uint   // of a BitField: position of its least significant bit
	Width    uint   // of a BitField, in bits
	Meaning  string // what the value stands for, where the decoder knows
	Children []*Node
}

// Leaf reports whether the node owns its bytes itself: a Uint, with or without
// named bits, or a byte string.
func (n *Node) Leaf() bool { return n.Kind == Uint || n.Kind == Bytes }

// Leaves walks the leaves below n, in the order of their bytes.
func (n *Node) Leaves() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { n.leaves(yield) }
}

func (n *Node) leaves(yield func(*Node) bool) bool {
	if n.Leaf() {
		return yield(n)
	}
	for _, child := range n.Children {
		if !child.leaves(yield) {
			return false
		}
	}
	return true
}

// Find returns the first node below n with the given path of names, or nil.
func (n *Node) Find(path ...string) *Node {
	if len(path) == 0 {
		return n
	}
	for _, child := range n.Children {
		if child.Name == path[0] {
			if found := child.Find(path[1:]...); found != nil {
				return found
			}
		}
	}
	return nil
}
