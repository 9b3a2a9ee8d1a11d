package probe

import (
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A host that still knows an earlier connection takes a SYN once our RST has ended
// that. It follows the RST at once, in the place of one that would leave later.
func TestTheSYNFollowsTheRSTThatClearsItsWay(t *testing.T) {
	for retries, want := range map[int][]string{1: {"SYN", "RST", "SYN"}, 0: {"SYN", "RST"}} {
		o := oneTarget(t)
		o.Retries = retries
		old := true
		r, f := probeOne(t, o, func(s *wire.Segment) []wire.Segment {
			switch {
			case s.Flags == wire.RST:
				old = false
			case s.Flags == wire.SYN && old:
				return []wire.Segment{{Flags: wire.ACK, Seq: 5555, Ack: s.Seq - 7777, Window: 5000}}
			case s.Flags == wire.SYN:
				return []wire.Segment{synAck(s)}
			}
			return nil
		})
		got := f.flags()
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) || retries == 1 && (r.Outcome != "open" || r.SYNs != 2) {
			t.Errorf("--retries %d: %v, %+v", retries, got, r)
		}
		if retries == 1 && (r.Steps.SYNACK < 0 || r.Steps.SYNACK > 100) { // of simulated time
			t.Errorf("the SYN-ACK came %v ms after the first SYN", r.Steps.SYNACK)
		}
		if n := f.sent[min(2, len(f.sent)-1)].Sub(f.sent[0]); retries == 1 && n > 100*time.Millisecond {
			t.Errorf("the second SYN left %v after the first", n)
		}
	}
}

// One that is told again and again has as many SYNs as any other.
func TestAWrongAnswerDrawsNoMoreSYNsThanSilence(t *testing.T) {
	o := oneTarget(t)
	o.Retries = 3
	r, f := probeOne(t, o, func(s *wire.Segment) []wire.Segment {
		return when(s, wire.SYN, wire.Segment{Flags: wire.ACK, Seq: 5555, Ack: s.Seq - 7777, Window: 5000})
	})
	if f.kinds["SYN"] != 4 || f.kinds["RST"] != 4 || r.SYNs != 4 || r.Outcome != "silent" {
		t.Errorf("%v, %+v", f.kinds, r)
	}
}
