// Packets that no endpoint makes.

package simnet

import (
	"encoding/binary"
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
	if six(packet) {
		return netip.AddrFrom16([16]byte(packet[8:24]))
	}
	return netip.AddrFrom4([4]byte(packet[12:16]))
}

func destination(packet []byte) netip.Addr {
	if six(packet) {
		return netip.AddrFrom16([16]byte(packet[24:40]))
	}
	return netip.AddrFrom4([4]byte(packet[16:20]))
}

// summed is where that begins of a packet which a checksum covers. Before the
// addresses of IPv6 there is nothing that does.
func summed(packet []byte) int {
	if six(packet) {
		return 8
	}
	return 0
}

// segmentPacket is a packet with a segment, of the version of its addresses.
func segmentPacket(from, to netip.Addr, s *wire.Segment) []byte {
	n := s.HeaderLen() + len(s.Payload)
	if from.Is6() {
		h := wire.IPv6{NextHeader: wire.ProtocolTCP, HopLimit: 64, Src: from, Dst: to}
		return s.AppendTo(h.AppendTo(nil, n), from, to)
	}
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: from, Dst: to}
	return s.AppendTo(h.AppendTo(nil, n), from, to)
}

// unreachable is an ICMP message to the sender of a packet, which it quotes as
// far as the segment's first eight bytes. The code is that of ICMPv4's
// unreachable; over IPv6 it becomes the message that says the same.
func unreachable(packet []byte, code byte, mtu int) []byte {
	if six(packet) {
		return unreachable6(packet, code, mtu)
	}
	m := []byte{wire.ICMPUnreachable, code, 0, 0, 0, 0, byte(mtu >> 8), byte(mtu)}
	m = append(m, packet[:min(len(packet), wire.IPv4HeaderLen+8)]...)
	binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: Router, Dst: source(packet)}
	return append(h.AppendTo(nil, len(m)), m...)
}

// kinds6 are types and codes of ICMPv6 (RFC 4443), by the codes of ICMPv4.
var kinds6 = map[byte][2]byte{
	0: {wire.ICMPv6Unreachable, 0}, 1: {wire.ICMPv6Unreachable, 3}, 2: {wire.ICMPv6Parameter, 1},
	3: {wire.ICMPv6Unreachable, 4}, 4: {wire.ICMPv6TooBig, 0}, 13: {wire.ICMPv6Unreachable, 1},
}

func unreachable6(packet []byte, code byte, mtu int) []byte {
	kind := kinds6[code]
	m := []byte{kind[0], kind[1], 0, 0, 0, 0, byte(mtu >> 8), byte(mtu)}
	m = append(m, packet[:min(len(packet), wire.IPv6HeaderLen+8)]...)
	to := source(packet)
	binary.BigEndian.PutUint16(m[2:], wire.ICMPv6Checksum(m, Router6, to))
	h := wire.IPv6{NextHeader: wire.ProtocolICMPv6, HopLimit: 64, Src: Router6, Dst: to}
	return append(h.AppendTo(nil, len(m)), m...)
}
