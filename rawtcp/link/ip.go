package link

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What the links themselves must know of a packet. They look at it only where
// the kernel already has, or will: everything else is the endpoint's.

var nativeLittle = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func totalLength(ip []byte) int { return int(binary.BigEndian.Uint16(ip[2:])) }

// tcpOf returns the TCP segment in a whole, unfragmented IPv4 packet, or nil.
func tcpOf(ip []byte) []byte {
	if len(ip) < wire.IPv4HeaderLen || ip[0]>>4 != 4 || ip[ipProtocol] != wire.ProtocolTCP ||
		binary.BigEndian.Uint16(ip[ipFragment:])&^dontFragment != 0 {
		return nil
	}
	n := int(ip[0]&0xf) * 4
	if n < wire.IPv4HeaderLen || len(ip) < n+wire.TCPHeaderLen || totalLength(ip) != len(ip) {
		return nil
	}
	return ip[n:]
}

const dontFragment = 1 << 14 // in the word with the fragment offset

func addresses(ip []byte) (src, dst netip.Addr) {
	return netip.AddrFrom4([4]byte(ip[ipSource:])), netip.AddrFrom4([4]byte(ip[ipDest:]))
}

// completeChecksum finishes the checksum that a local kernel left to the
// network card.
func completeChecksum(ip []byte) {
	if segment := tcpOf(ip); segment != nil {
		src, dst := addresses(ip)
		wire.CompleteTCPChecksum(segment, src, dst)
	}
}

// tcpChecksum is where the checksum stands in a TCP header.
const tcpChecksum = 16

// partialChecksum reports whether the segment carries the sum of its
// pseudo-header and nothing else: the form in which the kernel leaves a
// checksum to the network card. A raw socket has no other way to tell.
func partialChecksum(ip []byte) bool {
	segment := tcpOf(ip)
	if segment == nil {
		return false
	}
	src, dst := addresses(ip)
	if wire.TCPChecksum(segment, src, dst) == 0 {
		return false
	}
	s, d := src.As4(), dst.As4()
	pseudo := make([]byte, 0, 12)
	pseudo = append(append(pseudo, s[:]...), d[:]...)
	pseudo = append(pseudo, 0, wire.ProtocolTCP)
	pseudo = binary.BigEndian.AppendUint16(pseudo, uint16(len(segment)))
	return binary.BigEndian.Uint16(segment[tcpChecksum:]) == ^wire.Checksum(pseudo)
}

// asSent reports why the kernel would change this packet on its way out of a
// raw socket: it writes the total length, the header checksum and, where the
// packet might be fragmented, an ID of 0 itself. What is shown as sent must be
// what was sent.
func asSent(ip []byte) error {
	if len(ip) < wire.IPv4HeaderLen || ip[0]>>4 != 4 {
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
