// The cursor: where a decoder stands, what it has read, and how it ends.

package field

// maxDepth bounds the nesting of groups in one decode. The deepest message of
// TLS 1.2 needs seven; deeper input is an error, not a panic.
const maxDepth = 12

// A Cursor reads a byte string from front to back by field name.
//
// The first failure sticks: every later read returns a zero value and consumes
// nothing, [Cursor.More] returns false, and [Cursor.Err] says what went wrong
// first. A decoder can thus be a plain sequence of reads, with one check at the
// end.
//
// Byte slices that a cursor returns alias its input. The input is never
// written to. The zero Cursor reads an empty string.
type Cursor struct {
	data  []byte
	off   int
	depth int
	stack [maxDepth]frame

	// The last field read, for Bits, Means and Failf.
	last lastField

	err *Error
	rec bool
}

// frame is one group that is being read: a message, a vector, a list item.
type frame struct {
	name  string
	index int  // position in the enclosing list, or -1
	items int  // list items begun inside this frame
	next  bool // the next field or group is an item
	start int
	end   int  // the group may not read past this offset
	exact bool // Leave requires that the group is used up
	node  *Node
}

type lastField struct {
	name  string
	off   int
	value uint64
	node  *Node
}

// New returns a cursor over data. Name is the root of every error's path:
// the structure that data holds ("ClientHello", "IPv4").
func New(name string, data []byte) Cursor {
	c := Cursor{data: data}
	c.stack[0] = frame{name: name, index: -1, end: len(data)}
	return c
}

// Record returns a cursor over data that also records a tree of what is read.
func Record(name string, data []byte) Cursor {
	c := New(name, data)
	c.rec = true
	c.stack[0].node = &Node{Name: name, Index: -1, Kind: Group, Length: len(data)}
	return c
}

// Recording reports whether the cursor records. Decoders use it to skip work
// that is needed only for the tree, such as formatting a meaning.
func (c *Cursor) Recording() bool { return c.rec }

// Trial returns a copy that reads on from the same place and records nothing,
// to find out what the bytes ahead are before they are read.
func (c *Cursor) Trial() Cursor {
	t := *c
	t.rec = false
	return t
}

// Tree returns the recorded tree, or nil without a recorder. After a failure
// the tree holds what was read before the failure.
func (c *Cursor) Tree() *Node { return c.stack[0].node }

// Err returns the first failure as an [*Error], or nil.
func (c *Cursor) Err() error {
	if c.err == nil {
		return nil
	}
	return c.err
}

// Offset returns the number of bytes read so far.
func (c *Cursor) Offset() int { return c.off }

// Left returns the number of bytes left in the current group.
func (c *Cursor) Left() int {
	if c.err != nil {
		return 0
	}
	return c.stack[c.depth].end - c.off
}

// More reports whether the current group has bytes left.
func (c *Cursor) More() bool { return c.Left() > 0 }

// Ahead returns the bytes left in the current group without reading them. The
// result aliases the input.
func (c *Cursor) Ahead() []byte { return c.data[c.off : c.off+c.Left()] }

// End requires that the current group is used up: bytes left over are a
// failure. It returns Err. It is how a decoder ends that is handed a group it
// did not open.
func (c *Cursor) End() error {
	if n := c.Left(); n > 0 {
		c.fail(c.off, "", leftOver(n))
	}
	return c.Err()
}

// Done ends the decode: bytes left over in the root are a failure. It returns
// Err.
func (c *Cursor) Done() error {
	if c.err == nil && c.depth != 0 {
		panic("field: Done inside a group: a Leave is missing")
	}
	return c.End()
}
