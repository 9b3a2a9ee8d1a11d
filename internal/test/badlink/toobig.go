// What a router says of a packet that is too big.

package badlink

import "github.com/rawshake/rawshake/rawtcp/wire"

// quotedInTooBig is how much of a packet that is too big comes back: its header,
// with all options, and the first of its segment.
const quotedInTooBig = 128

// appendTooBig appends the ICMP message with which a router, under the
// destination's name, refuses a packet that its next hop does not take: RFC
// 792 with RFC 1191's MTU, or RFC 4443. Of what is no IP packet there is
// nothing to say.
func appendTooBig(b, packet []byte, mtu int) []byte {
	src, dst := wire.Addresses(packet)
	if !src.IsValid() {
		return b
	}
	h := wire.IP{HopLimit: wire.DefaultHopLimit, Src: dst, Dst: src}
	m := wire.ICMP{Type: wire.ICMPUnreachable, Code: wire.ICMPFragmentationNeeded, Rest: uint32(mtu)}
	if src.Is4() {
		h.Fragment.ID = 1
	} else {
		m.Type, m.Code = wire.ICMPv6TooBig, 0
	}
	return h.AppendICMP(b, &m, packet[:min(len(packet), quotedInTooBig)])
}
