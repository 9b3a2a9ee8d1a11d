// When a packet arrived, by the XDP program.

package link

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// A monotonicClock turns times of CLOCK_MONOTONIC into those of package time, which has
// the same clock and does not show it: by one moment of both.
type monotonicClock struct {
	at time.Time
	ns int64
}

// clockReadings is how often both clocks are read, of which the closest pair counts.
const clockReadings = 5

func newMonotonicClock() (c monotonicClock) {
	closest := time.Hour
	for range clockReadings {
		var ts unix.Timespec
		before := time.Now()
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
			break
		}
		if apart := time.Since(before); apart < closest {
			closest = apart
			c = monotonicClock{before.Add(apart / 2), ts.Nano()}
		}
	}
	return c
}

// stamped takes the time that the program put before a frame, which begins at the
// address; now if it could not. A buffer has a stamp no longer than its frame.
func (c monotonicClock) stamped(umem []byte, frame uint64, now time.Time) time.Time {
	stamp := umem[frame-stampLen : frame]
	ns := int64(binary.NativeEndian.Uint64(stamp))
	if ns == 0 {
		return now
	}
	clear(stamp)
	at := c.at.Add(time.Duration(ns - c.ns))
	if at.Before(c.at) || at.Before(now.Add(-maxStampAge)) { // by another clock, as in a time namespace
		return now
	}
	return at
}

// maxStampAge is how long before its reading a packet may have arrived.
const maxStampAge = 2 * time.Second
