// Where the fields of headers stand.

package wire

import "net/netip"

// Where fields stand, in bytes from the first of their header: for socket filters
// and the kernel's programs, which load them by place, and for whoever changes a
// packet where it lies.
const (
	// IPv4 (RFC 791, section 3.1).
	IPv4LengthOffset   = 2
	IPv4IDOffset       = 4
	IPv4FragmentOffset = 6 // flags and fragment offset, see IPv4DontFragment
	IPv4ProtocolOffset = 9
	IPv4ChecksumOffset = 10
	IPv4SrcOffset      = 12
	IPv4DstOffset      = 16

	// IPv6 (RFC 8200, section 3).
	IPv6LengthOffset = 4
	IPv6NextOffset   = 6
	IPv6SrcOffset    = 8
	IPv6DstOffset    = 24

	// TCP (RFC 9293, section 3.1).
	TCPSrcPortOffset  = 0
	TCPDstPortOffset  = 2
	TCPSeqOffset      = 4
	TCPFlagsOffset    = 13
	TCPChecksumOffset = 16

	// ICMP and ICMPv6 (RFC 792, RFC 4443).
	ICMPTypeOffset   = 0
	ICMPQuotedOffset = 8 // the packet that an error quotes
)

// The parts of IPv4's word at IPv4FragmentOffset.
const (
	IPv4DontFragment       = 1 << 14
	IPv4MoreFragments      = 1 << 13
	IPv4FragmentOffsetMask = 1<<13 - 1 // in units of eight bytes
)

// Addresses returns the source and the destination of a packet as they stand in its
// fixed header, without decoding the rest. They are invalid where that is cut off.
func Addresses(packet []byte) (src, dst netip.Addr) {
	switch {
	case version(packet) == 6 && len(packet) >= IPv6HeaderLen:
		return netip.AddrFrom16([16]byte(packet[IPv6SrcOffset:])), netip.AddrFrom16([16]byte(packet[IPv6DstOffset:]))
	case version(packet) == 4 && len(packet) >= IPv4HeaderLen:
		return netip.AddrFrom4([4]byte(packet[IPv4SrcOffset:])), netip.AddrFrom4([4]byte(packet[IPv4DstOffset:]))
	}
	return src, dst
}
