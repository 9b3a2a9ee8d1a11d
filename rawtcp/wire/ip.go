// What the headers of both IP versions say, decoded alike.

package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// An IP is what an IPv4 or IPv6 packet's headers say to a host, in terms that
// both versions share.
type IP struct {
	Version      uint8 // 4 or 6
	TrafficClass uint8 // IPv4's type of service
	HopLimit     uint8 // IPv4's time to live
	Protocol     uint8 // of the payload, behind all headers; see Extensions
	FlowLabel    uint32
	TotalLength  int        // of the packet as its header tells it, in bytes
	Src, Dst     netip.Addr // of a captured packet its two ends, also as routing header and home address say
	Fragment     Fragment
	Refusal      string // see Extensions
	DontFragment bool   // IPv4's; routers never fragment IPv6
	Unsized      bool   // see DecodeCaptured

	headerLen int
}

// Root returns the name under which a packet is decoded: "IPv6", or "IPv4" for
// that and anything else.
func Root(packet []byte) string {
	if version(packet) == 6 {
		return "IPv6"
	}
	return "IPv4"
}

func version(packet []byte) uint8 {
	if len(packet) == 0 {
		return 0
	}
	return packet[0] >> 4
}

// HeaderLen returns the length of everything before the payload, in bytes: for
// IPv6 with the extension headers.
func (h *IP) HeaderLen() int { return h.headerLen }

// Decode reads the headers of either version and leaves the cursor at the
// payload, in a group that ends where the packet does. The caller reads the
// payload, leaves the group, and then finds any link-layer padding left.
func (h *IP) Decode(c *field.Cursor) error { return h.decode(c, false) }

// DecodeCaptured is Decode for a packet of a capture. It was made wherever the
// packet went by, so that nothing is refused, and headers are read that only
// others do something with. On the machine that sent it the header may tell no
// length, but 0, where the network card was to cut it up into packets and fill
// that in: such a packet is Unsized, and ends where the cursor does.
func (h *IP) DecodeCaptured(c *field.Cursor) error { return h.decode(c, true) }

func (h *IP) decode(c *field.Cursor, captured bool) error {
	start, whole := c.Offset(), c.Left()
	unsized := false
	if version(c.Ahead()) == 6 {
		var v IPv6
		v.decodeHeader(c)
		n := int(v.PayloadLength)
		if captured && n == 0 {
			n = jumboLength(&v, c.Ahead())
			unsized = n == 0 && v.NextHeader == ProtocolTCP
		}
		c.EnterN("payload", length(c, unsized, n))
		h.six(c, &v, captured)
	} else {
		var v IPv4
		unsized = captured && v.unsized(c.Ahead())
		v.read(c, unsized)
		c.EnterN("payload", length(c, unsized, int(v.TotalLength)-v.HeaderLen()))
		h.four(c, &v, captured)
	}
	h.headerLen = c.Offset() - start
	if unsized {
		h.Unsized, h.TotalLength = true, whole
	}
	return c.Err()
}

// length is n, or what is left of an unsized packet.
func length(c *field.Cursor, unsized bool, n int) int {
	if unsized {
		return c.Left()
	}
	return n
}

// decodeHeaders reads the headers of a packet whose end may be cut off, and
// leaves the cursor at its payload.
func (h *IP) decodeHeaders(c *field.Cursor, captured bool) {
	start := c.Offset()
	if version(c.Ahead()) == 6 {
		var v IPv6
		v.decodeHeader(c)
		h.six(c, &v, captured)
	} else {
		var v IPv4
		v.decodeHeader(c)
		h.four(c, &v, captured)
	}
	h.headerLen = c.Offset() - start
}

func (h *IP) decodeQuoted(c *field.Cursor) { h.decodeHeaders(c, false) }

func (h *IP) four(c *field.Cursor, v *IPv4, captured bool) {
	*h = IP{Version: 4, TrafficClass: v.TOS, HopLimit: v.TTL, Protocol: v.Protocol,
		TotalLength: int(v.TotalLength), Src: v.Src, Dst: v.Dst, DontFragment: v.DontFragment,
		Fragment: Fragment{ID: uint32(v.ID), Offset: int(v.FragmentOffset) * 8, More: v.MoreFragments}}
	if captured && h.Protocol == protocolAH && !h.Fragment.Partial() {
		x := Extensions{captured: true}
		x.decode(c, protocolAH)
		h.Protocol = x.Protocol
	}
}

func (h *IP) six(c *field.Cursor, v *IPv6, captured bool) {
	x := Extensions{captured: captured}
	x.decode(c, v.NextHeader)
	*h = IP{Version: 6, TrafficClass: v.TrafficClass, HopLimit: v.HopLimit, Protocol: x.Protocol,
		FlowLabel: v.FlowLabel, TotalLength: IPv6HeaderLen + int(v.PayloadLength), Src: v.Src, Dst: v.Dst,
		Fragment: x.Fragment, Refusal: x.Refusal}
	if v.PayloadLength == 0 && x.jumbo > 0 {
		h.TotalLength = IPv6HeaderLen + x.jumbo
	}
	if x.final.IsValid() {
		h.Dst = x.final
	}
	if x.home.IsValid() {
		h.Src = x.home
	}
}

// jumboLength is what a jumbo option says of the payload's length (RFC 2675,
// section 2), of the packet whose payload b begins with; 0 if there is none.
func jumboLength(v *IPv6, b []byte) int {
	if v.NextHeader != NextHopByHop {
		return 0
	}
	c := field.New("IPv6", b)
	x := Extensions{captured: true}
	c.Enter("hop_by_hop_options")
	x.decodeOne(&c, NextHopByHop)
	return x.jumbo
}

// ToldLength is the length of a packet as its own headers tell it, in bytes; 0
// where they do not, or are cut off. A captured packet may be shorter.
func ToldLength(packet []byte) int {
	switch {
	case version(packet) == 4 && len(packet) >= 4:
		return int(binary.BigEndian.Uint16(packet[2:]))
	case version(packet) == 6 && len(packet) >= IPv6HeaderLen:
		n := int(binary.BigEndian.Uint16(packet[4:]))
		if n == 0 {
			n = jumboLength(&IPv6{NextHeader: packet[6]}, packet[IPv6HeaderLen:])
		}
		if n > 0 {
			return IPv6HeaderLen + n
		}
	}
	return 0
}
