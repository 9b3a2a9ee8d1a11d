package link

import (
	"testing"
	"time"
)

// A crowd is waited for as long as it comes, and one packet after the other is not.
func TestOnlyACrowdIsWaitedFor(t *testing.T) {
	now := time.Now()
	c := crowd{since: now}
	for _, n := range []struct {
		packets int
		after   time.Duration
		waits   bool
	}{
		{1, time.Second, false},
		{thick, gatherTime, true},                  // as fast as it takes
		{thick - 1, gatherTime, false},             // not quite
		{60, 2 * gatherTime, true},                 // a scan
		{60, time.Minute, false},                   // many at once, after a pause
		{2048, 0, true},                            // more than one reading takes
		{1, gatherTime, false},                     // it has passed
		{thick * 1000, 1000 * gatherTime, true},    // long, and thick
		{thick*1000 - 1, 1000 * gatherTime, false}, // long, and not
		{1, gatherTime / thick, true}, {1, gatherTime/thick + 1, false},
	} {
		now = now.Add(n.after)
		if c.note(n.packets, now); c.thick != n.waits {
			t.Errorf("%d packets in %v: a crowd is %v", n.packets, n.after, c.thick)
		}
	}
}

// What a gathering takes is no longer than the wait, and comes off it.
func TestGatheringIsAPartOfTheWait(t *testing.T) {
	for _, wait := range []time.Duration{0, -time.Second, time.Nanosecond, gatherTime, time.Hour} {
		c := crowd{thick: true}
		left := c.gather(wait)
		if want := max(wait-gatherTime, min(wait, 0)); left != want {
			t.Errorf("of %v %v are left, want %v", wait, left, want)
		}
		if again := c.gather(wait); wait > 0 && again != wait {
			t.Errorf("where nothing came, the next of %v gathers as well: %v", wait, again)
		}
	}
}
