package field

import "strconv"

// Graft puts the tree of another decode in the place of the byte string read
// last, of which it was made: a structure of another kind inside, such as a
// certificate in a handshake message. It may fail on its own, see [Cursor.Whole].
// Without a recorder it does nothing. The tree belongs to c from now on.
func (c *Cursor) Graft(tree *Node) {
	if !c.rec || c.err != nil || c.last.node == nil || tree == nil {
		return
	}
	n := c.last.node
	if n.Kind == Group { // a vector: its content is its last child
		n = n.Children[len(n.Children)-1]
	}
	if n.Kind != Bytes || n.Length != tree.Length {
		return
	}
	tree.shift(n.Offset)
	if n != c.last.node {
		*n = *tree
		return
	}
	n.Kind, n.Children = Group, []*Node{tree}
}

func (n *Node) shift(by int) {
	n.Offset += by
	for _, child := range n.Children {
		child.shift(by)
	}
}

// Whole returns the recorded tree completed, so that its leaves cover all of
// the input whatever it holds: what could not be decoded, or was left over, is a
// last leaf named "undecoded" that means the failure.
func (c *Cursor) Whole() *Node {
	tree := c.Tree()
	if tree == nil || c.err == nil && c.off == len(c.data) {
		return tree
	}
	for _, child := range tree.Children {
		child.stretch()
	}
	meaning := leftOver(len(c.data) - c.off)
	if c.err != nil {
		meaning = c.err.Error()
	}
	tree.Children = append(tree.Children, &Node{
		Name: "undecoded", Index: -1, Kind: Bytes,
		Offset: c.off, Length: len(c.data) - c.off, Meaning: meaning,
	})
	return tree
}

// stretch gives groups that a failure left open the length of what they hold.
func (n *Node) stretch() (end int) {
	end = n.Offset + n.Length
	if n.Kind == Group {
		for _, child := range n.Children {
			end = max(end, child.stretch())
		}
		n.Length = end - n.Offset
	}
	return end
}

// Clip shortens a tree to the input's bytes before end, for input of which only
// those are at hand: what lies beyond is left out, and a leaf that is cut is no
// number any more, but bytes, and its meaning says so.
func (n *Node) Clip(end int) {
	if n.Leaf() && n.Offset+n.Length > end {
		n.Meaning = "the first " + count(end-n.Offset) + " of " + strconv.Itoa(n.Length) + ": the rest is not at hand"
		n.Kind, n.Value, n.Children = Bytes, 0, nil
	}
	n.Length = min(n.Length, end-n.Offset)
	for i, child := range n.Children {
		if child.Offset >= end {
			n.Children = n.Children[:i]
			return
		}
		child.Clip(end)
	}
}
