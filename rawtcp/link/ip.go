package link

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What the links themselves must know of a packet. They look at it only where
// the kernel already has, or will: everything else is the endpoint's.

var nativeLittle = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// totalLength is how long a packet's header says that it is. The header must
// be there, see headerThere.
func totalLength(ip []byte) int {
	if ip[0]>>4 == 6 {
		return wire.IPv6HeaderLen + int(binary.BigEndian.Uint16(ip[4:]))
	}
	return int(binary.BigEndian.Uint16(ip[2:]))
}

// headerThere reports whether a packet is long enough for a fixed header.
func headerThere(ip []byte) bool {
	return len(ip) >= wire.IPv6HeaderLen || len(ip) >= wire.IPv4HeaderLen && ip[0]>>4 != 6
}

// addresses returns the source and the destination of a packet whose header is
// there.
func addresses(ip []byte) (src, dst netip.Addr) {
	if ip[0]>>4 == 6 {
		return netip.AddrFrom16([16]byte(ip[8:])), netip.AddrFrom16([16]byte(ip[24:]))
	}
	return netip.AddrFrom4([4]byte(ip[12:])), netip.AddrFrom4([4]byte(ip[16:]))
}

// tcpOf returns the headers of a whole, unfragmented packet and the TCP
// segment in it, or nil.
func tcpOf(ip []byte) (h wire.IP, segment []byte) {
	c := field.New(wire.Root(ip), ip)
	if h.Decode(&c) != nil || h.Protocol != wire.ProtocolTCP || h.Fragment.Partial() || h.TotalLength != len(ip) {
		return h, nil
	}
	if segment = c.Ahead(); len(segment) < wire.TCPHeaderLen {
		return h, nil
	}
	return h, segment
}

// completeChecksum finishes the checksum that a local kernel left to the
// network card.
func completeChecksum(ip []byte) {
	if h, segment := tcpOf(ip); segment != nil {
		wire.CompleteTCPChecksum(segment, h.Src, h.Dst)
	}
}

// tcpChecksum is where the checksum stands in a TCP header.
const tcpChecksum = 16

// partialChecksum reports whether the segment carries the sum of its
// pseudo-header and nothing else: the form in which the kernel leaves a
// checksum to the network card. A raw socket has no other way to tell.
func partialChecksum(ip []byte) bool {
	h, segment := tcpOf(ip)
	if segment == nil || wire.TCPChecksum(segment, h.Src, h.Dst) == 0 {
		return false
	}
	return binary.BigEndian.Uint16(segment[tcpChecksum:]) == wire.PseudoTCPChecksum(len(segment), h.Src, h.Dst)
}

const dontFragment = 1 << 14 // in IPv4's word with the fragment offset

// asSent reports why the kernel would change this packet on its way out of a
// raw socket, or not take it. What is shown as sent must be what was sent. Of
// IPv4 it writes the total length, the header checksum and, where the packet
// might be fragmented, an ID of 0 itself; of IPv6 nothing.
func asSent(ip []byte, six bool) error {
	switch {
	case six && (len(ip) < wire.IPv6HeaderLen || ip[0]>>4 != 6):
		return errors.New("not an IPv6 packet")
	case six && totalLength(ip) != len(ip):
		return errors.New("its payload length is not its length")
	case six:
		return nil
	case len(ip) < wire.IPv4HeaderLen || ip[0]>>4 != 4:
		return errors.New("not an IPv4 packet")
	}
	n := int(ip[0]&0xf) * 4
	switch {
	case n < wire.IPv4HeaderLen || n > len(ip):
		return errors.New("its header length is impossible")
	case totalLength(ip) != len(ip):
		return errors.New("its total length is not its length, and the kernel would correct it")
	case wire.Checksum(ip[:n]) != 0:
		return errors.New("its header checksum is wrong, and the kernel would correct it")
	case binary.BigEndian.Uint16(ip[4:]) == 0 && binary.BigEndian.Uint16(ip[ipFragment:])&dontFragment == 0:
		return errors.New("its ID is 0 without the don't-fragment bit, and the kernel would choose another")
	}
	return nil
}
