package probe

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A flow is a target, and our port for it: all that the kernel's choice of a
// route can depend on.
type flow struct {
	to            netip.Addr
	remote, local uint16 // ports
}

// A way is how all targets between two borders of this machine's routing are
// reached: by a path, and on it through a gateway, or each by itself.
type way struct {
	example flow       // one of those targets,
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
// is asked once for all that lies between two borders, and for each flow where
// its hash chooses, until it says that something has changed.
type ways struct {
	find    func(flow) (link.Route, error)
	open    func(flow, link.Route) *way
	borders [2]*link.Borders // IPv4, IPv6; nil: not read yet
	known   map[flow]*way    // by the borders before them, or by themselves
	all     map[link.Route]*way

	last *way // asked for last,
	same span // for these flows
}

// A span is of flows that go the same way, both ends of each range included.
type span struct {
	from, to      netip.Addr // without a zone
	zone          string
	remote, local [2]uint16
}

func (s *span) holds(f flow) bool {
	if f.to.Zone() != s.zone {
		return false
	}
	f.to = f.to.WithZone("")
	return !f.to.Less(s.from) && !s.to.Less(f.to) && within(s.remote, f.remote) && within(s.local, f.local)
}

func within(r [2]uint16, port uint16) bool { return r[0] <= port && port <= r[1] }

// mostWays bounds what is remembered on a machine with a great many routes.
const mostWays = 1 << 14

// of is the way of a flow.
func (w *ways) of(f flow) *way {
	if w.last == nil || !w.same.holds(f) {
		w.last = w.look(f)
	}
	return w.last
}

func (w *ways) look(f flow) *way {
	b, err := w.bordersOf(f.to.Is6())
	if err != nil {
		w.same = onlyOf(f)
		return &way{err: err}
	}
	w.same = spanOf(b, f)
	key := flow{w.same.from.WithZone(w.same.zone), w.same.remote[0], w.same.local[0]}
	if w.known[key] == nil {
		if w.known == nil || len(w.known) >= mostWays {
			w.known, w.all = make(map[flow]*way), make(map[link.Route]*way)
		}
		w.known[key] = w.begin(f)
	}
	return w.known[key]
}

// whyNone is why there is no way to a flow, which is said of this one, also where
// the kernel was asked for another of the same span.
func (w *ways) whyNone(y *way, f flow) error {
	if y.example.to.IsValid() && y.example.to != f.to {
		if _, err := w.find(f); err != nil {
			return err
		}
	}
	return y.err
}

// begin asks for the way of a flow. Flows that have all of a route in common have
// their way in common.
func (w *ways) begin(f flow) *way {
	r, err := w.find(f)
	if err != nil {
		return &way{example: f, err: err}
	}
	key := r
	if r.NextHop == f.to.WithZone("") {
		key.NextHop = netip.Addr{}
	}
	if w.all[key] == nil {
		w.all[key] = w.open(f, r)
	}
	return w.all[key]
}

func (w *ways) bordersOf(six bool) (*link.Borders, error) {
	i := 0
	if six {
		i = 1
	}
	if w.borders[i] == nil {
		b, err := link.ReadBorders(six)
		if err != nil {
			return nil, err
		}
		w.borders[i] = b
	}
	return w.borders[i], nil
}

// spanOf is of the flows to which the kernel would send as it does to one.
func spanOf(b *link.Borders, f flow) span {
	for _, p := range b.Multipath {
		if p.Contains(f.to.WithZone("")) {
			return onlyOf(f)
		}
	}
	to := f.to.WithZone("")
	at, found := slices.BinarySearchFunc(b.Addrs, to, netip.Addr.Compare)
	if !found {
		at-- // the lowest address is always a border
	}
	s := span{from: b.Addrs[at], to: highest(to.Is6()), zone: f.to.Zone(), remote: between(b.RemotePorts, f.remote), local: between(b.LocalPorts, f.local)}
	if at+1 < len(b.Addrs) {
		s.to = b.Addrs[at+1].Prev()
	}
	return s
}

// between are the ports from the border before one to the next.
func between(borders []uint16, port uint16) [2]uint16 {
	at, found := slices.BinarySearch(borders, port)
	if !found {
		at-- // 0 is always one
	}
	if at+1 < len(borders) {
		return [2]uint16{borders[at], borders[at+1] - 1}
	}
	return [2]uint16{borders[at], math.MaxUint16}
}

func onlyOf(f flow) span {
	a := f.to.WithZone("")
	return span{a, a, f.to.Zone(), [2]uint16{f.remote, f.remote}, [2]uint16{f.local, f.local}}
}

// each gives the ways that are known.
func (w *ways) each(yield func(*way) bool) {
	for _, y := range w.all {
		if !yield(y) {
			return
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
	if w.hop.IsZero() || w.fixed || now.Sub(max(w.asked, w.heard)) < quiet || w.path.neighbours.Asking(w.gateway) {
		return
	}
	w.path.neighbours.Probe(now, w.gateway)
	w.asked = now
}

// to is where a packet for a target goes on the link.
func (w *way) to(now tcb.Instant, a netip.Addr) (link.Hop, neighbours.State) {
	p := w.path
	a = a.WithZone("")
	w.used = now
	switch {
	case p.neighbours == nil:
		return p.hop, neighbours.Reachable
	case !w.gateway.IsValid():
		return p.neighbours.Find(now, a)
	case w.hop.IsZero():
		hop, state := p.neighbours.Find(now, w.gateway)
		w.hop, w.asked = hop, now
		return hop, state
	}
	w.doubt(now)
	return w.hop, neighbours.Reachable
}

// via is whose link-layer address a packet for a target needs.
func (w *way) via(a netip.Addr) netip.Addr {
	if w.gateway.IsValid() {
		return w.gateway
	}
	return a.WithZone("")
}
