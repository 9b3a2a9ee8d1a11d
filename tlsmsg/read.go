// What decoders share: reading lists into storage that is used again.

package tlsmsg

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// The limits of RFC 5246's vectors, by the number of bytes of their length.
const (
	max8  = 1<<8 - 1
	max16 = 1<<16 - 1
	max24 = 1<<24 - 1
)

// number8 and number16 are the registry types.
type (
	number8 interface {
		~uint8
		fmt.Stringer
	}
	number16 interface {
		~uint16
		fmt.Stringer
	}
)

// readList8 reads a vector of one-byte numbers, T name<min..255>, into the
// storage of list.
func readList8[T number8](c *field.Cursor, list []T, name, item string, min int) []T {
	c.Enter8(name, min, max8)
	list = room(list, c.Left())
	for c.More() {
		c.Element()
		list = append(list, field.Enum8[T](c, item))
	}
	c.Leave()
	return list
}

// readList16 reads a vector of 16-bit numbers, T name<min..2^16-2>, into the
// storage of list.
func readList16[T number16](c *field.Cursor, list []T, name, item string, min int) []T {
	c.Enter16(name, min, max16-1)
	list = room(list, c.Left()/2)
	for c.More() {
		c.Element()
		list = append(list, field.Enum16[T](c, item))
	}
	c.Leave()
	return list
}

// readOpaqueList16 reads a vector of vectors with two-byte lengths, each item
// of at least one byte. A recorder also gets the tree that inside, if it is not
// nil, makes of each.
func readOpaqueList16(c *field.Cursor, list [][]byte, name, item string, min int, inside func([]byte) *field.Node) [][]byte {
	c.Enter16(name, min, max16)
	list = list[:0]
	for c.More() {
		c.Element()
		b := c.Opaque16(item, 1, max16)
		list = append(list, b)
		if c.Recording() && inside != nil {
			c.Graft(inside(b))
		}
	}
	c.Leave()
	return list
}

// room empties list and ensures capacity for n elements, so that a decode into
// a used value allocates nothing and one into a fresh value allocates once. n
// never exceeds the number of bytes left. If n is 0 a nil list stays nil.
func room[T any](list []T, n int) []T {
	if cap(list) < n {
		return make([]T, 0, n)
	}
	return list[:0]
}
