package link

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// rawRing is the ring over raw IP sockets, one packet a system call: the
// way to this machine's own addresses, and to wherever the kernel routes.
type rawRing struct {
	Link
	buf   []byte
	clock stampClock
	stats RingStats
}

func openRawRing(o RingOptions) (Ring, error) {
	l, err := OpenRaw(context.Background(), Options{Kind: KindRaw, Flow: o.flow(), Route: o.Route})
	if err != nil {
		return nil, err
	}
	return &rawRing{Link: l, buf: make([]byte, MaxPacket), clock: stampClock{now: time.Now()}}, nil
}

// receiveMost bounds how many packets one Receive takes.
const receiveMost = 512

// leastWait is for what is there already: a deadline that has passed ends a
// Receive before it looks.
const leastWait = 50 * time.Microsecond

func (b *rawRing) Receive(wait time.Duration, f func(Packet)) error {
	b.SetReadDeadline(time.Now().Add(max(wait, leastWait)))
	for i := range receiveMost {
		p, err := b.Link.Receive(b.buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		case !p.KernelSent:
			b.stats.Received++
		}
		b.clock.read(time.Now())
		p.Time = b.clock.at(p.Time.UnixNano())
		f(p)
		if i == 0 { // what else is there already
			b.SetReadDeadline(time.Now().Add(leastWait))
		}
	}
	return nil
}

// Queue sends at once. A neighbour that does not answer and a full queue are
// losses on the way.
func (b *rawRing) Queue(packet []byte, _ Hop) error {
	err := b.Send(packet)
	switch {
	case err == nil:
		b.stats.Sent++
	case errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.ENOBUFS),
		errors.Is(err, unix.EAGAIN):
		b.stats.Unsent++
		return nil
	case errors.Is(err, ErrFiltered):
		b.stats.Filtered++
	}
	return err
}

func (b *rawRing) Witness() bool    { return true }
func (b *rawRing) Flush() error     { return nil }
func (b *rawRing) Stats() RingStats { return b.stats }
