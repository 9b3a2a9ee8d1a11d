// How a closed connection delivers what was written, and for how long its port
// stays guarded after that.

package rawtcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

const (
	// lingerTime bounds how long a closed connection that still has data to
	// deliver may go without progress.
	lingerTime = 60 * time.Second

	// An aborted connection keeps its port and guard as long as what the peer
	// sent before it saw the RST may still arrive: two round trips and a
	// little.
	minGrace, maxGrace = 100 * time.Millisecond, 3 * time.Second

	// timeWaitHold is for how much of TIME-WAIT a connection keeps a port that
	// no other shares: if our acknowledgment was lost, the peer's FIN comes
	// again after the peer's RTO.
	timeWaitHold = 3 * time.Second

	// In Shutdown TIME-WAIT lasts for two round trips and this: the shortest
	// RTO in common use is 200 ms.
	minTimeWait = 300 * time.Millisecond
)

// DefaultLinger is how long Close waits, unless StackConfig.Linger says
// otherwise.
const DefaultLinger = 10 * time.Second

// An UndeliveredError is what Close returns if the peer has not acknowledged
// all that was written.
type UndeliveredError struct {
	Octets int   // not acknowledged
	Err    error // why the connection ended, or that the linger time was over
}

// Error says how many octets were not acknowledged, and why.
func (e *UndeliveredError) Error() string {
	return fmt.Sprintf("%d octets that were written are not acknowledged: %v", e.Octets, e.Err)
}

// Unwrap returns e.Err.
func (e *UndeliveredError) Unwrap() error { return e.Err }

// awaitDelivery waits until the peer has acknowledged everything, including our
// FIN, or no longer can.
func (c *Conn) awaitDelivery() error {
	patience := cmp.Or(c.stack.patience, DefaultLinger)
	if patience < 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := c.Wait(ctx, func() bool {
		m := c.flow.Machine.TCP()
		return m.State() == tcb.Closed || m.Flushed()
	})
	c.stack.mu.Lock()
	defer c.stack.mu.Unlock()
	m := c.flow.Machine.TCP()
	switch {
	case m.UnackedOctets() == 0:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: Close waited %v", ErrTimeout, patience)
	default:
		err = cmp.Or(m.Err(), err)
	}
	return &UndeliveredError{m.UnackedOctets(), err}
}

// linger lets a closed connection deliver what was written as long as there is
// progress, and holds its port for a while after that.
func (c *Conn) linger() {
	for left := c.unacked(); ; {
		ctx, cancel := context.WithTimeout(context.Background(), lingerTime)
		err := c.Wait(ctx, func() bool { return Done(c.flow.Machine) })
		cancel()
		before := left
		if left = c.unacked(); err == nil || left >= before {
			break
		}
	}
	if c.end() {
		c.stack.sleep(nil, c.grace(minGrace))
	} else if c.holdsPort() {
		c.stack.sleep(nil, timeWaitHold)
	}
	c.free()
}

// finish waits for both sides to be done, or resets the connection, then
// frees it.
func (c *Conn) finish(ctx context.Context) {
	c.Wait(ctx, func() bool { return Done(c.flow.Machine) })
	if c.end() {
		// The peer may not have seen the RST yet: what is in flight meets our
		// guard, not the kernel's RST.
		c.stack.hold(nil, c.grace(minGrace))
	} else if c.holdsPort() {
		c.stack.hold(ctx.Done(), c.grace(minTimeWait))
	}
	c.free()
}

// end resets a connection that is not done, and reports whether it ended by a
// reset or an error, now or before.
func (c *Conn) end() (abrupt bool) {
	c.Do(func(tcb.Instant) {
		if !Done(c.flow.Machine) {
			c.flow.Machine.Abort()
		}
		abrupt = c.flow.Machine.Err() != nil
	})
	return abrupt
}

// grace returns how long the port is held after the end: the time in which the
// peer may still send, and two round trips.
func (c *Conn) grace(minimum time.Duration) time.Duration {
	c.stack.mu.Lock()
	defer c.stack.mu.Unlock()
	srtt, _ := c.flow.Machine.TCP().SRTT()
	return min(minimum+2*srtt, maxGrace)
}

// unacked returns how many octets the peer has not acknowledged.
func (c *Conn) unacked() int {
	c.stack.mu.Lock()
	defer c.stack.mu.Unlock()
	return c.flow.Machine.TCP().Unacked()
}

// holdsPort reports whether the port is freed with this connection, which is in
// TIME-WAIT.
func (c *Conn) holdsPort() bool {
	c.stack.mu.Lock()
	defer c.stack.mu.Unlock()
	return c.flow.Machine.State() == tcb.TimeWait && c.stack.release != nil && len(c.stack.listeners) == 0
}

// Done reports whether a connection has nothing left to do but, at most, wait
// out TIME-WAIT.
func Done(m endpoint.Machine) bool { return m.State() == tcb.Closed || m.State() == tcb.TimeWait }

func (c *Conn) free() {
	c.stack.mu.Lock()
	delete(c.stack.conns, c) // the endpoint keeps its flow until TIME-WAIT is over
	c.flow.Changed = nil
	release, freed := c.stack.unused(), c.freed
	c.freed = nil
	c.stack.mu.Unlock()
	if freed != nil {
		freed()
	}
	if release != nil {
		release()
	}
}
