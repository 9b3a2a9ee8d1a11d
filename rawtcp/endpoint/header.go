// The IP header around a connection's segments.

package endpoint

import (
	"cmp"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Header says what the IP headers of a connection's packets hold. The zero
// value is this host's default. It may be changed during the connection (RFC
// 9293, section 3.9.2, SHLD-21), but does not change by itself (SHLD-23), and
// is passed to IP as it is (SHLD-22).
type Header struct {
	// TTL is IPv4's time to live, or IPv6's hop limit; 0 means
	// wire.DefaultHopLimit (RFC 9293, MUST-49).
	TTL uint8
	// TrafficClass is the Diffserv field and the two ECN bits below it (RFC
	// 9293, MUST-48; RFC 2474).
	TrafficClass uint8
	// ID chooses IPv4's identification; nil means a counter of the endpoint. It
	// may return the same for a retransmission (RFC 9293, MAY-4). On the raw
	// link the kernel replaces 0.
	ID func(s *wire.Segment) uint16
	// Fragment clears IPv4's don't-fragment bit, which is set otherwise.
	Fragment bool
	// FlowLabel is IPv6's flow label (RFC 6437), 20 bits.
	FlowLabel uint32
}

// appendPacket wraps a segment into an IP packet of the addresses' version.
func (e *Endpoint) appendPacket(b []byte, src, dst netip.Addr, header *Header, s *wire.Segment) []byte {
	h := wire.IP{TrafficClass: header.TrafficClass, FlowLabel: header.FlowLabel, DontFragment: !header.Fragment,
		HopLimit: cmp.Or(header.TTL, wire.DefaultHopLimit), Src: src, Dst: dst}
	if src.Is4() {
		h.Fragment.ID = uint32(e.identify(header, s))
	}
	return h.AppendSegment(b, s)
}

func (e *Endpoint) identify(header *Header, s *wire.Segment) uint16 {
	if header.ID != nil {
		return header.ID(s)
	}
	e.ipID++
	if e.ipID == 0 {
		e.ipID = 1 // on a raw socket the kernel replaces 0 by an ID of its own
	}
	return e.ipID
}

// oneHost reports whether an address can be that of one host, and so of a peer.
// With any other address there is no connection, and nothing is answered (RFC
// 9293, MUST-46, MUST-57, MUST-63).
func oneHost(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && a != limitedBroadcast
}

var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
