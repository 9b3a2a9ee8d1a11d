// The time as machines see it.

package wire

import "time"

// An Instant is a moment on the driver's monotonic clock, in nanoseconds from
// an epoch of the driver's own. A machine compares and adds; it never asks
// what time it is.
type Instant int64

// Add returns the instant d after t.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub returns the time from u to t.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }

// Before reports whether t is earlier than u.
func (t Instant) Before(u Instant) bool { return t < u }
