// The fixed IPv6 header (RFC 8200, section 3).

package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

const (
	// IPv6HeaderLen is the length of the fixed IPv6 header, in bytes (RFC 8200,
	// section 3).
	IPv6HeaderLen = 40
	// IPv6MinMTU is the minimum MTU of an IPv6 link, in bytes (RFC 8200,
	// section 5).
	IPv6MinMTU = 1280
)

// An IPv6 is a fixed IPv6 header (RFC 8200, section 3).
type IPv6 struct {
	TrafficClass  uint8  // DSCP and ECN (RFC 2474, RFC 3168)
	FlowLabel     uint32 // 20 bits
	PayloadLength uint16 // extension headers and all; AppendTo sets its own
	NextHeader    uint8
	HopLimit      uint8
	Src, Dst      netip.Addr
}

// Decode reads the fixed header and leaves the cursor inside the payload, a
// group that ends where the payload length says; any extension headers come
// first in it.
func (h *IPv6) Decode(c *field.Cursor) error {
	h.decodeHeader(c)
	c.EnterN("payload", int(h.PayloadLength))
	return c.Err()
}

func (h *IPv6) decodeHeader(c *field.Cursor) {
	c.Uint32("version_class_flow")
	if v := c.Bits("version", 28, 4); v != 6 {
		c.Failf("version %d, expected 6", v)
	}
	h.TrafficClass = uint8(c.Bits("traffic_class", 20, 8))
	decodeECN(c, 20)
	h.FlowLabel = uint32(c.Bits("flow_label", 0, 20))
	h.PayloadLength = c.Uint16("payload_length")
	h.NextHeader = c.Uint8("next_header")
	h.HopLimit = c.Uint8("hop_limit")
	h.Src = addr16(c, "source_address")
	h.Dst = addr16(c, "destination_address")
}

// AppendTo appends the encoded header to b, with its payload length set for a
// payload of n bytes.
func (h *IPv6) AppendTo(b []byte, n int) []byte {
	b = binary.BigEndian.AppendUint32(b, 6<<28|uint32(h.TrafficClass)<<20|h.FlowLabel&0xfffff)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = append(b, h.NextHeader, h.HopLimit)
	src, dst := h.Src.As16(), h.Dst.As16()
	b = append(b, src[:]...)
	return append(b, dst[:]...)
}

func addr16(c *field.Cursor, name string) netip.Addr {
	b := c.Bytes(name, 16)
	if len(b) < 16 {
		return netip.Addr{}
	}
	a := netip.AddrFrom16([16]byte(b))
	if c.Recording() {
		c.Means(a.String())
	}
	return a
}
