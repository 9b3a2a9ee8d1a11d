// ICMP error messages of both versions, and the packet that they quote.

package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// ICMPv4 types that concern a TCP endpoint (RFC 792).
const (
	ICMPUnreachable  = 3
	ICMPTimeExceeded = 11
	ICMPParameter    = 12
)

// ICMPFragmentationNeeded is the code of an unreachable message that carries
// the next hop's MTU (RFC 1191, section 4).
const ICMPFragmentationNeeded = 4

// ICMPv6 types that concern a TCP endpoint (RFC 4443, section 3).
const (
	ICMPv6Unreachable  = 1
	ICMPv6TooBig       = 2
	ICMPv6TimeExceeded = 3
	ICMPv6Parameter    = 4
)

// An ICMP is an error message of ICMPv4 (RFC 792) or ICMPv6 (RFC 4443), and the
// packet that it quotes.
type ICMP struct {
	From             netip.Addr // who sent it: the IP header's source, set by the caller
	V6               bool       // the type and code are ICMPv6's; set by DecodeV6
	Type, Code       uint8
	Checksum         uint16
	Rest             uint32 // the second word, in which the MTU is told
	Quoted           IP
	SrcPort, DstPort uint16 // the quoted segment's first eight bytes
	Seq              Seq
}

// MTU returns the next hop's MTU in bytes from a message that has it, or 0 (RFC
// 1191, section 4; RFC 4443, section 3.2).
func (m *ICMP) MTU() int {
	switch {
	case m.Kind() != KindTooBig:
		return 0
	case m.V6:
		return int(min(m.Rest, 1<<31-1))
	}
	return int(m.Rest & 0xffff)
}

// IsError reports whether the message is an error, which quotes a packet.
func (m *ICMP) IsError() bool { return m.Kind() != KindNoError }

// Decode reads an ICMPv4 message. If it quotes no packet only the header is
// kept; the rest is read as data.
func (m *ICMP) Decode(c *field.Cursor) error { return m.decode(c, false) }

// DecodeV6 is Decode for an ICMPv6 message.
func (m *ICMP) DecodeV6(c *field.Cursor) error { return m.decode(c, true) }

func (m *ICMP) decode(c *field.Cursor, v6 bool) error {
	m.V6 = v6
	m.Type = c.Uint8("type")
	m.Code = c.Uint8("code")
	if c.Recording() && m.IsError() {
		c.Means(m.String())
	}
	m.Checksum = c.Uint16("checksum")
	m.Rest = c.Uint32("rest_of_header")
	if !m.IsError() {
		c.Rest("data")
		return c.Err()
	}
	c.Enter("quoted")
	m.decodeQuoted(c)
	c.Leave()
	return c.Err()
}

// decodeQuoted reads a quoted packet, cut off as it usually is: the length in
// its header says more than there is.
func (m *ICMP) decodeQuoted(c *field.Cursor) {
	m.Quoted.decodeQuoted(c)
	if want := m.quotedVersion(); c.Err() == nil && m.Quoted.Version != want {
		c.Failf("a quoted packet of IPv%d, expected IPv%d", m.Quoted.Version, want)
	}
	m.SrcPort = c.Uint16("source_port")
	m.DstPort = c.Uint16("destination_port")
	m.Seq = Seq(c.Uint32("sequence_number"))
	if m.Quoted.Protocol == ProtocolTCP && m.Quoted.Fragment.Offset == 0 {
		new(Segment).decodeQuoted(c)
	}
	if c.More() {
		c.Rest("data")
	}
}

func (m *ICMP) quotedVersion() uint8 {
	if m.V6 {
		return 6
	}
	return 4
}

// appendTo appends the message and what it quotes, with its checksum computed.
func (m *ICMP) appendTo(b []byte, src, dst netip.Addr, quoted []byte) []byte {
	start := len(b)
	b = append(b, m.Type, m.Code, 0, 0)
	b = binary.BigEndian.AppendUint32(b, m.Rest)
	b = append(b, quoted...)
	sum := Checksum(b[start:])
	if !src.Is4() {
		sum = ICMPv6Checksum(b[start:], src, dst)
	}
	binary.BigEndian.PutUint16(b[start+2:], sum)
	return b
}
