// IPv6 routing headers.

package wire

import (
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// Types of routing headers (IANA, "Routing Types").
const (
	routingSource  = 0 // deprecated (RFC 5095)
	routingMobile  = 2 // RFC 6275, section 6.4
	routingSegment = 4 // RFC 8754
)

// decodeRouting reads a routing header, of n bytes behind its length. This host
// forwards nothing, so that it takes only those whose route has ended, whatever
// their type: that is what RFC 8200, section 4.4, says of unknown types, and RFC
// 5095 of type 0. A capture may be made on the route.
func (x *Extensions) decodeRouting(c *field.Cursor, n int) {
	typ := c.Uint8("routing_type")
	left := c.Uint8("segments_left")
	if n -= 2; !x.captured {
		c.Bytes("type_specific_data", n)
	} else if final := decodeRoute(c, typ, n); left > 0 {
		x.final = final
	}
	switch {
	case left == 0:
	case typ == routingSource:
		x.refuse("a routing header of type 0 with segments left (RFC 5095)")
	default:
		x.refuse("a routing header with segments left: this host forwards nothing (RFC 8200, section 4.4)")
	}
}

// decodeRoute reads the n bytes that depend on the type, and returns the last
// address of the route, where they tell it.
func decodeRoute(c *field.Cursor, typ uint8, n int) (final netip.Addr) {
	const size = 16
	c.EnterN("type_specific_data", n)
	defer c.Leave()
	addresses := (n - 4) / size
	switch typ {
	case routingSource, routingMobile:
		c.Uint32("reserved")
	case routingSegment:
		addresses = min(addresses, int(c.Uint8("last_entry"))+1)
		c.Uint8("flags")
		c.Uint16("tag")
	default:
		c.Rest("data")
		return netip.Addr{}
	}
	for i := range addresses {
		c.Element()
		if a := addr16(c, "address"); i == 0 || typ == routingSource { // segments stand in reverse order
			final = a
		}
	}
	if c.More() {
		c.Rest("data")
	}
	return final
}
