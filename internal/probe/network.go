// Keeps new targets in the same network apart in time.

package probe

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// networks keeps new targets of one network apart: each /24 of IPv4, each /48
// of IPv6; or of one autonomous system. The next target waits until its network may have
// another, and all behind it wait too: in a permuted space that is rare, and a list that
// is sorted by address goes at the speed of one network.
type networks struct {
	of   func(netip.Addr) (key uint64, ok bool) // the network of an address, if it has one
	gap  time.Duration                          // between targets of one network; 0: no limit
	next map[uint64]tcb.Instant
}

// maxNetworks bounds what is remembered; those whose time is over go
// first.
const maxNetworks = 1 << 16

// block is an address's /24 or /48, as a number.
func block(a netip.Addr) (uint64, bool) {
	if a.Is4() {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:]) >> 8), true
	}
	if !a.IsValid() {
		return 0, false
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]) | 0xffff, true // the last 16 of those 64 bits are not the network's
}

// limit has the network's targets begin per times a second, 0: without limit.
func (w *networks) limit(per float64) {
	if w.gap = 0; per > 0 {
		w.gap = time.Duration(float64(time.Second) / per)
	}
}

// ready reports whether a network's next target may begin.
func (w *networks) ready(a netip.Addr, now tcb.Instant) bool {
	if w.gap == 0 {
		return true
	}
	key, ok := w.of(a)
	at, known := w.next[key]
	return !ok || !known || !now.Before(at)
}

// begin notes that one does.
func (w *networks) begin(a netip.Addr, now tcb.Instant) {
	key, ok := uint64(0), false
	if w.gap > 0 {
		key, ok = w.of(a)
	}
	if !ok {
		return
	}
	if w.next == nil || len(w.next) >= maxNetworks {
		w.drop(now)
	}
	w.next[key] = now.Add(w.gap)
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
