package probe

import (
	"net/netip"
	"testing"

	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// Requests for our address on the link may come as fast as they like: what answers
// them is a small part of the rate.
func TestAnswersOnTheLinkComeOutOfTheRate(t *testing.T) {
	o := fakeOptions(t, 1<<16)
	o.Rate, o.Via.Source = 1000, netip.MustParseAddr("198.18.0.1")
	l := fakeLoop(t, o, &fakeNet{deaf: true})
	var now tcb.Instant
	l.clock.read = func() tcb.Instant { return now }
	answers := 0
	for ; now < 10*second; now = now.Add(step) {
		l.now = l.instant()
		check(t, l.turn())
		for range 50 {
			if l.egress.replies.take() {
				answers++
			}
		}
	}
	if most := int(10*o.Rate*pace.AnswerShare) + pace.MinBurst + 1; answers < 100 || answers > most {
		t.Errorf("%d answers, want %d at most", answers, most)
	}
	if all := int(l.stats.SYNs) + answers; float64(all) > 10*o.Rate+pace.MinBurst+2 {
		t.Errorf("%d packets in 10 s at %v a second", all, o.Rate)
	}
}
