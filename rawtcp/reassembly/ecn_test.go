package reassembly

import (
	"net/netip"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A mark on one fragment is one on the packet, whichever comes last; and on a packet that
// is not ECN-capable it spoils it (RFC 3168, section 5.3).
func TestAMarkOnAFragmentMarksThePacket(t *testing.T) {
	for _, tc := range []struct {
		first, last wire.ECN
		want        wire.ECN
		dropped     bool
	}{
		{wire.NotECT, wire.NotECT, wire.NotECT, false}, {wire.ECT0, wire.ECT0, wire.ECT0, false},
		{wire.CE, wire.ECT0, wire.CE, false}, {wire.ECT0, wire.CE, wire.CE, false}, {wire.CE, wire.CE, wire.CE, false},
		{wire.CE, wire.NotECT, 0, true}, {wire.NotECT, wire.CE, 0, true},
	} {
		var r Buffer
		h := func(as wire.ECN, offset int, more bool) *wire.IP {
			return &wire.IP{Version: 4, TrafficClass: 0xb8 | uint8(as), Protocol: wire.ProtocolTCP, Src: netip.MustParseAddr("198.18.0.1"),
				Dst: netip.MustParseAddr("198.18.0.2"), Fragment: wire.Fragment{ID: 1, Offset: offset, More: more}}
		}
		if whole, err := r.Add(0, h(tc.first, 0, true), make([]byte, 8)); whole != nil || err != nil {
			t.Fatalf("%v, %v", whole, err)
		}
		last := h(tc.last, 8, false)
		whole, err := r.Add(0, last, make([]byte, 4))
		if (err != nil) != tc.dropped || (whole == nil) != tc.dropped {
			t.Errorf("%v and %v: %d octets, %v", tc.first, tc.last, len(whole), err)
		}
		if !tc.dropped && (last.ECN() != tc.want || last.TrafficClass>>2 != 0xb8>>2) {
			t.Errorf("%v and %v: %v, want %v", tc.first, tc.last, last.ECN(), tc.want)
		}
	}
}
