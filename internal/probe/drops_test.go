package probe

import (
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// A narrowNet takes so many packets between two looks at it, and drops the rest.
type narrowNet struct {
	fakeNet
	room, used, unsent int
}

func (n *narrowNet) Queue(packet []byte, hop link.Hop) error {
	if n.used++; n.used > n.room {
		n.unsent++
		return nil
	}
	return n.fakeNet.Queue(packet, hop)
}

func (n *narrowNet) Stats() link.RingStats {
	n.used = 0
	s := n.fakeNet.Stats()
	s.Unsent = uint64(n.unsent)
	return s
}

func TestALinkWithoutRoomSlowsTheScanDown(t *testing.T) {
	o := fakeOptions(t, 16384)
	o.Goal, o.Rate, o.Timeout, o.Retries = GoalTCP, 40000, time.Millisecond, 0
	n := &narrowNet{room: 100}
	l := fakeLoop(t, o, &n.fakeNet)
	l.routes.Paths[0].Link = n
	slowest := 1.0
	for !l.admission.ended {
		l.now = l.instant()
		check(t, l.turn())
		slowest = min(slowest, l.egress.pace.Factor)
	}
	if slowest > pace.AfterDrops {
		t.Errorf("at %.2f of the rate after %d packets without room", slowest, n.unsent)
	}
}
