// IPv6 extension headers (RFC 8200, section 4).

package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// IPv6 extension headers, as the next-header field names them (RFC 8200,
// section 4; IANA, "IPv6 Extension Header Types"). Those that are not here are
// left to whoever reads the payload.
const (
	NextHopByHop    = 0
	NextRouting     = 43
	NextFragment    = 44
	NextNone        = 59 // nothing follows (RFC 8200, section 4.7)
	NextDestination = 60

	protocolAH       = 51  // RFC 4302
	nextMobility     = 135 // RFC 6275
	nextHostIdentity = 139 // RFC 7401
	nextShim6        = 140 // RFC 5533
)

// MaxExtensionHeaders bounds the walk along a chain of extension headers: one
// of each kind, and another of destination options, is what RFC 8200, section
// 4.1, knows a use for. RFC 8504, section 5.3, lets a host set such a limit.
const MaxExtensionHeaders = 8

// A Fragment is a packet's place in a larger one. The zero Fragment is that of
// a packet which is whole.
type Fragment struct {
	ID     uint32
	Offset int  // of its first byte in the larger packet's payload
	More   bool // it is not the last
}

// Partial reports whether the packet is a part of a larger one. An atomic
// fragment, first and last at once, is not (RFC 6946).
func (f Fragment) Partial() bool { return f.More || f.Offset != 0 }

// Extensions are what the extension headers of an IPv6 packet say, as far as a
// host that forwards nothing needs it.
type Extensions struct {
	Protocol uint8 // of what follows the headers; behind a partial Fragment, what the first fragment begins with
	Fragment Fragment
	// Refusal says why the packet must be dropped although it is well-formed;
	// it is empty if the packet may be accepted.
	Refusal string

	// Of a captured packet, which nobody here has to refuse:
	captured bool
	jumbo    int        // the payload's length, where a jumbo option tells it (RFC 2675)
	final    netip.Addr // where a routing header takes the packet in the end, if not to its destination address
	home     netip.Addr // whom it comes from, if not from its source address (RFC 6275, section 6.3)
}

// Decode walks the chain of extension headers that begins with a next-header
// value, up to what is none, or up to the end of a fragment header that has
// only a part of the packet behind it.
func (x *Extensions) Decode(c *field.Cursor, next uint8) error {
	*x = Extensions{}
	return x.decode(c, next)
}

// decode is Decode, which leaves alone what x says of captures.
func (x *Extensions) decode(c *field.Cursor, next uint8) error {
	x.Protocol = next
	for n := 0; c.Err() == nil && !x.Fragment.Partial(); n++ {
		name := extensionName(x.Protocol, x.captured)
		switch {
		case name == "":
			return nil
		case n == MaxExtensionHeaders:
			c.Failf("more than %d extension headers", MaxExtensionHeaders)
			return c.Err()
		case x.Protocol == NextHopByHop && n > 0:
			x.refuse("a hop-by-hop header stands behind another extension header (RFC 8200, section 4.1)")
		}
		c.Enter(name)
		x.decodeOne(c, x.Protocol)
		c.Leave()
	}
	return c.Err()
}

// extensionName is "" of what is no extension header. A host leaves those that
// it does nothing with to whoever reads the payload; of a capture they are read.
func extensionName(next uint8, captured bool) string {
	switch next {
	case NextHopByHop:
		return "hop_by_hop_options"
	case NextRouting:
		return "routing"
	case NextFragment:
		return "fragment"
	case NextDestination:
		return "destination_options"
	}
	if captured {
		switch next {
		case protocolAH:
			return "authentication"
		case nextMobility:
			return "mobility"
		case nextHostIdentity:
			return "host_identity"
		case nextShim6:
			return "shim6"
		}
	}
	return ""
}

func (x *Extensions) refuse(why string) {
	if x.Refusal == "" && !x.captured {
		x.Refusal = why
	}
}

func (x *Extensions) decodeOne(c *field.Cursor, kind uint8) {
	x.Protocol = c.Uint8("next_header")
	switch kind {
	case NextFragment:
		x.decodeFragment(c)
		return
	case protocolAH:
		decodeAuthentication(c)
		return
	}
	n := (int(c.Uint8("hdr_ext_len"))+1)*8 - 2 // in units of 8 bytes, not counting the first
	switch kind {
	case NextRouting:
		x.decodeRouting(c, n)
		return
	case nextMobility, nextHostIdentity, nextShim6:
		c.Bytes("content", n)
		return
	}
	c.EnterN("options", n)
	for c.More() {
		c.Item()
		x.decodeOption(c)
		c.Leave()
	}
	c.Leave()
}

// decodeAuthentication reads the rest of an authentication header, whose length
// counts words of four bytes, without the first two (RFC 4302, section 2). Behind
// it the payload is in the clear.
func decodeAuthentication(c *field.Cursor) {
	n := (int(c.Uint8("payload_len"))+2)*4 - 12
	c.Uint16("reserved")
	c.Uint32("security_parameters_index")
	c.Uint32("sequence_number")
	c.Bytes("integrity_check_value", n)
}

func (x *Extensions) decodeFragment(c *field.Cursor) {
	c.Uint8("reserved")
	c.Uint16("fragment_offset_m")
	x.Fragment.Offset = int(c.Bits("fragment_offset", 3, 13)) * 8
	x.Fragment.More = c.Bits("m", 0, 1) == 1
	x.Fragment.ID = c.Uint32("identification")
}

const (
	optionPad1 = 0
	// optionAction are the bits of an option's type that say what becomes of
	// the packet where the option is not known; 0 means to skip it.
	optionAction = 0xc0

	optionJumbo = 0xc2
	optionHome  = 0xc9
)

// optionMeanings are the options that IANA has a name for ("Destination Options
// and Hop-by-Hop Options").
var optionMeanings = map[uint8]string{optionPad1: "Pad1", 1: "PadN", 0x04: "tunnel encapsulation limit", 0x05: "router alert",
	0x07: "CALIPSO", 0x08: "SMF_DPD", 0x0f: "performance and diagnostic metrics", 0x11: "in situ OAM", 0x22: "in situ OAM", 0x23: "RPL",
	0x26: "quick-start", 0x30: "minimum path MTU", 0x63: "RPL", 0x6d: "MPL", 0x8b: "ILNP nonce", 0x8c: "line identification",
	0x93: "tunnel payload forwarding", optionJumbo: "jumbo payload", optionHome: "home address", 0xee: "IP_DFF"}

// decodeOption reads one option of a hop-by-hop or destination options header
// (RFC 8200, section 4.2). No option is known that must be understood.
func (x *Extensions) decodeOption(c *field.Cursor) {
	typ := c.Uint8("type")
	if c.Recording() {
		c.Means(optionMeanings[typ])
	}
	if typ == optionPad1 {
		return
	}
	data := c.Opaque8("data", 0, 255)
	switch {
	case !x.captured:
	case typ == optionJumbo && len(data) == 4:
		x.jumbo = int(binary.BigEndian.Uint32(data))
		c.Means(fmt.Sprintf("a payload of %d bytes", x.jumbo))
	case typ == optionHome && len(data) == 16:
		x.home = netip.AddrFrom16([16]byte(data))
		c.Means(x.home.String())
	}
	if typ&optionAction != 0 {
		x.refuse("an unknown option that must not be skipped (RFC 8200, section 4.2)")
	}
}
