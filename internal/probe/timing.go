// When SYNs left, and round trips.

package probe

import (
	"time"

	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// sentAt is when a slot's last SYN left.
func (sy *syns) sentAt(s *slot) tcb.Instant {
	now := sy.now / tick
	return (now - tcb.Instant(uint32(now)-s.sent)) * tick
}

// firstAt is when a slot's first SYN left, computed from the gaps, as long as there is no
// connection.
func (sy *syns) firstAt(s *slot) tcb.Instant {
	at := sy.sentAt(s)
	for k := 1; k < int(s.tries); k++ {
		if k == 1 && s.flags&slotAtOnce != 0 {
			at -= tcb.Instant(s.conn) * tick
			continue
		}
		at = at.Add(-sy.o.gap(k))
	}
	return at
}

// rtt is from the SYN that a segment answers to that segment, negative if it is
// not known which SYN that was. Where its timestamp names the last one, its time
// is known better than the milliseconds of that clock tell.
func (sy *syns) rtt(slot *slot, s *wire.Segment, offset uint32) time.Duration {
	sent := sy.sentAt(slot)
	_, echo, ok := s.Options.Timestamps()
	echo -= offset
	since := time.Duration(syn.Clock(sy.arrived)-echo) * time.Millisecond
	switch {
	case slot.tries == 1, ok && echo == syn.Clock(sent):
		return sy.arrived.Sub(sent)
	case ok && since <= sy.arrived.Sub(sy.firstAt(slot))+time.Millisecond:
		return since
	}
	return -1
}
