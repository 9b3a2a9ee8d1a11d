// Groups of fields: structs, vectors with a length, and lists.

package field

// Enter begins a group of fields that belong together but have no length of
// their own, such as a fixed struct. Leave ends it.
func (c *Cursor) Enter(name string) {
	if c.err == nil {
		c.push(frame{name: name, start: c.off, end: c.stack[c.depth].end})
	}
}

// EnterN begins a group of exactly n bytes. Leave fails if any are left.
func (c *Cursor) EnterN(name string, n int) {
	if c.err != nil {
		return
	}
	if left := c.Left(); n < 0 || n > left {
		c.fail(c.off, name, tooShort(n, left))
		return
	}
	c.push(frame{name: name, start: c.off, end: c.off + n, exact: true})
}

// Enter8 begins a vector with a one-byte length, name<min..max> in bytes (RFC
// 5246, section 4.3). Leave fails if any of it is left.
func (c *Cursor) Enter8(name string, min, max int) { c.enterVector(name, 1, min, max) }

// Enter16 begins a vector with a two-byte length.
func (c *Cursor) Enter16(name string, min, max int) { c.enterVector(name, 2, min, max) }

// Enter24 begins a vector with a three-byte length.
func (c *Cursor) Enter24(name string, min, max int) { c.enterVector(name, 3, min, max) }

// Limit ends the current group after n more bytes, for a length that was read
// separately. Leave fails if any are left.
func (c *Cursor) Limit(n int) {
	if c.err != nil {
		return
	}
	if left := c.Left(); n < 0 || n > left {
		c.Failf("%s", lengthExceeds(n, left))
		return
	}
	f := &c.stack[c.depth]
	f.end, f.exact = c.off+n, true
}

// Item begins the next element of a list, in a group that was entered before:
//
//	c.Enter16("extensions", 0, 1<<16-1)
//	for c.More() {
//		c.Item()
//		…
//		c.Leave()
//	}
//	c.Leave()
//
// Its path is the list's name with an index: extensions[3].
func (c *Cursor) Item() {
	if c.err != nil {
		return
	}
	f := &c.stack[c.depth]
	f.next = true
	c.push(frame{name: f.name, start: c.off, end: f.end})
}

// Element says that the next field or group is an element of the list that the
// current group holds, and is all that the element consists of:
//
//	c.Enter16("cipher_suites", 2, 1<<16-2)
//	for c.More() {
//		c.Element()
//		c.Uint16("cipher_suite")
//	}
//	c.Leave()
//
// Its path is its own name with an index: cipher_suites.cipher_suite[3].
func (c *Cursor) Element() { c.stack[c.depth].next = true }

// place returns the list position of the field or group that begins now, or -1.
func (c *Cursor) place() int {
	f := &c.stack[c.depth]
	if !f.next {
		return -1
	}
	f.next = false
	f.items++
	return f.items - 1
}

// Leave ends the current group. A group with a length of its own must have been
// used up.
func (c *Cursor) Leave() {
	if c.err != nil {
		return
	}
	if c.depth == 0 {
		panic("field: Leave without Enter")
	}
	f := &c.stack[c.depth]
	if f.exact && c.off < f.end {
		c.fail(c.off, "", leftOver(f.end-c.off))
		return
	}
	if f.node != nil {
		f.node.Length = c.off - f.node.Offset
	}
	f.node = nil
	c.depth--
}

func (c *Cursor) enterVector(name string, prefix, min, max int) {
	if c.err != nil {
		return
	}
	start := c.off
	// The length belongs to the vector: its span covers both.
	c.push(frame{name: name, start: start, end: c.stack[c.depth].end})
	n := int(c.uint("length", prefix))
	if c.err != nil {
		return
	}
	left := c.Left()
	switch {
	case n > left:
		c.fail(start, "", lengthExceeds(n, left))
	case n < min || n > max:
		c.fail(start, "", lengthOutside(n, min, max))
	default:
		f := &c.stack[c.depth]
		f.end, f.exact = c.off+n, true
	}
}

func (c *Cursor) push(f frame) {
	if c.depth+1 == maxDepth {
		c.fail(c.off, f.name, "nested too deeply")
		return
	}
	f.index = c.place()
	if c.rec {
		f.node = &Node{Name: f.name, Index: f.index, Kind: Group, Offset: f.start}
		p := c.stack[c.depth].node
		p.Children = append(p.Children, f.node)
	}
	c.depth++
	c.stack[c.depth] = f
}
