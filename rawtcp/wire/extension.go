package wire

import (
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
// host that routes nothing must know it.
type Extensions struct {
	Protocol uint8 // of what follows the headers; behind a partial Fragment, what the first fragment begins with
	Fragment Fragment
	// Refusal says why the packet must be dropped although it is well-formed;
	// it is empty of one that may be taken.
	Refusal string
}

// Decode walks the chain of extension headers that begins with a next-header
// value, up to what is none, or up to the end of a fragment header that has
// only a part of the packet behind it.
func (x *Extensions) Decode(c *field.Cursor, next uint8) error {
	*x = Extensions{Protocol: next}
	for n := 0; c.Err() == nil && !x.Fragment.Partial(); n++ {
		name := extensionName(x.Protocol)
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

func extensionName(next uint8) string {
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
	return ""
}

func (x *Extensions) refuse(why string) {
	if x.Refusal == "" {
		x.Refusal = why
	}
}

func (x *Extensions) decodeOne(c *field.Cursor, kind uint8) {
	x.Protocol = c.Uint8("next_header")
	if kind == NextFragment {
		x.decodeFragment(c)
		return
	}
	n := (int(c.Uint8("hdr_ext_len"))+1)*8 - 2 // in units of 8 bytes, not counting the first
	if kind == NextRouting {
		x.decodeRouting(c, n)
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

// decodeRouting reads a routing header. This host forwards nothing, so that it
// takes only those whose route has ended, whatever their type: that is what
// RFC 8200, section 4.4, says of unknown types, and RFC 5095 of type 0.
func (x *Extensions) decodeRouting(c *field.Cursor, n int) {
	typ := c.Uint8("routing_type")
	left := c.Uint8("segments_left")
	c.Bytes("type_specific_data", n-2)
	switch {
	case left == 0:
	case typ == 0:
		x.refuse("a routing header of type 0 with segments left (RFC 5095)")
	default:
		x.refuse("a routing header with segments left: this host forwards nothing (RFC 8200, section 4.4)")
	}
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
)

// decodeOption reads one option of a hop-by-hop or destination options header
// (RFC 8200, section 4.2). None that must be understood is.
func (x *Extensions) decodeOption(c *field.Cursor) {
	typ := c.Uint8("type")
	if typ == optionPad1 {
		return
	}
	c.Opaque8("data", 0, 255)
	if typ&optionAction != 0 {
		x.refuse("an unknown option that must not be skipped (RFC 8200, section 4.2)")
	}
}
