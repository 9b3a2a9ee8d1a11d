// The tree of one TLS record, with the messages in it.

package dissect

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
)

// wireTree is a record's tree as it is on the wire, with offsets from its
// beginning.
func (r *record) wireTree(s *stream) *field.Node {
	if r.tree != nil {
		return r.tree
	}
	if r.Missing > 0 {
		r.tree = r.cutTree()
		return r.tree
	}
	if r.Version == tlsmsg.VersionSSL20 {
		tree := tlsmsg.ExplainV2Record(r.Wire)
		if content := tree.Find("bytes"); content != nil {
			r.messages(s, content)
		}
		return tree
	}
	tree, _ := tlsmsg.ExplainRecord(r.Wire)
	content := tree.Find("fragment", "bytes")
	switch {
	case content == nil || content.Length == 0:
	case r.Encrypted:
		r.protected(content, r.Wire)
	case r.Type == tlsmsg.ContentHandshake:
		r.messages(s, content)
		if r.shaken+len(r.Plaintext) > s.told {
			return tree // more will be known later
		}
	default:
		inside, _ := tlsmsg.ExplainContent(r.Type, r.Wire[content.Offset:], tlsmsg.Context{})
		unwrap(tree, content, []*field.Node{place(inside, content.Offset, 0, len(r.Wire))})
	}
	r.tree = tree
	return tree
}

// unwrap replaces the leaf that is a fragment's content by trees.
func unwrap(tree, leaf *field.Node, inside []*field.Node) {
	fragment := tree.Find("fragment")
	fragment.Children = append(fragment.Children[:len(fragment.Children)-1:len(fragment.Children)-1], inside...)
	fill(fragment, fragment.Offset, leaf.Offset+leaf.Length, "data", "")
}

// protected says what is known about ciphertext.
func (r *record) protected(content *field.Node, wire []byte) {
	if r.suite == nil {
		content.Name = "ciphertext"
		return
	}
	b := wire[content.Offset : content.Offset+content.Length]
	c := field.Record("fragment", b)
	r.suite.DecodeFragment(&c, r.etm)
	group := c.Tree().Children[0]
	*content = *place(group, content.Offset, 0, len(wire))
}

// messages puts the handshake messages, or parts of them, that a record carries
// into its tree.
func (r *record) messages(s *stream, content *field.Node) {
	lo, hi := content.Offset, content.Offset+content.Length
	var inside []*field.Node
	for _, m := range s.within(r) {
		if m.tree == nil {
			m.tree, _ = m.Tree()
		}
		if n := place(m.tree, lo+m.start-r.shaken, lo, hi); n != nil {
			inside = append(inside, n)
		}
	}
	fragment := &field.Node{Name: "handshake", Index: -1, Kind: field.Group, Offset: lo, Length: hi - lo, Children: inside}
	fill(fragment, lo, hi, "undecoded", "a part of a message of which the rest is missing")
	if len(fragment.Children) == 1 {
		*content = *fragment.Children[0]
		return
	}
	*content = *fragment
}
