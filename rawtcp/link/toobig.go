package link

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	ipv6HeaderLen  = 40 // RFC 8200, section 3
	protocolICMPv6 = 58
	icmpv6TooBig   = 2 // RFC 4443, section 3.2
	icmpHeaderLen  = 8

	// quotedInTooBig is how much of the packet comes back: its header, with
	// all options, and the first of its segment.
	quotedInTooBig = 128
)

// appendTooBig appends the ICMP message with which a router, under the
// destination's name, refuses a packet that its next hop does not take: RFC
// 792 with RFC 1191's MTU, or RFC 4443. Of what is no IP packet there is
// nothing to say.
func appendTooBig(b, packet []byte, mtu int) []byte {
	quoted := packet[:min(len(packet), quotedInTooBig)]
	switch {
	case len(packet) >= wire.IPv4HeaderLen && packet[0]>>4 == 4:
		src, dst := addresses(packet)
		h := wire.IPv4{ID: 1, TTL: 64, Protocol: wire.ProtocolICMP, Src: dst, Dst: src}
		b = h.AppendTo(b, icmpHeaderLen+len(quoted))
		start := len(b)
		b = append(b, wire.ICMPUnreachable, wire.ICMPFragmentationNeeded, 0, 0)
		b = binary.BigEndian.AppendUint32(b, uint32(mtu))
		b = append(b, quoted...)
		binary.BigEndian.PutUint16(b[start+2:], wire.Checksum(b[start:]))
	case len(packet) >= ipv6HeaderLen && packet[0]>>4 == 6:
		src, dst := addresses(packet)
		b = appendTooBig6(b, dst, src, quoted, mtu)
	}
	return b
}

func appendTooBig6(b []byte, src, dst netip.Addr, quoted []byte, mtu int) []byte {
	b = append(b, 6<<4, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(icmpHeaderLen+len(quoted)))
	b = append(b, protocolICMPv6, 64)
	b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
	start := len(b)
	b = append(b, icmpv6TooBig, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(mtu))
	b = append(b, quoted...)
	// The checksum covers a pseudo-header too (RFC 8200, section 8.1).
	pseudo := append(src.AsSlice(), dst.AsSlice()...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(b)-start))
	pseudo = append(pseudo, 0, 0, 0, protocolICMPv6)
	binary.BigEndian.PutUint16(b[start+2:], wire.Checksum(append(pseudo, b[start:]...)))
	return b
}
