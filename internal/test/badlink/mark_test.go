package badlink

import (
	"net/netip"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A mark changes the codepoint of an ECN-capable packet and nothing else, and the packet
// stays intact.
func TestAMarkLeavesThePacketIntact(t *testing.T) {
	for _, addrs := range [][2]string{{"198.18.0.1", "198.18.0.2"}, {"2001:db8::1", "2001:db8::2"}} {
		for _, codepoint := range []wire.ECN{wire.NotECT, wire.ECT0, wire.ECT1, wire.CE} {
			h := wire.IP{TrafficClass: 0xb8, HopLimit: 64, Src: netip.MustParseAddr(addrs[0]), Dst: netip.MustParseAddr(addrs[1])}
			packet := h.AppendSegment(nil, &wire.Segment{Flags: wire.ACK, Seq: 1, Payload: []byte("hello"), ECN: codepoint})
			markCongestion(packet)
			var p wire.Packet
			if err := p.Decode(packet, true); err != nil {
				t.Fatalf("%v, %v: %v", addrs, codepoint, err)
			}
			want := wire.CE
			if codepoint == wire.NotECT {
				want = codepoint
			}
			if p.Segment.ECN != want || p.IP.TrafficClass>>2 != 0xb8>>2 || string(p.Segment.Payload) != "hello" {
				t.Errorf("%v, %v: %v, traffic class %x", addrs, codepoint, p.Segment.ECN, p.IP.TrafficClass)
			}
		}
	}
}
