// Trees that are joined, completed or cut short.

package field

import "strconv"

// Graft replaces the byte string read last by the tree of another decode of the
// same bytes: a structure of another kind inside, such as a certificate in a
// handshake message. That decode may have failed on its own, see
// [Cursor.Whole]. Without a recorder Graft does nothing. The tree belongs to c
// from now on.
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
// the input, whatever it holds: what could not be decoded, or was left over,
// becomes a last leaf named "undecoded", whose meaning is the failure.
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

// Clip shortens a tree to the input's first end bytes, where only those are at
// hand. What lies beyond is left out. A leaf that is cut is no longer a number
// but bytes, and its meaning says so.
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

// Contain runs body, and keeps a failure within the current group, for formats
// whose groups each have a length: what body did not read becomes a leaf named
// "undecoded", whose meaning is the failure, and the cursor goes on after the
// group as if it had been read. Contain returns the failure. Groups that body
// left open are closed.
func (c *Cursor) Contain(body func()) *Error {
	depth := c.depth
	if c.err != nil {
		return nil
	}
	body()
	failure := c.err
	if failure == nil {
		return nil
	}
	c.err = nil
	for i := c.depth; i > depth; i-- {
		if n := c.stack[i].node; n != nil {
			n.stretch()
		}
		c.stack[i].node = nil
	}
	c.depth = depth
	c.stack[depth].next = false
	left := c.Left()
	c.leaf(Bytes, "undecoded", c.off, left, 0)
	c.Means(failure.Error())
	c.off += left
	return failure
}
