// The extension block of a message (RFC 5246, section 7.4.1.4; RFC 9846,
// section 4.3).

package tlsmsg

import (
	"errors"

	"github.com/rawshake/rawshake/field"
)

// readExtensions reads the block of a hello, which may leave it out, into the
// storage of list.
func readExtensions(c *field.Cursor, list []Extension, in HandshakeType) (_ []Extension, present bool) {
	if !c.More() {
		return list[:0], false
	}
	return readBlock(c, list, in), true
}

// readBlock reads a block into the storage of list. Without a recorder it
// leaves the data of each extension alone. With a recorder it decodes those
// that it knows, for the tree.
func readBlock(c *field.Cursor, list []Extension, in HandshakeType) []Extension {
	list = list[:0]
	c.Enter16("extensions", 0, max16)
	list = room(list, countExtensions(c.Ahead()))
	for c.More() {
		c.Item()
		t := field.Enum16[ExtensionType](c, "extension_type")
		var data []byte
		if c.Recording() {
			data = recordData(c, t, in)
		} else {
			data = c.Opaque16(dataName(t), 0, max16)
		}
		c.Leave()
		if c.Err() == nil {
			list = append(list, Extension{Type: t, Data: data})
		}
	}
	c.Leave()
	return list
}

// recordData reads extension_data into the tree. Malformed data is reported
// when the extension is decoded to be used. Here it must not hide the rest of
// the message, so it becomes one leaf that says what is wrong.
func recordData(c *field.Cursor, t ExtensionType, in HandshakeType) []byte {
	c.Enter16(dataName(t), 0, max16)
	data := c.Ahead()
	v := NewExtensionData(t)
	switch {
	case v == nil && len(data) > 0:
		c.Rest("bytes")
	case v != nil:
		if err := (Extension{Type: t, Data: data}).Decode(v, in); err != nil {
			shift(err, "", c.Offset())
			c.Rest("malformed")
			c.Means(err.Error())
			break
		}
		_ = decodeData(v, c, in) // has just succeeded on the same bytes
	}
	c.Leave()
	return data
}

func appendExtensions(b []byte, list []Extension, present bool) []byte {
	if !present && len(list) == 0 {
		return b
	}
	b, at := open16(b)
	for _, e := range list {
		b = append16(b, e.Type)
		b = appendOpaque16(b, e.Data)
	}
	return close16(b, at)
}

// countExtensions counts what a block holds, to size the slice. It stops where
// the block is malformed.
func countExtensions(block []byte) (n int) {
	for len(block) >= 4 {
		next := 4 + int(block[2])<<8 + int(block[3])
		if next > len(block) {
			break
		}
		block = block[next:]
		n++
	}
	return n
}

// dataName names extension_data in paths and trees after the extension,
// "server_name", where that has a name.
func dataName(t ExtensionType) string {
	if s := extensionTypes.name(t); s != "" {
		return s
	}
	return "extension_data"
}

// shift moves a *field.Error from the input that it was found in to a larger
// one: its path gets a prefix, its offset counts from the larger one's start.
func shift(err error, prefix string, offset int) {
	var fe *field.Error
	if errors.As(err, &fe) {
		fe.Path = prefix + fe.Path
		fe.Offset += offset
	}
}

// itemOffset returns where the extension at position i begins, if the first
// one begins at offset.
func itemOffset(list []Extension, i, offset int) int {
	for _, e := range list[:i] {
		offset += 4 + len(e.Data)
	}
	return offset
}

// DuplicateExtension returns the positions of two extensions of one type, or
// false. It takes time in proportion to the list, whatever a peer sent.
func DuplicateExtension(list []Extension) (first, second int, found bool) {
	if len(list) <= fewExtensions {
		for i, e := range list {
			if first = FindExtension(list[:i], e.Type); first >= 0 {
				return first, i, true
			}
		}
		return 0, 0, false
	}
	return duplicateOfMany(list)
}

// fewExtensions is the number up to which comparing each with each is cheaper
// than clearing a table of all types.
const fewExtensions = 32

func duplicateOfMany(list []Extension) (first, second int, found bool) {
	var seen [1 << 16 / 64]uint64
	for i, e := range list {
		word, bit := e.Type>>6, uint64(1)<<(e.Type&63)
		if seen[word]&bit != 0 {
			return FindExtension(list, e.Type), i, true
		}
		seen[word] |= bit
	}
	return 0, 0, false
}
