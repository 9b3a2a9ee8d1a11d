// The kernel's wall-clock stamps as times of the monotonic clock.

package link

import "time"

// A stampClock turns the kernel's stamps, which are wall-clock time, into times
// that the monotonic clock can be compared with. A stamp counts by its age when
// the clocks are read, both at once. The wall clock may have been set meanwhile:
// a packet arrived no later than that reading, and no earlier than the packet
// before it.
type stampClock struct {
	now    time.Time     // of the last reading; at first, when the link was opened
	wall   int64         // the same, in nanoseconds since 1970
	oldest time.Duration // the age of the last packet
}

// read takes the clocks' reading, for all packets until the next.
func (c *stampClock) read(now time.Time) {
	c.oldest += now.Sub(c.now)
	c.now, c.wall = now, now.UnixNano()
}

// at is when a packet with that stamp arrived, with a monotonic reading.
func (c *stampClock) at(stamp int64) time.Time {
	c.oldest = min(max(time.Duration(c.wall-stamp), 0), c.oldest)
	return c.now.Add(-c.oldest)
}
