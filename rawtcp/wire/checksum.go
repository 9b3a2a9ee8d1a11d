// The Internet checksum (RFC 1071), alone and with the pseudo-headers of TCP
// and ICMPv6.

package wire

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Checksum returns the Internet checksum of b (RFC 1071): the complement of the
// ones' complement sum of its 16-bit words. Over data that contains a correct
// checksum it is 0.
func Checksum(b []byte) uint16 { return ^Fold(Sum(b, 0)) }

// TCPChecksum returns the checksum of an encoded segment with the pseudo-header
// of src and dst (RFC 9293, section 3.1). Over a segment as received it is 0
// when the segment is intact; to make one, the checksum field must be 0.
func TCPChecksum(segment []byte, src, dst netip.Addr) uint16 {
	return ^Fold(Sum(segment, pseudoSum(src, dst, ProtocolTCP, len(segment))))
}

// PseudoTCPChecksum returns what a kernel leaves in the checksum field of a
// segment of n bytes for the network card to complete: the sum of the
// pseudo-header alone, not complemented.
func PseudoTCPChecksum(n int, src, dst netip.Addr) uint16 {
	return Fold(pseudoSum(src, dst, ProtocolTCP, n))
}

// ICMPv6Checksum returns the checksum of an ICMPv6 message, with the
// pseudo-header of src and dst (RFC 4443, section 2.3). As TCPChecksum does, it
// returns 0 for a message as received that is intact.
func ICMPv6Checksum(message []byte, src, dst netip.Addr) uint16 {
	return ^Fold(Sum(message, pseudoSum(src, dst, ProtocolICMPv6, len(message))))
}

// CompleteTCPChecksum writes the correct checksum into an encoded segment, in
// place: for segments that a local kernel left to the network card.
func CompleteTCPChecksum(segment []byte, src, dst netip.Addr) {
	if len(segment) < TCPHeaderLen {
		return
	}
	field := segment[TCPChecksumOffset:]
	field[0], field[1] = 0, 0
	binary.BigEndian.PutUint16(field, TCPChecksum(segment, src, dst))
}

// pseudoSum is the unfolded sum of the pseudo-header: RFC 9293, section 3.1
// for IPv4, RFC 8200, section 8.1 for IPv6.
func pseudoSum(src, dst netip.Addr, protocol uint8, length int) uint64 {
	acc := uint64(protocol) + uint64(length)
	if src.Is4() && dst.Is4() {
		s, d := src.As4(), dst.As4()
		return Sum(d[:], Sum(s[:], acc))
	}
	s, d := src.As16(), dst.As16()
	return Sum(d[:], Sum(s[:], acc))
}

// Sum adds b's 16-bit words to acc, without folding: eight octets at a time,
// since it makes no difference to a ones' complement sum how wide its words are,
// as long as what is carried out comes in again (RFC 1071, section 2). Sums of runs
// of whole words, and of single words, may be added up before they are folded.
func Sum(b []byte, acc uint64) uint64 {
	var carry uint64
	for ; len(b) >= 32; b = b[32:] {
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b[8:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b[16:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b[24:]), carry)
	}
	acc = acc>>32 + acc&0xffffffff + carry
	for ; len(b) >= 4; b = b[4:] {
		acc += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		acc += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		acc += uint64(b[0]) << 8
	}
	return acc
}

// Fold makes a sum one word: the complement of which is the checksum.
func Fold(acc uint64) uint16 {
	for acc>>16 != 0 {
		acc = acc&0xffff + acc>>16
	}
	return uint16(acc)
}
