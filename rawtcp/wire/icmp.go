package wire

import (
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// ICMP types that concern a TCP endpoint (RFC 792).
const (
	ICMPUnreachable  = 3
	ICMPTimeExceeded = 11
	ICMPParameter    = 12
)

// ICMPFragmentationNeeded is the code of an unreachable message that carries
// the next hop's MTU (RFC 1191, section 4).
const ICMPFragmentationNeeded = 4

// ICMP is an ICMPv4 error message, and the packet of ours that it quotes
// (RFC 792).
type ICMP struct {
	From             netip.Addr // who sent it: the IP header's source, set by the caller
	Type, Code       uint8
	Checksum         uint16
	Rest             uint32 // the second word; in its lower half the MTU, where one is told
	Quoted           IPv4
	SrcPort, DstPort uint16 // the quoted segment's first eight bytes
	Seq              Seq
}

// MTU is the next hop's MTU in bytes, of a message of that kind, or 0
// (RFC 1191, section 4).
func (m *ICMP) MTU() int {
	if m.Type == ICMPUnreachable && m.Code == ICMPFragmentationNeeded {
		return int(m.Rest & 0xffff)
	}
	return 0
}

// IsError reports whether the type is one that quotes a packet.
func (m *ICMP) IsError() bool {
	return m.Type == ICMPUnreachable || m.Type == ICMPTimeExceeded || m.Type == ICMPParameter
}

// Decode reads a message. Of one that quotes no packet only the header is
// taken, the rest read as data.
func (m *ICMP) Decode(c *field.Cursor) error {
	m.Type = c.Uint8("type")
	m.Code = c.Uint8("code")
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

// decodeQuoted reads a quoted packet, cut off as it usually is: the total
// length in its header says more than there is.
func (m *ICMP) decodeQuoted(c *field.Cursor) {
	m.Quoted.decodeHeader(c)
	m.SrcPort = c.Uint16("source_port")
	m.DstPort = c.Uint16("destination_port")
	m.Seq = Seq(c.Uint32("sequence_number"))
	if c.More() {
		c.Rest("data")
	}
}

var unreachableNames = [...]string{
	0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
	4: "fragmentation needed", 5: "source route failed", 6: "network unknown", 7: "host unknown",
	8: "source host isolated", 9: "network prohibited", 10: "host prohibited",
	11: "network unreachable for this service", 12: "host unreachable for this service",
	13: "administratively prohibited", 14: "host precedence violation", 15: "precedence cutoff",
}

// String names the message as RFC 792, RFC 1122 and RFC 1812 do.
func (m *ICMP) String() string {
	switch {
	case m.Type == ICMPUnreachable && int(m.Code) < len(unreachableNames):
		return unreachableNames[m.Code]
	case m.Type == ICMPTimeExceeded:
		return "time exceeded"
	case m.Type == ICMPParameter:
		return "parameter problem"
	}
	return fmt.Sprintf("ICMP type %d code %d", m.Type, m.Code)
}
