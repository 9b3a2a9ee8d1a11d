// The machine's time, an alias for the callers' convenience.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// An Instant is a moment on the driver's monotonic clock: see [wire.Instant].
type Instant = wire.Instant
