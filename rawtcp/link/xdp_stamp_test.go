package link

import (
	"encoding/binary"
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
		{1, time.Nanosecond, true},                 // of two queues, the second
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

func TestTheMonotonicClockIsThatOfTheTimes(t *testing.T) {
	before := time.Now()
	c := newMonotonicClock()
	if after := time.Now(); c.at.Before(before) || c.at.After(after) || c.ns <= 0 {
		t.Errorf("%v is not between %v and %v", c.at, before, after)
	}
}

// A frame without a stamp arrived when it was read, at the latest, and one of an earlier
// frame is not taken for it.
func TestAFrameWithoutAStampArrivedWhenItWasRead(t *testing.T) {
	c, now := newMonotonicClock(), time.Now()
	umem := make([]byte, 2048)
	const frame = 256
	if at := c.stamped(umem, frame, now); at != now {
		t.Errorf("%v, want %v", at, now)
	}
	binary.NativeEndian.PutUint64(umem[frame-stampLen:], uint64(c.ns+int64(time.Second)))
	if at := c.stamped(umem, frame, now); at != c.at.Add(time.Second) {
		t.Errorf("%v, want %v", at, c.at.Add(time.Second))
	}
	if at := c.stamped(umem, frame, now); at != now {
		t.Errorf("an old stamp counts again: %v", at)
	}
}
