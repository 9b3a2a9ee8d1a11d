package probe

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A way is how all targets between two borders of this machine's routing are
// reached: by a path, and on it through a gateway, or each by itself.
type way struct {
	path    *path
	gateway netip.Addr // invalid: each target is on the link itself
	err     error      // why there is no way

	hop   link.Hop // the gateway's,
	until tcb.Instant
}

// ways finds the way to each target, as the kernel would send to it. The kernel
// is asked once for all that lies between two borders.
type ways struct {
	open    func(netip.Addr) *way
	borders [2][]netip.Addr // IPv4, IPv6; nil: not read yet
	known   [2]map[int]*way // by the border before them

	last     *way       // asked for last,
	from, to netip.Addr // for these addresses, both included
}

// mostWays bounds what is remembered on a machine with a great many routes.
const mostWays = 1 << 14

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// of is the way to an address.
func (w *ways) of(a netip.Addr) *way {
	if w.last == nil || a.Less(w.from) || w.to.Less(a) {
		w.last = w.find(a)
	}
	return w.last
}

func (w *ways) find(a netip.Addr) *way {
	i := family(a)
	if w.borders[i] == nil {
		list, err := link.Borders(a.Is6())
		if err != nil {
			w.from, w.to = a, a
			return &way{err: err}
		}
		w.borders[i] = list
	}
	list := w.borders[i]
	at, found := slices.BinarySearchFunc(list, a, netip.Addr.Compare)
	if !found {
		at-- // the lowest address is always a border
	}
	w.from, w.to = list[at], highest(a.Is6())
	if at+1 < len(list) {
		w.to = list[at+1].Prev()
	}
	if w.known[i] == nil || len(w.known[i]) >= mostWays {
		w.known[i] = make(map[int]*way)
	}
	if w.known[i][at] == nil {
		w.known[i][at] = w.open(a)
	}
	return w.known[i][at]
}

// highest is an IP version's last address.
func highest(six bool) netip.Addr {
	if six {
		return netip.IPv6Unspecified().Prev()
	}
	return netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// hopFresh is how long a gateway's link-layer address is used before it is
// asked for again. Until it answers, the old one serves.
const hopFresh = 30 * time.Second

// to is where a packet for a target goes on the link.
func (w *way) to(now tcb.Instant, a netip.Addr) (link.Hop, hopState) {
	p := w.path
	switch {
	case p.neighbours == nil:
		return p.hop, hopKnown
	case !w.gateway.IsValid():
		return p.neighbours.find(now, a)
	case now.Before(w.until):
		return w.hop, hopKnown
	}
	hop, state := p.neighbours.find(now, w.gateway)
	if state == hopKnown {
		if !w.hop.IsZero() {
			p.neighbours.wait(now, w.gateway, nobody)
		}
		w.hop, w.until = hop, now.Add(hopFresh)
	}
	return hop, state
}

// via is whose link-layer address a packet for a target needs.
func (w *way) via(a netip.Addr) netip.Addr {
	if w.gateway.IsValid() {
		return w.gateway
	}
	return a
}
