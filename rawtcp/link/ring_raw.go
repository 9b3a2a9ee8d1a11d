// The ring over raw IP sockets.

package link

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// rawRing sends and receives one packet a system call. It reaches this
// machine's own addresses, and wherever the kernel routes.
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

// maxReceived bounds how many packets one Receive takes.
const maxReceived = 512

// minWait is for packets that have already arrived: with a deadline in the past
// Receive would fail before it looks.
const minWait = 50 * time.Microsecond

func (b *rawRing) Receive(wait time.Duration, f func(Packet)) error {
	b.SetReadDeadline(time.Now().Add(max(wait, minWait)))
	for i := range maxReceived {
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
		if i == 0 { // what else has already arrived
			b.SetReadDeadline(time.Now().Add(minWait))
		}
	}
	return nil
}

// Queue sends at once. A neighbour that does not answer and a full queue count
// as losses in the network.
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
