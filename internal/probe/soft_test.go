package probe

import (
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What a router says of a host may pass (RFC 1122, section 4.2.3.9): the SYNs go on,
// and it is the reason where none is answered. A prohibition ends it at once, as
// RFC 9293 has it (SHLD-26).
func TestASoftICMPErrorIsTheReasonOnlyWhereNobodyAnswers(t *testing.T) {
	for _, tc := range []struct {
		code    uint8
		answers bool // the second SYN is
		outcome string
		syns    int
	}{{1, false, "unreachable", 2}, {1, true, "open", 2}, {0, true, "open", 2}, {13, true, "unreachable", 1}, {3, true, "unreachable", 1}} {
		syns := 0
		r, f := probeOne(t, oneTarget(t), nil, func(f *floodNet, s *wire.Segment, packet []byte) []wire.Segment {
			if s.Flags != wire.SYN {
				return nil
			}
			if syns++; syns == 2 && tc.answers {
				return []wire.Segment{synAck(s)}
			}
			if syns == 1 {
				f.ready = append(f.ready, unreachableBy(f.local, tc.code, packet))
			}
			return nil
		})
		if r.Outcome != tc.outcome || r.SYNs != tc.syns || (r.ICMP != nil) != (r.Outcome == "unreachable") || r.ICMP != nil && (r.ICMP.From != "198.19.0.254" || r.Evidence == nil) {
			t.Errorf("code %d: %+v after %v", tc.code, r, f.flags())
		}
	}
}
