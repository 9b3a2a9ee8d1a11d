package link

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	icmpHeaderLen = 8 // of a message that quotes a packet

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
	case len(packet) >= wire.IPv6HeaderLen && packet[0]>>4 == 6:
		src, dst := addresses(packet)
		b = appendTooBig6(b, dst, src, quoted, mtu)
	}
	return b
}

func appendTooBig6(b []byte, src, dst netip.Addr, quoted []byte, mtu int) []byte {
	h := wire.IPv6{HopLimit: 64, NextHeader: wire.ProtocolICMPv6, Src: src, Dst: dst}
	b = h.AppendTo(b, icmpHeaderLen+len(quoted))
	start := len(b)
	b = append(b, wire.ICMPv6TooBig, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(mtu))
	b = append(b, quoted...)
	binary.BigEndian.PutUint16(b[start+2:], wire.ICMPv6Checksum(b[start:], src, dst))
	return b
}
