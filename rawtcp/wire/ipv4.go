// The IPv4 header (RFC 791, section 3.1).

package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// Protocol numbers (IANA, "Assigned Internet Protocol Numbers").
const (
	ProtocolICMP   = 1
	ProtocolTCP    = 6
	ProtocolICMPv6 = 58
)

// IPv4HeaderLen is the length of an IPv4 header without options, in bytes
// (RFC 791, section 3.1).
const IPv4HeaderLen = 20

// An IPv4 is an IPv4 header (RFC 791, section 3.1).
type IPv4 struct {
	TOS            uint8 // DSCP and ECN (RFC 2474, RFC 3168)
	TotalLength    uint16
	ID             uint16
	DontFragment   bool
	MoreFragments  bool
	FragmentOffset uint16 // in units of eight bytes
	TTL            uint8
	Protocol       uint8
	Checksum       uint16 // as received; AppendTo computes its own
	Src, Dst       netip.Addr
	Options        []byte // of a decoded header: aliases the packet; TCP ignores them all (RFC 9293, MUST-50)
}

// HeaderLen returns the length of the encoded header with its options, in
// bytes.
func (h *IPv4) HeaderLen() int { return IPv4HeaderLen + (len(h.Options)+3)&^3 }

// Fragment reports whether the packet is a part of a larger one.
func (h *IPv4) Fragment() bool { return h.MoreFragments || h.FragmentOffset != 0 }

// Decode reads the header and leaves the cursor inside the packet's payload,
// a group that ends where the header's total length says. The caller reads
// the payload, leaves the group, and then finds any link-layer padding left.
func (h *IPv4) Decode(c *field.Cursor) error {
	h.decodeHeader(c)
	c.EnterN("payload", int(h.TotalLength)-h.HeaderLen())
	return c.Err()
}

func (h *IPv4) decodeHeader(c *field.Cursor) { h.read(c, false) }

// unsized reports whether the header that b begins with has no length.
func (h *IPv4) unsized(b []byte) bool {
	return len(b) >= 4 && binary.BigEndian.Uint16(b[2:]) == 0
}

// read reads the header, and lets an unsized one be.
func (h *IPv4) read(c *field.Cursor, unsized bool) {
	start := c.Offset()
	c.Uint8("version_ihl")
	if v := c.Bits("version", 4, 4); v != 4 {
		c.Failf("version %d, expected 4", v)
	}
	headerLen := int(c.Bits("ihl", 0, 4)) * 4
	if headerLen < IPv4HeaderLen {
		c.Failf("header of %d bytes, an IPv4 header has at least %d", headerLen, IPv4HeaderLen)
	}
	h.TOS = c.Uint8("type_of_service")
	c.Bits("DSCP", 2, 6)
	decodeECN(c, 0)
	h.TotalLength = c.Uint16("total_length")
	if int(h.TotalLength) < headerLen && !unsized {
		c.Failf("total length %d is less than the header's %d bytes", h.TotalLength, headerLen)
	}
	h.ID = c.Uint16("identification")
	c.Uint16("flags_fragment_offset")
	h.DontFragment = c.Bits("dont_fragment", 14, 1) == 1
	h.MoreFragments = c.Bits("more_fragments", 13, 1) == 1
	h.FragmentOffset = uint16(c.Bits("fragment_offset", 0, 13))
	h.TTL = c.Uint8("time_to_live")
	h.Protocol = c.Uint8("protocol")
	h.Checksum = c.Uint16("header_checksum")
	h.Src = addr4(c, "source_address")
	h.Dst = addr4(c, "destination_address")
	h.Options = nil
	if n := headerLen - (c.Offset() - start); n > 0 {
		h.Options = c.Bytes("options", n)
	}
}

// AppendTo appends the encoded header to b, with its total length set for a
// payload of n bytes and its checksum computed.
func (h *IPv4) AppendTo(b []byte, n int) []byte {
	word := h.FragmentOffset & IPv4FragmentOffsetMask
	if h.DontFragment {
		word |= IPv4DontFragment
	}
	if h.MoreFragments {
		word |= IPv4MoreFragments
	}
	return appendIPv4(b, h.TOS, h.TTL, h.Protocol, h.ID, word, &h.Src, &h.Dst, h.Options, n)
}

// appendIPv4 appends a header whose values are as they stand in it.
func appendIPv4(b []byte, tos, ttl, protocol uint8, id, fragment uint16, src, dst *netip.Addr, options []byte, n int) []byte {
	start, headerLen := len(b), IPv4HeaderLen+(len(options)+3)&^3
	b = append(b, make([]byte, IPv4HeaderLen)...)
	p := b[start:][:IPv4HeaderLen]
	p[0], p[1] = 4<<4|uint8(headerLen/4), tos
	binary.BigEndian.PutUint16(p[IPv4LengthOffset:], uint16(headerLen+n))
	binary.BigEndian.PutUint16(p[IPv4IDOffset:], id)
	binary.BigEndian.PutUint16(p[IPv4FragmentOffset:], fragment)
	p[8], p[IPv4ProtocolOffset] = ttl, protocol
	from, to := src.As4(), dst.As4()
	copy(p[IPv4SrcOffset:], from[:])
	copy(p[IPv4DstOffset:], to[:])
	b = append(b, options...)
	for len(b)-start < headerLen {
		b = append(b, 0)
	}
	binary.BigEndian.PutUint16(b[start+IPv4ChecksumOffset:], Checksum(b[start:]))
	return b
}

func addr4(c *field.Cursor, name string) netip.Addr {
	b := c.Bytes(name, 4)
	if len(b) < 4 {
		return netip.Addr{}
	}
	a := netip.AddrFrom4([4]byte(b))
	if c.Recording() {
		c.Means(a.String())
	}
	return a
}
