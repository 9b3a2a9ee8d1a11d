// Keeps new targets in the same network apart in time.

package probe

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// networks keeps new targets of one network apart: each /24 of IPv4, each /48
// of IPv6. The next target waits until its network may have another, and all
// behind it wait too: in a permuted space that is rare, and a list that is sorted by
// address goes at the speed of one network.
type networks struct {
	gap  time.Duration // between targets of one network; 0: no limit
	next map[uint64]tcb.Instant
}

// maxNetworks bounds what is remembered; those whose time is over go
// first.
const maxNetworks = 1 << 16

// network is an address's, as a number.
func network(a netip.Addr) uint64 {
	if a.Is4() {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:]) >> 8)
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]) | 0xffff // the last 16 of those 64 bits are not the network's
}

// may reports whether a network's next target may begin, and if so notes the time.
func (w *networks) may(a netip.Addr, now tcb.Instant) bool {
	if w.gap == 0 || !a.IsValid() {
		return true
	}
	key := network(a)
	at, known := w.next[key]
	if known && now.Before(at) {
		return false
	}
	if w.next == nil || len(w.next) >= maxNetworks {
		w.drop(now)
	}
	w.next[key] = now.Add(w.gap)
	return true
}

func (w *networks) drop(now tcb.Instant) {
	fresh := make(map[uint64]tcb.Instant)
	for key, at := range w.next {
		if now.Before(at) && len(fresh) < maxNetworks/2 {
			fresh[key] = at
		}
	}
	w.next = fresh
}
