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
	example netip.Addr // one of those targets,
	route   link.Route // and the way to it
	path    *path
	gateway netip.Addr // invalid: each target is on the link itself
	err     error      // why there is no way

	used  tcb.Instant // when something went this way last,
	heard tcb.Instant // and when a SYN that had gone it was answered
	hop   link.Hop    // the gateway's,
	asked tcb.Instant // and when it was asked for last
	fixed bool        // nobody asks: the kernel was told
}

// ways finds the way to each target, as the kernel would send to it. The kernel
// is asked once for all that lies between two borders, until it says that
// something has changed.
type ways struct {
	find    func(netip.Addr) (link.Route, error)
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
		w.last = w.look(a)
	}
	return w.last
}

func (w *ways) look(a netip.Addr) *way {
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

// each gives the ways that are known.
func (w *ways) each(yield func(*way) bool) {
	for _, known := range w.known {
		for _, y := range known {
			if !yield(y) {
				return
			}
		}
	}
}

// highest is an IP version's last address.
func highest(six bool) netip.Addr {
	if six {
		return netip.IPv6Unspecified().Prev()
	}
	return netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// As long as SYNs that go by way of a gateway are answered, its link-layer address
// is right. When none has been for hopQuiet, it is asked for again; then after twice
// that time, and so on, at least every hopDoubt. Until it answers, the old address
// serves. (That something comes by way of it says nothing of what is sent.)
const (
	hopQuiet = 500 * time.Millisecond // a SYN is sent again after a second
	hopDoubt = 4 * time.Second        // and three requests: less than it takes to call a host silent
)

// doubt asks for the gateway again, if it is time.
func (w *way) doubt(now tcb.Instant) {
	quiet := min(max(w.asked.Sub(w.heard), hopQuiet), hopDoubt)
	if w.hop.IsZero() || w.fixed || now.Sub(max(w.asked, w.heard)) < quiet || w.path.neighbours.open[w.gateway] != nil {
		return
	}
	w.path.neighbours.wait(now, w.gateway, nobody)
	w.asked = now
}

// to is where a packet for a target goes on the link.
func (w *way) to(now tcb.Instant, a netip.Addr) (link.Hop, hopState) {
	p := w.path
	w.used = now
	switch {
	case p.neighbours == nil:
		return p.hop, hopKnown
	case !w.gateway.IsValid():
		return p.neighbours.find(now, a)
	case w.hop.IsZero():
		hop, state := p.neighbours.find(now, w.gateway)
		w.hop, w.asked = hop, now
		return hop, state
	}
	w.doubt(now)
	return w.hop, hopKnown
}

// via is whose link-layer address a packet for a target needs.
func (w *way) via(a netip.Addr) netip.Addr {
	if w.gateway.IsValid() {
		return w.gateway
	}
	return a
}
