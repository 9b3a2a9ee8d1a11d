// Waiting for many packets at once.

package link

import (
	"time"

	"golang.org/x/sys/unix"
)

// Packets come thick where so many of them come in a gatherTime. Then a wait is that
// long, whatever arrives, so that a wake-up serves many.
const (
	gatherTime = ringRetire * time.Millisecond
	thick      = 3
)

// A crowd says whether packets come thick.
type crowd struct {
	since time.Time
	thick bool
}

// note counts packets that have been read.
func (c *crowd) note(n int, now time.Time) {
	c.thick = time.Duration(n)*gatherTime >= thick*now.Sub(c.since)
	c.since = now
}

// gather waits for a crowd to arrive, and returns how much of the wait is left.
func (c *crowd) gather(wait time.Duration) time.Duration {
	if !c.thick || wait <= 0 {
		return wait
	}
	c.thick = false // unless many arrive
	pause := min(wait, gatherTime)
	ts := unix.NsecToTimespec(pause.Nanoseconds())
	unix.Nanosleep(&ts, nil) // a signal ends it: so much the better
	return wait - pause
}
