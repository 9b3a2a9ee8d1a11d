// A whole IP packet, as a TCP host takes and sends it.

package wire

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// A Packet is a whole IP packet of either version, with what it holds for a TCP
// host: a segment, or an ICMP message. It is meant to be kept and used for one
// packet after another: neither Decode nor AppendTo allocates, unless Decode fails.
type Packet struct {
	IP      IP
	Holds   PacketContent // which of the next two was decoded
	Segment Segment
	ICMP    ICMP

	header []byte // IPv4's, as received, which its checksum covers
	body   []byte
}

// A PacketContent is what a decoded [Packet] holds.
type PacketContent uint8

const (
	// HoldsOther: a fragment (IP.Fragment), what must be dropped (IP.Refusal), or
	// another protocol (IP.Protocol).
	HoldsOther   PacketContent = iota
	HoldsSegment               // of TCP (RFC 9293)
	HoldsICMP                  // of ICMP or ICMPv6, by IP.Version (RFC 792, RFC 4443)
)

// ErrChecksum is what all errors about a checksum are; test with errors.Is.
var ErrChecksum = errors.New("checksum is wrong")

var (
	errIPv4Checksum   = fmt.Errorf("IPv4 header %w", ErrChecksum)
	errTCPChecksum    = fmt.Errorf("TCP %w", ErrChecksum)
	errICMPChecksum   = fmt.Errorf("ICMP %w", ErrChecksum)
	errICMPv6Checksum = fmt.Errorf("ICMPv6 %w", ErrChecksum)
)

// Decode reads the packet that b begins with and verifies its checksums. With
// partial, a local kernel left the segment's checksum to the network card, and it
// is not verified. An error that is no ErrChecksum says that the packet's structure
// is wrong. What is decoded aliases b, and is valid as long as it is.
//
// A fragment's data is in Payload: put together, it goes to DecodePayload.
func (p *Packet) Decode(b []byte, partial bool) error {
	c := field.New(Root(b), b)
	if err := p.DecodeFields(&c); err != nil {
		return err
	}
	return p.Verify(partial)
}

// DecodeFields reads a packet through a cursor, which it leaves behind the packet,
// where the link's padding is. No checksum is verified, so that a packet whose
// checksum is wrong can be shown.
func (p *Packet) DecodeFields(c *field.Cursor) error { return p.decode(c, false) }

// DecodeCaptured is DecodeFields for a packet of a capture, see [IP.DecodeCaptured].
func (p *Packet) DecodeCaptured(c *field.Cursor) error { return p.decode(c, true) }

func (p *Packet) decode(c *field.Cursor, captured bool) error {
	p.Holds, p.header, p.body = HoldsOther, nil, nil
	whole := c.Ahead()
	if p.IP.decode(c, captured) != nil {
		return c.Err()
	}
	if p.IP.Version == 4 {
		p.header = whole[:int(whole[0]&0xf)*4]
	}
	p.body = c.Ahead()
	if p.IP.Fragment.Partial() {
		c.Rest("fragment")
	} else {
		p.decodePayload(c)
	}
	c.Leave()
	return c.Err()
}

// DecodePayload goes on, where p is the last fragment to come of a packet, with the
// payload that was put together, and verifies its checksum.
func (p *Packet) DecodePayload(payload []byte) error {
	p.header, p.body = nil, payload
	c := field.New("payload", payload)
	if err := p.decodePayload(&c); err != nil {
		return err
	}
	return p.VerifyPayload(false)
}

func (p *Packet) decodePayload(c *field.Cursor) error {
	p.Holds = HoldsOther
	holds := HoldsOther
	switch h := &p.IP; {
	case h.Refusal != "":
		c.Rest("refused") // whatever it holds
	case h.Protocol == ProtocolTCP:
		holds = HoldsSegment
		c.Enter("TCP")
		p.Segment.Decode(c)
		p.Segment.ECN = h.ECN()
		c.Leave()
	case h.Version == 4 && h.Protocol == ProtocolICMP, h.Version == 6 && h.Protocol == ProtocolICMPv6:
		holds = HoldsICMP
		c.Enter(icmpName(h.Version))
		p.ICMP = ICMP{From: h.Src}
		p.ICMP.decode(c, h.Version == 6)
		c.Leave()
	default:
		c.Rest("data")
	}
	if c.Err() == nil {
		p.Holds = holds
	}
	return c.Err()
}

func icmpName(version uint8) string {
	if version == 6 {
		return "ICMPv6"
	}
	return "ICMP"
}

// From is the address and port that a segment comes from.
func (p *Packet) From() netip.AddrPort { return netip.AddrPortFrom(p.IP.Src, p.Segment.SrcPort) }

// To is the address and port that a segment goes to.
func (p *Packet) To() netip.AddrPort { return netip.AddrPortFrom(p.IP.Dst, p.Segment.DstPort) }

