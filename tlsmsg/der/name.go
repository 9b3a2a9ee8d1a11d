// Distinguished names, and the alternatives of GeneralName.

package der

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rawshake/rawshake/field"
)

// A DistinguishedName is a sequence of sets of attributes, nearly always of one
// each (RFC 5280, section 4.1.2.4).
type DistinguishedName [][]Attribute

// An Attribute is one part of a name.
type Attribute struct {
	Type  string // the identifier in dotted form
	Value string // text from the network; octets that are no text are replaced
}

// shortNames are RFC 4514's short names for attributes, and two more that
// everybody uses.
var shortNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET",
	"2.5.4.10": "O", "2.5.4.11": "OU", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
}

// String writes a name as RFC 4514 does: the last attribute first.
func (n DistinguishedName) String() string {
	var b strings.Builder
	for i, set := range slices.Backward(n) {
		for j, a := range set {
			if j > 0 {
				b.WriteByte('+')
			}
			id, ok := shortNames[a.Type]
			if !ok {
				id = a.Type
			}
			b.WriteString(id)
			b.WriteByte('=')
			_, _ = escaped.WriteString(&b, a.Value)
		}
		if i > 0 {
			b.WriteByte(',')
		}
	}
	return b.String()
}

// escaped replaces characters with a meaning in RFC 4514 (section 2.4).
var escaped = strings.NewReplacer(",", `\,`, "+", `\+`, `"`, `\"`, `\`, `\\`, "<", `\<`, ">", `\>`, ";", `\;`)

// Find returns the values of an attribute, in their order.
func (n DistinguishedName) Find(id string) (values []string) {
	for _, set := range n {
		for _, a := range set {
			if a.Type == id {
				values = append(values, a.Value)
			}
		}
	}
	return values
}

// Name returns the tree of a distinguished name (RFC 5280, section 4.1.2.4).
// Its root is named "Name".
func Name(b []byte) *field.Node {
	return whole("Name", b, func(d *decoder) {
		d.contents(func(d *decoder, t tag) { d.relativeNames() })
	})
}

// ParseName reads a distinguished name, as far as it can be read.
func ParseName(b []byte) (n DistinguishedName) {
	c := field.New("Name", b)
	d := decoder{Cursor: &c, says: new(Description)}
	d.contents(func(d *decoder, _ tag) { n = d.relativeNames() })
	return n
}

// name reads an element that is a distinguished name.
func (d *decoder) name(label string) (n DistinguishedName) {
	d.sequence(label, func(d *decoder) { n = d.relativeNames() })
	return n
}

func (d *decoder) relativeNames() (n DistinguishedName) {
	d.items(func(d *decoder, t tag) {
		if !t.constructed() {
			d.note(UnexpectedType)
			d.primitive(t)
			return
		}
		n = append(n, d.attributes())
	})
	return n
}

func (d *decoder) attributes() (set []Attribute) {
	d.noteIf(!d.More(), EmptyName)
	for d.More() {
		d.Element()
		d.sequence("attribute", func(d *decoder) {
			var a Attribute
			d.element("type", func(d *decoder, t tag) { a.Type = dotted(d.value(t)) })
			d.element("value", func(d *decoder, t tag) { a.Value = d.attributeValue(a.Type, t) })
			set = append(set, a)
		})
	}
	return set
}

// upperBounds are how many characters attributes may have (RFC 5280, appendix
// A.1).
var upperBounds = map[string]int{
	"2.5.4.3": 64, "2.5.4.5": 64, "2.5.4.6": 2, "2.5.4.7": 128, "2.5.4.8": 128, "2.5.4.10": 64, "2.5.4.11": 64,
	"2.5.4.12": 64, "1.2.840.113549.1.9.1": 255,
}

func (d *decoder) attributeValue(id string, t tag) string {
	b := d.value(t)
	if t.constructed() {
		d.note(UnexpectedType)
		return "0x" + hex.EncodeToString(b)
	}
	d.noteIf(!fits(t, b), BadString)
	s := text(t, b)
	d.noteIf(strings.Contains(s, "\x00"), NULInString)
	n := utf8.RuneCountInString(s)
	limit, bounded := upperBounds[id]
	d.noteIf(bounded && n > limit || id == "2.5.4.6" && n != 2, NameLength)
	d.noteIf(n == 0 && bounded, EmptyName)
	return s
}

// A GeneralName is a name of any of several kinds (RFC 5280, section 4.2.1.6).
type GeneralName struct {
	Kind  string // dNSName, iPAddress, rfc822Name, uniformResourceIdentifier, directoryName, otherName, …
	Value string // text from the network; what is no text is in hexadecimal, after 0x
}

// generalNames are the alternatives of GeneralName by their tags.
var generalNames = map[tag]string{
	context(0): "otherName", context(1): "rfc822Name", context(2): "dNSName", context(3): "x400Address",
	context(4): "directoryName", context(5): "ediPartyName", context(6): "uniformResourceIdentifier",
	context(7): "iPAddress", context(8): "registeredID",
}

// generalName reads one GeneralName, of any kind.
func (d *decoder) generalName() (n GeneralName) {
	kind, ok := generalNames[d.next().number()]
	if !ok {
		kind = d.next().String()
	}
	n.Kind = kind
	d.element(kind, func(d *decoder, t tag) {
		switch {
		case kind == "directoryName" && t.constructed():
			n.Value = d.name("Name").String()
		case kind == "otherName" && t.constructed():
			n.Value = d.otherName()
		default:
			b := d.Ahead()
			if t.constructed() {
				d.anything()
			} else {
				b = d.Rest("value")
			}
			n.Value = d.simpleName(kind, b)
			if d.Recording() {
				d.Means(shown(n.Value))
			}
		}
	})
	return n
}

// shown leaves out what the bytes beside it say already.
func shown(value string) string {
	if strings.HasPrefix(value, "0x") {
		return ""
	}
	return value
}

// simpleName is the value of a name that is a string.
func (d *decoder) simpleName(kind string, b []byte) string {
	switch kind {
	case "rfc822Name", "dNSName", "uniformResourceIdentifier":
		d.noteIf(!fits(tagIA5String, b), BadString)
		d.noteIf(bytes.IndexByte(b, 0) >= 0, NULInString)
		d.noteIf(len(bytes.TrimSpace(b)) == 0, EmptyName)
		return text(tagIA5String, b)
	case "registeredID":
		return oidText(b)
	case "iPAddress":
		return d.addressName(b)
	}
	return "0x" + hex.EncodeToString(b)
}

// addressName is an address, or in nameConstraints a range of them.
func (d *decoder) addressName(b []byte) string {
	if a, ok := netip.AddrFromSlice(b); ok && d.part != "nameConstraints" {
		return a.String()
	}
	if n := len(b) / 2; d.part == "nameConstraints" && (len(b) == 8 || len(b) == 32) {
		a, _ := netip.AddrFromSlice(b[:n])
		mask, _ := netip.AddrFromSlice(b[n:])
		if ones := maskLength(b[n:]); ones >= 0 {
			return netip.PrefixFrom(a, ones).String()
		}
		return a.String() + "/" + mask.String()
	}
	d.note(AddressLength)
	return "0x" + hex.EncodeToString(b)
}

// maskLength is the length of a mask's prefix, or -1 if it is none.
func maskLength(mask []byte) int {
	ones := 0
	for i := range 8 * len(mask) {
		bit := mask[i/8] >> (7 - i%8) & 1
		switch {
		case bit == 1 && ones < i:
			return -1
		case bit == 1:
			ones++
		}
	}
	return ones
}

// otherName is a name whose kind is an identifier.
func (d *decoder) otherName() (s string) {
	d.element("type-id", func(d *decoder, t tag) { s = dotted(d.value(t)) })
	d.optional(context(0), "value", func(d *decoder, _ tag) {
		t, b := d.next(), d.Ahead()
		d.anything()
		if inner, ok := only(b); ok && !t.constructed() {
			s += ":" + text(t, inner)
			return
		}
		s += ":0x" + hex.EncodeToString(b)
	})
	return s
}

// only returns the contents of b if it is one element.
func only(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	n, size := lengthOf(b[1:])
	if size == 0 || n != len(b)-1-size {
		return nil, false
	}
	return b[1+size:], true
}

// generalNames reads what is left as GeneralNames.
func (d *decoder) generalNames() (list []GeneralName) {
	for d.More() {
		d.Element()
		list = append(list, d.generalName())
	}
	return list
}
