// The time of a loop.

package probe

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A clock is a loop's time. It does not move while one thing is done, and never goes
// back.
type clock struct {
	epoch time.Time
	read  func() tcb.Instant // a test's; nil: the time since the epoch
	now   tcb.Instant

	arrived tcb.Instant // the packet at hand: see arrive
}

func (k *clock) instant() tcb.Instant {
	if k.read != nil {
		return k.read()
	}
	return tcb.Instant(time.Since(k.epoch))
}

// arrive notes when the packet at hand came, as far as its link knows. It may
// have come after the first of those that are taken with it.
func (k *clock) arrive(at time.Time) {
	k.arrived = k.now
	if !at.IsZero() {
		k.arrived = tcb.Instant(at.Sub(k.epoch))
		k.now = max(k.now, k.arrived)
	}
}

// wall is an instant of ours as the wall clock has it.
func (k *clock) wall(at tcb.Instant) time.Time { return k.epoch.Add(time.Duration(at)) }
