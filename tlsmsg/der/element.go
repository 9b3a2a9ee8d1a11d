// The elements of DER, and of BER where certificates have it: tag, length,
// contents.

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
	tagEnd             tag = 0x00 // of contents of no stated length
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
	tagUniversalString tag = 0x1c
	tagBMPString       tag = 0x1e
	tagSequence        tag = 0x30
	tagSet             tag = 0x31
)

var tagNames = map[tag]string{
	tagBoolean: "BOOLEAN", tagInteger: "INTEGER", tagBitString: "BIT STRING", tagOctetString: "OCTET STRING",
	tagNull: "NULL", tagOID: "OBJECT IDENTIFIER", tagEnumerated: "ENUMERATED", tagUTF8String: "UTF8String",
	tagNumericString: "NumericString", tagPrintableString: "PrintableString", tagTeletexString: "TeletexString",
	tagIA5String: "IA5String", tagUTCTime: "UTCTime", tagGeneralizedTime: "GeneralizedTime",
	tagVisibleString: "VisibleString", tagUniversalString: "UniversalString", tagBMPString: "BMPString",
	tagSequence: "SEQUENCE", tagSet: "SET",
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
// with body, which is told the tag and should leave nothing over.
func (d *decoder) element(name string, body func(*decoder, tag)) {
	d.Enter(name)
	d.contents(body)
	d.Leave()
}

// item is element for the next one of a list.
func (d *decoder) item(body func(*decoder, tag)) {
	d.Item()
	d.contents(body)
	d.Leave()
}

// contents reads an element in a group that has begun. What body cannot read
// ends with the element.
func (d *decoder) contents(body func(*decoder, tag)) {
	t := field.Enum8[tag](d.Cursor, "tag")
	if t&highNumber == highNumber {
		d.Failf("a tag of several octets")
	}
	n, open := d.length()
	if d.Err() != nil {
		return
	}
	if open {
		d.note(IndefiniteLength)
		d.Limit(n + 2)
		d.EnterN("contents", n)
		d.contained(t, body)
		d.Leave()
		d.Uint16("end_of_contents")
		return
	}
	d.Limit(n)
	d.contained(t, body)
}

func (d *decoder) contained(t tag, body func(*decoder, tag)) {
	failure := d.Contain(func() {
		body(d, t)
		if d.More() { // more than RFC 5280 defines
			d.note(TrailingElement)
			d.anything()
		}
	})
	if failure != nil {
		d.note(Unreadable)
	}
}

// length reads length octets (X.690, section 8.1.3), which need not be as few
// as DER has them (section 10.1). Of contents of no stated length, which end at
// an element of two zeros, it finds the length, and reports that they are open.
func (d *decoder) length() (n int, open bool) {
	ahead := d.Ahead()
	n, size := lengthOf(ahead)
	switch {
	case size == 0 && len(ahead) > 0:
		d.Bytes("length_octets", min(1+int(ahead[0]&0x7f), len(ahead)))
		d.Failf("length of %d octets, expected 1 to %d and all of them", ahead[0]&0x7f, maxLengthOctets)
		return 0, false
	case size <= 1:
		d.Uint8("length_octets")
		if n >= 0 {
			return n, false
		}
		n, ok := endOf(d.Ahead(), maxOpen)
		if !ok {
			d.Failf("a length that is not stated, and contents without an end")
		}
		return n, true
	}
	octets := d.Bytes("length_octets", size)
	if d.Recording() {
		d.Means(strconv.Itoa(n))
	}
	d.noteIf(octets[1] == 0 || n < 0x80, LongLength)
	return n, false
}

// Bounds on lengths: on their octets, on the length itself (no message of TLS
// holds more), and on elements of no stated length in each other.
const (
	maxLengthOctets = 8
	maxLength       = 1 << 25
	maxOpen         = 16
)

// lengthOf reads the length octets at the beginning of b, and returns how many
// there are: none if they are cut off or too many. A length that is not stated
// is -1.
func lengthOf(b []byte) (n, size int) {
	switch {
	case len(b) == 0:
		return 0, 0
	case b[0] < 0x80:
		return int(b[0]), 1
	case b[0] == 0x80:
		return -1, 1
	}
	size = 1 + int(b[0]&0x7f)
	if size > 1+maxLengthOctets || size > len(b) {
		return 0, 0
	}
	for _, x := range b[1:size] {
		n = min(n<<8|int(x), maxLength)
	}
	return n, size
}

// endOf returns how long contents of no stated length are, which must end
// within b.
func endOf(b []byte, depth int) (n int, ok bool) {
	for depth > 0 && len(b)-n >= 2 {
		if b[n] == 0 && b[n+1] == 0 {
			return n, true
		}
		size, ok := sizeOf(b[n:], depth)
		if !ok {
			return 0, false
		}
		n += size
	}
	return 0, false
}

// sizeOf returns the size of the first element of b.
func sizeOf(b []byte, depth int) (int, bool) {
	if len(b) < 2 || tag(b[0])&highNumber == highNumber {
		return 0, false
	}
	n, size := lengthOf(b[1:])
	if n < 0 {
		n, ok := endOf(b[2:], depth-1)
		return n + 4, ok
	}
	return 1 + size + n, size > 0 && n <= len(b)-1-size
}

// sequence reads an element whose contents are elements, with body.
func (d *decoder) sequence(name string, body func(*decoder)) {
	d.element(name, func(d *decoder, t tag) { d.structure(t, body) })
}

// structure reads contents that should be elements, with body.
func (d *decoder) structure(t tag, body func(*decoder)) {
	if !t.constructed() {
		d.note(UnexpectedType)
		d.primitive(t)
		return
	}
	body(d)
}

// listOf reads an element that is a list.
func (d *decoder) listOf(name string, each func(*decoder, tag)) {
	d.sequence(name, func(d *decoder) { d.items(each) })
}

func (d *decoder) items(each func(*decoder, tag)) {
	for d.More() {
		d.item(each)
	}
}

// next returns the tag of the next element in the group, or 0.
func (d *decoder) next() tag {
	if ahead := d.Ahead(); len(ahead) > 0 {
		return tag(ahead[0])
	}
	return 0
}

// optional reads the element if its tag is the next, and reports whether it was.
func (d *decoder) optional(t tag, name string, body func(*decoder, tag)) bool {
	if d.Err() != nil || !d.More() || d.next().number() != t.number() {
		return false
	}
	d.element(name, body)
	return true
}

// explicit returns a body for an element that only wraps another.
func explicit(name string, body func(*decoder, tag)) func(*decoder, tag) {
	return func(d *decoder, _ tag) { d.element(name, body) }
}