// Payload is what stood behind the IP headers of the packet that was decoded last,
// or of a fragment; it aliases that.
func (p *Packet) Payload() []byte { return p.body }

// Verify verifies the checksums of the packet that was decoded last.
func (p *Packet) Verify(partial bool) error {
	if err := p.VerifyHeader(); err != nil {
		return err
	}
	return p.VerifyPayload(partial)
}

// VerifyHeader verifies the checksum of an IPv4 header; an IPv6 header has none.
func (p *Packet) VerifyHeader() error {
	if Checksum(p.header) != 0 && p.header != nil {
		return errIPv4Checksum
	}
	return nil
}

// VerifyPayload verifies the checksum of the segment (RFC 9293, MUST-3), unless it
// is partial, or of the ICMP message. Nothing else that a packet holds has one.
func (p *Packet) VerifyPayload(partial bool) error {
	switch {
	case p.Holds == HoldsSegment && !partial:
		if TCPChecksum(p.body, p.IP.Src, p.IP.Dst) != 0 {
			return errTCPChecksum
		}
	case p.Holds == HoldsICMP && p.IP.Version == 4:
		if Checksum(p.body) != 0 {
			return errICMPChecksum
		}
	case p.Holds == HoldsICMP:
		if ICMPv6Checksum(p.body, p.IP.Src, p.IP.Dst) != 0 {
			return errICMPv6Checksum
		}
	}
	return nil
}

// ChecksumPartial reports whether the segment that was decoded last carries the sum
// of its pseudo-header and nothing else: the form in which a kernel leaves a
// checksum to the network card.
func (p *Packet) ChecksumPartial() bool {
	return p.Holds == HoldsSegment && p.VerifyPayload(false) != nil &&
		p.Segment.Checksum == PseudoTCPChecksum(len(p.body), p.IP.Src, p.IP.Dst)
}

// CompleteChecksum puts the right checksum into the segment that was decoded last,
// in the bytes that it was decoded from, and leaves any other packet alone.
func (p *Packet) CompleteChecksum() {
	if p.Holds == HoldsSegment {
		CompleteTCPChecksum(p.body, p.IP.Src, p.IP.Dst)
	}
}

// AppendTo appends the packet of a segment to b: the header that IP says, see
// [IP.AppendTo], and Segment, with all lengths and checksums computed.
func (p *Packet) AppendTo(b []byte) []byte { return p.IP.AppendSegment(b, &p.Segment) }

// DefaultHopLimit is the time to live, or hop limit, of packets that a host sends
// by default (RFC 1700, and IANA, "IP Parameters").
const DefaultHopLimit = 64

// AppendTo appends the header of the addresses' version for a payload of n bytes,
// with its lengths and checksum computed. Of IPv4 there are no options, and of IPv6
// no extension headers: Fragment is IPv4's alone, FlowLabel IPv6's.
func (h *IP) AppendTo(b []byte, n int) []byte { return h.append(b, h.Protocol, n) }

func (h *IP) append(b []byte, protocol uint8, n int) []byte {
	if h.Src.Is4() {
		word := uint16(h.Fragment.Offset/8) & IPv4FragmentOffsetMask
		if h.DontFragment {
			word |= IPv4DontFragment
		}
		if h.Fragment.More {
			word |= IPv4MoreFragments
		}
		return appendIPv4(b, h.TrafficClass, h.HopLimit, protocol, uint16(h.Fragment.ID), word, &h.Src, &h.Dst, nil, n)
	}
	v := IPv6{TrafficClass: h.TrafficClass, FlowLabel: h.FlowLabel, NextHeader: protocol,
		HopLimit: h.HopLimit, Src: h.Src, Dst: h.Dst}
	return v.AppendTo(b, n)
}

// AppendSegment appends a whole packet with a segment in it, whatever Protocol says.
func (h *IP) AppendSegment(b []byte, s *Segment) []byte {
	if s.ECN != NotECT {
		marked := *h
		marked.TrafficClass = h.TrafficClass&^3 | uint8(s.ECN)
		h = &marked
	}
	return s.AppendTo(h.append(b, ProtocolTCP, s.HeaderLen()+len(s.Payload)), h.Src, h.Dst)
}

// AppendICMP appends a whole packet with an error message in it, of the addresses'
// version, whatever Protocol says: m's type, code and second word, and the bytes
// that it quotes.
func (h *IP) AppendICMP(b []byte, m *ICMP, quoted []byte) []byte {
	protocol := uint8(ProtocolICMP)
	if !h.Src.Is4() {
		protocol = ProtocolICMPv6
	}
	b = h.append(b, protocol, ICMPQuotedOffset+len(quoted))
	return m.appendTo(b, h.Src, h.Dst, quoted)
}
