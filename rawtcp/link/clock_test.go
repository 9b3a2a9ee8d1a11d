package link

import (
	"slices"
	"testing"
	"time"
)

func TestPacketsArriveWhenTheyWereStampedWhateverTheWallClockDoes(t *testing.T) {
	const ms = time.Millisecond
	opened := time.Now()
	for name, test := range map[string]struct {
		read     time.Duration   // after the link was opened
		step     time.Duration   // of the wall clock before that
		stamps   []time.Duration // of the packets, as the wall clock had it when they came
		arrivals []time.Duration
	}{
		"as they came":                        {20 * ms, 0, []time.Duration{3 * ms, 4 * ms, 15 * ms}, []time.Duration{3 * ms, 4 * ms, 15 * ms}},
		"out of order on two CPUs":            {20 * ms, 0, []time.Duration{5 * ms, 4 * ms, 6 * ms}, []time.Duration{5 * ms, 5 * ms, 6 * ms}},
		"set forward after the packets":       {20 * ms, time.Hour, []time.Duration{3 * ms, 4 * ms}, []time.Duration{0, 0}},
		"set forward between the packets":     {20 * ms, time.Hour, []time.Duration{3 * ms, time.Hour + 8*ms}, []time.Duration{0, 8 * ms}},
		"set back after the packets":          {20 * ms, -time.Hour, []time.Duration{3 * ms, 4 * ms}, []time.Duration{20 * ms, 20 * ms}},
		"set back between the packets":        {20 * ms, -time.Hour, []time.Duration{3 * ms, -time.Hour + 8*ms}, []time.Duration{20 * ms, 20 * ms}},
		"older than the link, as none can be": {20 * ms, 0, []time.Duration{-ms}, []time.Duration{0}},
	} {
		t.Run(name, func(t *testing.T) {
			c := stampClock{now: opened}
			c.read(opened.Add(test.read))
			c.wall += int64(test.step)
			var got []time.Duration
			for _, s := range test.stamps {
				got = append(got, c.at(opened.Add(s).UnixNano()).Sub(opened))
			}
			if !slices.Equal(got, test.arrivals) {
				t.Errorf("%v, want %v", got, test.arrivals)
			}
		})
	}
}

// What stands in the next block may have come before this one was read.
func TestStampsGoOnFromBlockToBlock(t *testing.T) {
	opened := time.Now()
	after := func(d time.Duration) time.Time { return opened.Add(d * time.Millisecond) }
	c := stampClock{now: opened}
	for _, block := range []struct{ read, stamp time.Duration }{{20, 7}, {21, 9}, {300, 22}} {
		c.read(after(block.read))
		if got := c.at(after(block.stamp).UnixNano()); !got.Equal(after(block.stamp)) {
			t.Errorf("stamped %v ms, read at %v ms: arrived at %v", int(block.stamp), int(block.read), got.Sub(opened))
		}
	}
}
