// Distinguished names, and the alternatives of GeneralName.

package der

import (
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// Name returns the tree of a distinguished name (RFC 5280, section 4.1.2.4).
// Its root is named "Name".
func Name(b []byte) *field.Node {
	return whole("Name", b, func(c *field.Cursor) {
		contents(c, func(c *field.Cursor, _ tag) { items(c, relativeName) })
	})
}

// relativeName is a set of attributes, nearly always of one.
func relativeName(c *field.Cursor, t tag) {
	if !t.constructed() {
		primitive(c, t)
		return
	}
	for c.More() {
		c.Element()
		sequence(c, "attribute", func(c *field.Cursor) {
			element(c, "type", value)
			element(c, "value", value)
		})
	}
}

// generalNames are the alternatives of GeneralName by their tags (RFC 5280,
// section 4.2.1.6).
var generalNames = map[tag]string{
	context(0): "otherName", context(1): "rfc822Name", context(2): "dNSName", context(3): "x400Address",
	context(4): "directoryName", context(5): "ediPartyName", context(6): "uniformResourceIdentifier",
	context(7): "iPAddress", context(8): "registeredID",
}

// generalName reads one GeneralName, of any kind.
func generalName(c *field.Cursor) {
	name, ok := generalNames[next(c).number()]
	if !ok {
		name = next(c).String()
	}
	element(c, name, func(c *field.Cursor, t tag) {
		if t.constructed() {
			if name == "directoryName" {
				listOf(c, "Name", relativeName)
				return
			}
			value(c, t)
			return
		}
		b := c.Rest("value")
		switch name {
		case "rfc822Name", "dNSName", "uniformResourceIdentifier":
			c.Means(meaning(tagIA5String, b))
		case "registeredID":
			c.Means(meaning(tagOID, b))
		case "iPAddress":
			if a, ok := netip.AddrFromSlice(b); ok {
				c.Means(a.String())
			}
		}
	})
}

func everyName(c *field.Cursor) {
	for c.More() {
		c.Element()
		generalName(c)
	}
}
