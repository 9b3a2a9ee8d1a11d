// The TCP segment (RFC 9293, section 3.1).

package wire

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/rawshake/rawshake/field"
)

// TCPHeaderLen is the length of a TCP header without options, in bytes
// (RFC 9293, section 3.1).
const TCPHeaderLen = 20

// Flags are the control bits of a TCP header (RFC 9293, section 3.1).
type Flags uint16

// The control bits, by their names in RFC 9293, section 3.1, and AE, which stands
// before the others, in the byte of the data offset (RFC 9768, section 3.1).
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE
)

var flagNames = [9]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"}

// Has reports whether every bit of g is set in f.
func (f Flags) Has(g Flags) bool { return f&g == g }

// Any reports whether some bit of g is set in f.
func (f Flags) Any(g Flags) bool { return f&g != 0 }

// Names returns the names of the set bits, from the least significant one, with
// ACK last, as in "SYN-ACK" and "PSH-ACK".
func (f Flags) Names() []string {
	names := make([]string, 0, len(flagNames))
	for i, name := range flagNames {
		if f>>i&1 == 1 && Flags(1)<<i != ACK {
			names = append(names, name)
		}
	}
	if f.Has(ACK) {
		names = append(names, "ACK")
	}
	return names
}

// String joins the names with hyphens: "SYN-ACK". Without any bits it returns
// "none".
func (f Flags) String() string {
	if f == 0 {
		return "none"
	}
	return strings.Join(f.Names(), "-")
}

// A Segment is a TCP segment: the header's fields as numbers, the options, and
// the payload.
type Segment struct {
	SrcPort, DstPort uint16
	Seq, Ack         Seq
	Reserved         uint8 // the three bits after the data offset; sent as 0
	Flags            Flags
	Window           uint16 // as on the wire, before any scaling
	Checksum         uint16 // as received; AppendTo computes its own
	Urgent           uint16
	Options          Options
	Payload          []byte // of a decoded segment: aliases the packet
	ECN              ECN    // of the packet that holds it: IP.AppendSegment and Packet.Decode set it there and here
}

// Len returns SEG.LEN, the sequence space that the segment takes: its payload,
// and one for each of SYN and FIN (RFC 9293, section 3.4).
func (s *Segment) Len() int {
	n := len(s.Payload)
	if s.Flags.Has(SYN) {
		n++
	}
	if s.Flags.Has(FIN) {
		n++
	}
	return n
}

// End returns the sequence number after the segment's last.
func (s *Segment) End() Seq { return s.Seq.Add(s.Len()) }

// HeaderLen returns the length of the encoded header with its options, in
// bytes.
func (s *Segment) HeaderLen() int { return TCPHeaderLen + s.Options.paddedLen() }

// Decode reads a segment: all that is left in the cursor's group. Any segment
// may have options (RFC 9293, MUST-5). Those that end early or claim impossible
// lengths are kept, see [Options.Malformed].
func (s *Segment) Decode(c *field.Cursor) error {
	start := c.Offset()
	s.SrcPort = c.Uint16("source_port")
	s.DstPort = c.Uint16("destination_port")
	s.Seq = Seq(c.Uint32("sequence_number"))
	c.EnterN("options", s.decodeFixed(c)-(c.Offset()-start))
	s.Options.decode(c)
	c.Leave()
	s.Payload = c.Rest("payload")
	return c.Err()
}

// decodeFixed reads the fields between the sequence number and the options, and
// returns where those end, in bytes from the header's first.
func (s *Segment) decodeFixed(c *field.Cursor) int {
	s.Ack = Seq(c.Uint32("acknowledgment_number"))
	c.Uint8("data_offset_reserved")
	offset := int(c.Bits("data_offset", 4, 4)) * 4
	if offset < TCPHeaderLen {
		c.Failf("data offset of %d bytes, a TCP header has at least %d", offset, TCPHeaderLen)
	}
	s.Reserved = uint8(c.Bits("reserved", 1, 3))
	accurate := Flags(c.Bits("AE", 0, 1)) << 8
	s.Flags = Flags(c.Uint8("flags")) | accurate
	if c.Recording() {
		for i, name := range flagNames[:8] {
			c.Bits(name, uint(i), 1)
		}
	}
	s.Window = c.Uint16("window")
	s.Checksum = c.Uint16("checksum")
	s.Urgent = c.Uint16("urgent_pointer")
	return offset
}

// decodeQuoted reads the rest of a quoted header, behind its first eight bytes,
// as far as it was quoted.
func (s *Segment) decodeQuoted(c *field.Cursor) {
	const fixed = TCPHeaderLen - 8
	b := c.Ahead()
	if len(b) < fixed || b[4]>>4 < TCPHeaderLen/4 {
		return
	}
	c.Enter("TCP")
	if n := s.decodeFixed(c) - TCPHeaderLen; n <= c.Left() {
		c.EnterN("options", n)
		s.Options.decode(c)
		c.Leave()
	}
	c.Leave()
}

// AppendTo appends the encoded segment to b, with its checksum computed for
// the pseudo-header of src and dst (RFC 9293, section 3.1, MUST-2).
func (s *Segment) AppendTo(b []byte, src, dst netip.Addr) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, s.SrcPort)
	b = binary.BigEndian.AppendUint16(b, s.DstPort)
	b = binary.BigEndian.AppendUint32(b, uint32(s.Seq))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Ack))
	b = append(b, uint8(s.HeaderLen()/4)<<4|s.Reserved&7<<1|uint8(s.Flags>>8&1), uint8(s.Flags))
	b = binary.BigEndian.AppendUint16(b, s.Window)
	b = append(b, 0, 0) // checksum, below
	b = binary.BigEndian.AppendUint16(b, s.Urgent)
	b = s.Options.appendPadded(b)
	b = append(b, s.Payload...)
	sum := TCPChecksum(b[start:], src, dst)
	binary.BigEndian.PutUint16(b[start+TCPChecksumOffset:], sum)
	return b
}
