package wire

import (
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// IP is what an IPv4 or IPv6 packet's headers say to a host, in terms that both
// share.
type IP struct {
	Version      uint8 // 4 or 6
	TrafficClass uint8 // IPv4's type of service
	HopLimit     uint8 // IPv4's time to live
	Protocol     uint8 // of the payload, behind all headers; see Extensions
	FlowLabel    uint32
	TotalLength  int // of the packet as its header tells it, in bytes
	Src, Dst     netip.Addr
	Fragment     Fragment
	Refusal      string // see Extensions
	Unsized      bool   // see DecodeCaptured

	headerLen int
}

// Root is the name under which a packet is decoded: "IPv6", or "IPv4" for that
// and anything else.
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

// HeaderLen is the length of everything that stands before the payload, in
// bytes: of IPv6, with the extension headers.
func (h *IP) HeaderLen() int { return h.headerLen }

// Decode reads the headers of either version and leaves the cursor at the
// payload, in a group that ends where the packet does. The caller reads the
// payload, leaves the group, and then finds any link-layer padding left.
func (h *IP) Decode(c *field.Cursor) error { return h.decode(c, false) }

// DecodeCaptured is Decode for a packet that was captured on the machine that
// sent it. Its header may tell no length, but 0, where the network card was to
// cut it up into packets and fill that in: such a packet is Unsized, and ends
// where the cursor does.
func (h *IP) DecodeCaptured(c *field.Cursor) error { return h.decode(c, true) }

func (h *IP) decode(c *field.Cursor, captured bool) error {
	start, whole := c.Offset(), c.Left()
	unsized := false
	if version(c.Ahead()) == 6 {
		var v IPv6
		v.decodeHeader(c)
		unsized = captured && v.PayloadLength == 0 && v.NextHeader == ProtocolTCP
		c.EnterN("payload", length(c, unsized, int(v.PayloadLength)))
		h.six(c, &v)
	} else {
		var v IPv4
		unsized = captured && v.unsized(c.Ahead())
		v.read(c, unsized)
		c.EnterN("payload", length(c, unsized, int(v.TotalLength)-v.HeaderLen()))
		h.four(&v)
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

// decodeQuoted reads the headers of a packet whose end may be cut off.
func (h *IP) decodeQuoted(c *field.Cursor) {
	start := c.Offset()
	if version(c.Ahead()) == 6 {
		var v IPv6
		v.decodeHeader(c)
		h.six(c, &v)
	} else {
		var v IPv4
		v.decodeHeader(c)
		h.four(&v)
	}
	h.headerLen = c.Offset() - start
}

func (h *IP) four(v *IPv4) {
	*h = IP{Version: 4, TrafficClass: v.TOS, HopLimit: v.TTL, Protocol: v.Protocol,
		TotalLength: int(v.TotalLength), Src: v.Src, Dst: v.Dst,
		Fragment: Fragment{ID: uint32(v.ID), Offset: int(v.FragmentOffset) * 8, More: v.MoreFragments}}
}

func (h *IP) six(c *field.Cursor, v *IPv6) {
	var x Extensions
	x.Decode(c, v.NextHeader)
	*h = IP{Version: 6, TrafficClass: v.TrafficClass, HopLimit: v.HopLimit, Protocol: x.Protocol,
		FlowLabel: v.FlowLabel, TotalLength: IPv6HeaderLen + int(v.PayloadLength), Src: v.Src, Dst: v.Dst,
		Fragment: x.Fragment, Refusal: x.Refusal}
}
