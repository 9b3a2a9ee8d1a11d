package link

import (
	"encoding/binary"
	"testing"
	"time"
)

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
