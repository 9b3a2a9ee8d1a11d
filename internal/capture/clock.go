// The timestamps of a pcapng interface: their unit and their offset.

package capture

import (
	"math/bits"
	"time"
)

// A clock says what the timestamps of one interface mean: their unit, and what
// is added to them.
type clock struct {
	perSecond uint64 // units; 0: unknown
	offset    int64  // seconds
}

// maxSeconds is two thousand years. A file that claims more is not believed,
// and arithmetic stays safe.
const maxSeconds = 1 << 36

// microseconds is the clock of an interface that names none.
var microseconds = clock{perSecond: 1e6}

// resolution reads if_tsresol: a negative power of 10, or of 2 if the highest
// bit is set.
func (c *clock) resolution(v byte) {
	exponent := v & 0x7f
	c.perSecond = 0
	switch {
	case v&0x80 != 0 && exponent < 64:
		c.perSecond = 1 << exponent
	case v&0x80 == 0 && exponent <= 19: // 10^19 is the largest power below 2^64
		c.perSecond = 1
		for range exponent {
			c.perSecond *= 10
		}
	}
}

// time is the moment of a timestamp, or the zero time.
func (c *clock) time(units uint64) time.Time {
	if c.perSecond == 0 {
		return time.Time{}
	}
	seconds, rest := min(units/c.perSecond, maxSeconds), units%c.perSecond
	high, low := bits.Mul64(rest, uint64(time.Second))
	nanos, _ := bits.Div64(high, low, c.perSecond)
	return time.Unix(int64(seconds)+min(max(c.offset, -maxSeconds), maxSeconds), int64(nanos))
}
