// Neighbour solicitations and advertisements (RFC 4861).

package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// A NeighbourType is the ICMPv6 type of a neighbour discovery message
// (RFC 4861, sections 4.3 and 4.4).
type NeighbourType uint8

// The types of the messages that are read and made.
const (
	NeighbourSolicitation  NeighbourType = 135
	NeighbourAdvertisement NeighbourType = 136
)

// String returns the name that RFC 4861 spells "neighbor solicitation" or "neighbor
// advertisement", or "other".
func (t NeighbourType) String() string {
	switch t {
	case NeighbourSolicitation:
		return "neighbor solicitation"
	case NeighbourAdvertisement:
		return "neighbor advertisement"
	}
	return "other"
}

const (
	// NeighbourHopLimit is the only hop limit that neighbour discovery accepts:
	// no router has forwarded such a packet (RFC 4861, section 7.1).
	NeighbourHopLimit = 255
	// NeighbourLen is the length of a message without options, in bytes.
	NeighbourLen = 24
)

// A Neighbour is a neighbour solicitation or advertisement with its link-layer
// address (RFC 4861, sections 4.3, 4.4 and 4.6.1).
type Neighbour struct {
	Type                        NeighbourType
	Router, Solicited, Override bool // of an advertisement
	Target                      netip.Addr
	// Hardware is the source link-layer address option of a solicitation, the
	// target link-layer address option of an advertisement.
	Hardware    [HardwareAddrLen]byte
	HasHardware bool
}

// Options of neighbour discovery (RFC 4861, section 4.6).
const (
	sourceLinkLayer = 1
	targetLinkLayer = 2
)

// linkLayerOption is the one that belongs to the message.
func (n *Neighbour) linkLayerOption() uint8 {
	if n.Type == NeighbourSolicitation {
		return sourceLinkLayer
	}
	return targetLinkLayer
}

// Decode reads an ICMPv6 message of one of the two types. Other options than
// the link-layer address are skipped, as RFC 4861, section 4.6, asks.
func (n *Neighbour) Decode(c *field.Cursor) error {
	*n = Neighbour{Type: field.Enum8[NeighbourType](c, "type")}
	if n.Type != NeighbourSolicitation && n.Type != NeighbourAdvertisement {
		c.Failf("%d, expected %d or %d", n.Type, NeighbourSolicitation, NeighbourAdvertisement)
	}
	if code := c.Uint8("code"); code != 0 {
		c.Failf("%d, expected 0", code)
	}
	c.Uint16("checksum")
	c.Uint32("flags_reserved")
	if n.Type == NeighbourAdvertisement {
		n.Router = c.Bits("router", 31, 1) == 1
		n.Solicited = c.Bits("solicited", 30, 1) == 1
		n.Override = c.Bits("override", 29, 1) == 1
	}
	n.Target = addr16(c, "target_address")
	if n.Target.IsMulticast() {
		c.Failf("%v is a multicast address", n.Target)
	}
	c.Enter("options")
	for c.More() {
		c.Item()
		n.decodeOption(c)
		c.Leave()
	}
	c.Leave()
	return c.Err()
}

func (n *Neighbour) decodeOption(c *field.Cursor) {
	typ := c.Uint8("type")
	length := int(c.Uint8("length")) * 8
	if length == 0 {
		c.Failf("0: RFC 4861, section 4.6, has such a message dropped")
	}
	data := c.Bytes("data", length-2)
	if typ == n.linkLayerOption() && len(data) == HardwareAddrLen {
		copy(n.Hardware[:], data)
		n.HasHardware = true
	}
}

// AppendTo appends the encoded message to b, with its checksum for a packet
// from src to dst.
func (n *Neighbour) AppendTo(b []byte, src, dst netip.Addr) []byte {
	start := len(b)
	var flags uint32
	for i, set := range [...]bool{n.Router, n.Solicited, n.Override} {
		if set {
			flags |= 1 << (31 - i)
		}
	}
	b = append(b, uint8(n.Type), 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, flags)
	target := n.Target.As16()
	b = append(b, target[:]...)
	if n.HasHardware {
		b = append(b, n.linkLayerOption(), 1)
		b = append(b, n.Hardware[:]...)
	}
	binary.BigEndian.PutUint16(b[start+icmpChecksumOffset:], ICMPv6Checksum(b[start:], src, dst))
	return b
}

// icmpChecksumOffset is where the checksum stands in an ICMP message.
const icmpChecksumOffset = 2

// SolicitedNode returns the multicast address at which the owner of an IPv6
// address is asked for (RFC 4291, section 2.7.1).
func SolicitedNode(a netip.Addr) netip.Addr {
	low := a.As16()
	group := [16]byte{0: 0xff, 1: 0x02, 11: 0x01, 12: 0xff}
	copy(group[13:], low[13:])
	return netip.AddrFrom16(group)
}

// MulticastHardware returns the Ethernet address of an IPv6 multicast group
// (RFC 2464, section 7).
func MulticastHardware(group netip.Addr) [HardwareAddrLen]byte {
	g := group.As16()
	return [HardwareAddrLen]byte{0x33, 0x33, g[12], g[13], g[14], g[15]}
}
