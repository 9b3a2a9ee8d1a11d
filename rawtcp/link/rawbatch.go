package link

import (
	"context"
	"errors"
	"os"
	"time"
)

// rawBatch is the batch link over raw IP sockets, one packet a system call: the
// way to this machine's own addresses, and to wherever the kernel routes.
type rawBatch struct {
	Link
	buf   []byte
	stats BatchStats
}

func openRawBatch(o BatchOptions) (Batch, error) {
	l, err := OpenRaw(context.Background(), Options{Kind: KindRaw, Flow: o.flow(), Route: o.Route})
	if err != nil {
		return nil, err
	}
	return &rawBatch{Link: l, buf: make([]byte, MaxPacket)}, nil
}

// receiveMost bounds how many packets one Receive takes.
const receiveMost = 512

func (b *rawBatch) Receive(wait time.Duration, f func(Packet)) error {
	b.SetReadDeadline(time.Now().Add(wait))
	for i := range receiveMost {
		p, err := b.Link.Receive(b.buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		case p.Ghost:
			continue
		}
		b.stats.Received++
		f(p)
		if i == 0 { // what else is there already
			b.SetReadDeadline(time.Now().Add(50 * time.Microsecond))
		}
	}
	return nil
}

func (b *rawBatch) Queue(packet []byte, _ Hop) error {
	b.stats.Sent++
	return b.Send(packet)
}

func (b *rawBatch) Flush() error      { return nil }
func (b *rawBatch) Stats() BatchStats { return b.stats }
