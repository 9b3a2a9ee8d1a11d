// Packets that no endpoint makes.

package simnet

import (
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// The routers that ICMP messages come from.
var (
	Router  = netip.MustParseAddr("198.18.255.1")
	Router6 = netip.MustParseAddr("2001:db8:ffff::1")
)

func six(packet []byte) bool { return packet[0]>>4 == 6 }

func source(packet []byte) netip.Addr {
	src, _ := wire.Addresses(packet)
	return src
}

func destination(packet []byte) netip.Addr {
	_, dst := wire.Addresses(packet)
	return dst
}

// summed is where the part of a packet that a checksum covers begins. Nothing
// covers what precedes the addresses of IPv6.
func summed(packet []byte) int {
	if six(packet) {
		return wire.IPv6SrcOffset
	}
	return 0
}

// segmentPacket is a packet with a segment, in the IP version of its addresses.
func segmentPacket(from, to netip.Addr, s *wire.Segment) []byte {
	h := wire.IP{HopLimit: wire.DefaultHopLimit, Src: from, Dst: to}
	return h.AppendSegment(nil, s)
}

// kinds6 are types and codes of ICMPv6 (RFC 4443), by the codes of ICMPv4.
var kinds6 = map[byte][2]byte{
	0: {wire.ICMPv6Unreachable, 0}, 1: {wire.ICMPv6Unreachable, 3}, 2: {wire.ICMPv6Parameter, 1},
	3: {wire.ICMPv6Unreachable, 4}, 4: {wire.ICMPv6TooBig, 0}, 13: {wire.ICMPv6Unreachable, 1},
}

// unreachable is an ICMP message to the sender of a packet, which it quotes as
// far as the segment's first eight bytes. The code is that of ICMPv4's
// unreachable; over IPv6 it becomes the message that says the same.
func unreachable(packet []byte, code byte, mtu int) []byte {
	h := wire.IP{HopLimit: wire.DefaultHopLimit, Src: Router, Dst: source(packet)}
	m := wire.ICMP{Type: wire.ICMPUnreachable, Code: code, Rest: uint32(mtu)}
	header := wire.IPv4HeaderLen
	if six(packet) {
		h.Src, header = Router6, wire.IPv6HeaderLen
		m.Type, m.Code = kinds6[code][0], kinds6[code][1]
	}
	return h.AppendICMP(nil, &m, packet[:min(len(packet), header+8)])
}
