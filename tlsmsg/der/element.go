// DER's elements: tag, length, contents.

package der

import (
	"strconv"

	"github.com/rawshake/rawshake/field"
)

// A tag is an identifier octet: class, whether constructed, and number
// (X.690, section 8.1.2). Certificates use no numbers beyond 30.
type tag uint8

// Universal types (X.680, section 8.4).
const (
	tagBoolean         tag = 0x01
	tagInteger         tag = 0x02
	tagBitString       tag = 0x03
	tagOctetString     tag = 0x04
	tagNull            tag = 0x05
	tagOID             tag = 0x06
	tagEnumerated      tag = 0x0a
	tagUTF8String      tag = 0x0c
	tagNumericString   tag = 0x12
	tagPrintableString tag = 0x13
	tagTeletexString   tag = 0x14
	tagIA5String       tag = 0x16
	tagUTCTime         tag = 0x17
	tagGeneralizedTime tag = 0x18
	tagVisibleString   tag = 0x1a
	tagBMPString       tag = 0x1e
	tagSequence        tag = 0x30
	tagSet             tag = 0x31
)

var tagNames = map[tag]string{
	tagBoolean: "BOOLEAN", tagInteger: "INTEGER", tagBitString: "BIT STRING", tagOctetString: "OCTET STRING",
	tagNull: "NULL", tagOID: "OBJECT IDENTIFIER", tagEnumerated: "ENUMERATED", tagUTF8String: "UTF8String",
	tagNumericString: "NumericString", tagPrintableString: "PrintableString", tagTeletexString: "TeletexString",
	tagIA5String: "IA5String", tagUTCTime: "UTCTime", tagGeneralizedTime: "GeneralizedTime",
	tagVisibleString: "VisibleString", tagBMPString: "BMPString", tagSequence: "SEQUENCE", tagSet: "SET",
}

const (
	constructed     = 0x20
	classMask       = 0xc0
	contextSpecific = 0x80
	highNumber      = 0x1f // the number follows in octets of its own
)

// context is the context-specific tag of a number.
func context(n tag) tag { return contextSpecific | n }

func (t tag) constructed() bool { return t&constructed != 0 }

// number is the tag without the bit that says how the contents are made up.
func (t tag) number() tag { return t &^ constructed }

func (t tag) String() string {
	if name, ok := tagNames[t]; ok {
		return name
	}
	n := strconv.Itoa(int(t & highNumber))
	switch t & classMask {
	case contextSpecific:
		return "[" + n + "]"
	case 0:
		return "[UNIVERSAL " + n + "]"
	case 0x40:
		return "[APPLICATION " + n + "]"
	}
	return "[PRIVATE " + n + "]"
}

// element reads one element as a group: its tag, its length, and its contents
// with body, which is told the tag and must leave nothing over.
func element(c *field.Cursor, name string, body func(*field.Cursor, tag)) {
	c.Enter(name)
	contents(c, body)
	c.Leave()
}

// item is element for the next one of a list.
func item(c *field.Cursor, body func(*field.Cursor, tag)) {
	c.Item()
	contents(c, body)
	c.Leave()
}

// contents reads an element in a group that has begun.
func contents(c *field.Cursor, body func(*field.Cursor, tag)) {
	t := field.Enum8[tag](c, "tag")
	if t&highNumber == highNumber {
		c.Failf("a tag of several octets")
	}
	length(c)
	if c.Err() != nil {
		return
	}
	body(c, t)
	if c.More() { // more than RFC 5280 defines
		anything(c)
	}
}

// length reads length octets (X.690, section 8.1.3) and ends the group there.
// DER has no indefinite lengths (section 10.1).
func length(c *field.Cursor) {
	ahead := c.Ahead()
	if len(ahead) == 0 || ahead[0] < 0x80 {
		c.Limit(int(c.Uint8("length_octets")))
		return
	}
	size := int(ahead[0] & 0x7f)
	if size == 0 || size > 3 { // no message of TLS holds more than 2^24 bytes
		c.Uint8("length_octets")
		c.Failf("length of %d octets, expected 1 to 3", size)
		return
	}
	octets := c.Bytes("length_octets", 1+size)
	if c.Err() != nil {
		return
	}
	n := 0
	for _, b := range octets[1:] {
		n = n<<8 | int(b)
	}
	c.Means(strconv.Itoa(n))
	c.Limit(n)
}

// sequence reads an element whose contents are elements, with body.
func sequence(c *field.Cursor, name string, body func(*field.Cursor)) {
	element(c, name, func(c *field.Cursor, t tag) {
		if !t.constructed() {
			primitive(c, t)
			return
		}
		body(c)
	})
}

// listOf reads an element that is a list.
func listOf(c *field.Cursor, name string, each func(*field.Cursor, tag)) {
	sequence(c, name, func(c *field.Cursor) { items(c, each) })
}

func items(c *field.Cursor, each func(*field.Cursor, tag)) {
	for c.More() {
		item(c, each)
	}
}

// next returns the tag of the next element in the group, or 0.
func next(c *field.Cursor) tag {
	if ahead := c.Ahead(); len(ahead) > 0 {
		return tag(ahead[0])
	}
	return 0
}

// optional reads the element if its tag is the next.
func optional(c *field.Cursor, t tag, name string, body func(*field.Cursor, tag)) {
	if c.Err() == nil && next(c).number() == t.number() && c.More() {
		element(c, name, body)
	}
}

// explicit returns a body for an element that only wraps another.
func explicit(name string, body func(*field.Cursor, tag)) func(*field.Cursor, tag) {
	return func(c *field.Cursor, _ tag) { element(c, name, body) }
}

// whole decodes data with body into a tree of its own.
func whole(name string, data []byte, body func(*field.Cursor)) *field.Node {
	c := field.Record(name, data)
	body(&c)
	c.Done()
	return c.Whole()
}

// inside decodes the byte string read last again, as what it holds. Errors in
// there do not affect the outer decode.
func inside(c *field.Cursor, name string, data []byte, body func(*field.Cursor)) {
	if c.Err() == nil && len(data) > 0 {
		c.Graft(whole(name, data, body))
	}
}
