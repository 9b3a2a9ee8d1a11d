// Reads of single fields: integers, named numbers, bits and byte strings.

package field

import "fmt"

// Uint8 reads one byte.
func (c *Cursor) Uint8(name string) uint8 { return uint8(c.uint(name, 1)) }

// Uint16 reads a big-endian 16-bit integer.
func (c *Cursor) Uint16(name string) uint16 { return uint16(c.uint(name, 2)) }

// Uint24 reads a big-endian 24-bit integer.
func (c *Cursor) Uint24(name string) uint32 { return uint32(c.uint(name, 3)) }

// Uint32 reads a big-endian 32-bit integer.
func (c *Cursor) Uint32(name string) uint32 { return uint32(c.uint(name, 4)) }

// Uint64 reads a big-endian 64-bit integer.
func (c *Cursor) Uint64(name string) uint64 { return c.uint(name, 8) }

// Enum8 reads one byte as a named type, whose String method gives the recorded
// meaning.
func Enum8[T interface {
	~uint8
	fmt.Stringer
}](c *Cursor, name string) T {
	v := T(c.uint(name, 1))
	if c.rec {
		c.Means(v.String())
	}
	return v
}

// Enum16 reads a big-endian 16-bit integer as a named type, whose String method
// gives the recorded meaning.
func Enum16[T interface {
	~uint16
	fmt.Stringer
}](c *Cursor, name string) T {
	v := T(c.uint(name, 2))
	if c.rec {
		c.Means(v.String())
	}
	return v
}

// Bytes reads n bytes. The result aliases the input.
func (c *Cursor) Bytes(name string, n int) []byte {
	b, off, ok := c.take(name, n)
	if !ok {
		return nil
	}
	c.leaf(Bytes, name, off, n, 0)
	return b
}

// Rest reads all that is left of the current group. The result aliases the
// input; it is empty, not nil, when nothing is left.
func (c *Cursor) Rest(name string) []byte {
	if c.err != nil {
		return nil
	}
	return c.Bytes(name, c.Left())
}

// Opaque8 reads a vector with a one-byte length, opaque name<min..max> in
// RFC 5246's presentation language (section 4.3). The result aliases the
// input and does not include the length.
func (c *Cursor) Opaque8(name string, min, max int) []byte { return c.opaque(name, 1, min, max) }

// Opaque16 reads a vector with a two-byte length, as Opaque8 does.
func (c *Cursor) Opaque16(name string, min, max int) []byte { return c.opaque(name, 2, min, max) }

// Opaque24 reads a vector with a three-byte length, as Opaque8 does.
func (c *Cursor) Opaque24(name string, min, max int) []byte { return c.opaque(name, 3, min, max) }

// Bits returns width bits of the integer read last, shift bits above its
// least significant, and records them as a part of that field.
func (c *Cursor) Bits(name string, shift, width uint) uint64 {
	v := c.last.value >> shift & (1<<width - 1)
	if c.rec && c.err == nil && c.last.node != nil {
		n := c.last.node
		n.Children = append(n.Children, &Node{
			Name: name, Index: -1, Kind: BitField, Value: v,
			Offset: n.Offset, Length: n.Length, Shift: shift, Width: width,
		})
	}
	return v
}

// Means attaches a meaning for the reader to the field read last: "TLS 1.2"
// beside 0x0303. Without a recorder it does nothing.
func (c *Cursor) Means(meaning string) {
	if !c.rec || c.err != nil || c.last.node == nil {
		return
	}
	n := c.last.node
	if k := len(n.Children); n.Kind == Uint && k > 0 {
		n = n.Children[k-1] // the bits that were named last
	}
	n.Meaning = meaning
}

func (c *Cursor) uint(name string, size int) uint64 {
	b, off, ok := c.take(name, size)
	if !ok {
		return 0
	}
	var v uint64
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	c.leaf(Uint, name, off, size, v)
	return v
}

func (c *Cursor) opaque(name string, prefix, min, max int) []byte {
	c.enterVector(name, prefix, min, max)
	b := c.Rest("bytes")
	if c.rec && c.err == nil {
		c.last.node = c.stack[c.depth].node // a meaning belongs to the vector
	}
	c.Leave()
	return b
}

// take consumes n bytes of the current group, or fails for the field name.
func (c *Cursor) take(name string, n int) (b []byte, off int, ok bool) {
	if c.err != nil {
		return nil, 0, false
	}
	off = c.off
	left := c.stack[c.depth].end - off
	if n < 0 || n > left {
		c.fail(off, name, tooShort(n, left))
		return nil, 0, false
	}
	c.off += n
	return c.data[off:c.off:c.off], off, true
}

// leaf remembers the field just read, and records it if there is a recorder.
func (c *Cursor) leaf(kind Kind, name string, off, n int, v uint64) {
	c.last = lastField{name: name, off: off, value: v}
	index := c.place()
	if !c.rec {
		return
	}
	node := &Node{Name: name, Index: index, Kind: kind, Offset: off, Length: n, Value: v}
	c.last.node = node
	p := c.stack[c.depth].node
	p.Children = append(p.Children, node)
}
