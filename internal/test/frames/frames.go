// Package frames has, for tests, the ways in which a captured frame can hold a
// packet: each kind of link, and each tunnel.
package frames

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Kind is one way to carry an IP packet.
type Kind struct {
	Name string
	Link wire.LinkType
	// Wrap returns the frame for a packet from client to server, or back.
	Wrap func(packet []byte, back bool) []byte
	// Tunnel is the name of the frame's tunnel; "" if there is none.
	Tunnel string
	ID     uint32 // of the network inside, if the kind has one
	// TwoWays says that each direction has its own number; ID is the client's.
	TwoWays bool
}

const (
	toServer = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01"
	toClient = "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
	client   = "\x02\x00\x00\x00\x00\x01"
	server   = "\x02\x00\x00\x00\x00\x02"
	point    = "\x02\x00\x00\x00\x00\x99"
)

func addresses(back bool) string {
	if back {
		return toClient
	}
	return toServer
}

func either(back bool, forth, back2 string) string {
	if back {
		return back2
	}
	return forth
}

func six(packet []byte) bool { return packet[0]>>4 == 6 }

// etherType is the EtherType of a packet.
func etherType(packet []byte) string {
	if six(packet) {
		return "\x86\xdd"
	}
	return "\x08\x00"
}

func before(header string, packet []byte) []byte { return append([]byte(header), packet...) }

// ethernet is a frame, padded to the minimum length.
func ethernet(packet []byte, back bool, between string) []byte {
	b := before(addresses(back)+between+etherType(packet), packet)
	for len(b) < 60 {
		b = append(b, 0)
	}
	return b
}

func bare(packet []byte, back bool, between string) []byte {
	return before(addresses(back)+between+etherType(packet), packet)
}

func plain(name string, link wire.LinkType, header func(packet []byte, back bool) string) Kind {
	return Kind{Name: name, Link: link, Wrap: func(packet []byte, back bool) []byte { return before(header(packet, back), packet) }}
}

func fixed(name string, link wire.LinkType, header string) Kind {
	return plain(name, link, func([]byte, bool) string { return header })
}

func number16(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }

func little16(n int) string { return string(binary.LittleEndian.AppendUint16(nil, uint16(n))) }

func pppProtocol(packet []byte) string {
	if six(packet) {
		return "\x00\x57"
	}
	return "\x00\x21"
}

// outer4 puts an IPv4 packet around a payload.
func outer4(protocol uint8, payload []byte, back bool) []byte {
	h := wire.IPv4{TTL: 64, Protocol: protocol, DontFragment: true, Src: netip.MustParseAddr("198.18.9.1"), Dst: netip.MustParseAddr("198.18.9.2")}
	if back {
		h.Src, h.Dst = h.Dst, h.Src
	}
	return append(h.AppendTo(nil, len(payload)), payload...)
}

func outer6(next uint8, payload []byte, back bool) []byte {
	h := wire.IPv6{HopLimit: 64, NextHeader: next, Src: netip.MustParseAddr("2001:db8:9::1"), Dst: netip.MustParseAddr("2001:db8:9::2")}
	if back {
		h.Src, h.Dst = h.Dst, h.Src
	}
	return append(h.AppendTo(nil, len(payload)), payload...)
}

func udp(port int, payload []byte) []byte {
	return before(number16(50000+port%10000)+number16(port)+number16(8+len(payload))+"\x00\x00", payload)
}

// tunnel4 is a tunnel over IPv4 over Ethernet.
func tunnel4(name, kind string, id uint32, protocol uint8, inside func(packet []byte, back bool) []byte) Kind {
	return Kind{Name: name, Link: wire.LinkEthernet, Tunnel: kind, ID: id, Wrap: func(packet []byte, back bool) []byte {
		return ethernet(outer4(protocol, inside(packet, back), back), back, "")
	}}
}

func tunnel6(name, kind string, id uint32, next uint8, inside func(packet []byte, back bool) []byte) Kind {
	return Kind{Name: name, Link: wire.LinkEthernet, Tunnel: kind, ID: id, Wrap: func(packet []byte, back bool) []byte {
		return ethernet(outer6(next, inside(packet, back), back), back, "")
	}}
}

func tunnelUDP(name, kind string, id uint32, port int, inside func(packet []byte, back bool) []byte) Kind {
	return tunnel4(name, kind, id, 17, func(packet []byte, back bool) []byte { return udp(port, inside(packet, back)) })
}

// headed is a tunnel's header, with the packet behind it.
func headed(header func(packet []byte) string) func([]byte, bool) []byte {
	return func(packet []byte, _ bool) []byte { return before(header(packet), packet) }
}

// framed is a tunnel's header, with a frame behind it.
func framed(header string) func([]byte, bool) []byte {
	return func(packet []byte, back bool) []byte { return before(header, bare(packet, back, "")) }
}
