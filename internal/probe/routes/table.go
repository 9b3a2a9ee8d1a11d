// Package routes knows how each target of a scan is reached: by which interface and
// address of this machine, through which gateway, and at which link-layer address. It
// asks the kernel, opens the links, and notices when a route has changed. The time is
// an argument.
package routes

import (
	"errors"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Options say how routes are found, and what their paths are opened with.
type Options struct {
	Via  route.Via
	Kind link.Kind                 // link.KindAuto, KindPacket, KindRaw or KindXDP
	ECN  wire.ECNMode              // that SYNs ask for
	Ring int                       // bytes of each receive ring; 0: link.DefaultRing
	Wrap func(link.Ring) link.Ring // stands before each link; may be nil

	First, Ports uint16 // our ports: the first, and how many

	May       func() bool                      // takes a packet of the pace for a request on the link, if there is one
	MayAnswer func() bool                      // the same for an answer that the link gives by itself
	Forbidden func(error)                      // told what this machine does not allow
	Moved     func(p *Path, from, to link.Hop) // told of a gateway's new link-layer address
}

// A Flow is a target, and our port for it: all that the kernel's choice of a
// route can depend on.
type Flow struct {
	To            netip.Addr
	Remote, Local uint16 // ports
}

// A Table finds the route of each target, as the kernel would send to it. The kernel
// is asked once for all that lies between two borders, and for each flow where
// its hash chooses, until it says that something has changed.
type Table struct {
	Options
	Paths []*Path        // all that routes lead through
	past  link.RingStats // of those that are closed

	find    func(Flow) (route.Route, error)
	open    func(Flow, route.Route) *Route
	borders [2]*route.Borders // IPv4, IPv6; nil: not read yet
	known   map[Flow]*Route   // by the borders before them, or by themselves
	all     map[route.Route]*Route

	last *Route // asked for last,
	same span   // for these flows

	watch  *route.Watch // over this machine's routes; nil: nobody looks
	lookAt wire.Instant // and when to look at it
}

// New is a table that knows nothing yet.
func New(o Options) *Table {
	t := &Table{Options: o}
	t.find, t.open = t.findRoute, t.openRoute
	return t
}

// Fixed is a table with one path for all IPv4 targets, through a gateway or, if that is
// not valid, each by itself. It does not ask the kernel: the link is a network of its
// own, as in tests of the loop.
func Fixed(p *Path, gateway netip.Addr) *Table {
	every := [2]uint16{0, 1<<16 - 1}
	return &Table{Paths: []*Path{p}, last: &Route{Path: p, Gateway: gateway},
		same: span{from: netip.IPv4Unspecified(), to: highest(false), remote: every, local: every}}
}

// maxRoutes bounds what is remembered on a machine with a great many routes.
const maxRoutes = 1 << 14

// Of is the route of a flow.
func (t *Table) Of(f Flow) *Route {
	if t.last == nil || !t.same.holds(f) {
		t.last = t.look(f)
	}
	return t.last
}

func (t *Table) look(f Flow) *Route {
	b, err := t.bordersOf(f.To.Is6())
	if err != nil {
		t.same = onlyOf(f)
		return &Route{Err: err}
	}
	t.same = spanOf(b, f)
	key := Flow{t.same.from.WithZone(t.same.zone), t.same.remote[0], t.same.local[0]}
	if t.known[key] == nil {
		if t.known == nil || len(t.known) >= maxRoutes {
			t.known, t.all = make(map[Flow]*Route), make(map[route.Route]*Route)
		}
		t.known[key] = t.begin(f)
	}
	return t.known[key]
}

// WhyNone is why there is no route to a flow. The error names this flow even if the
// kernel was asked for another of the same span.
func (t *Table) WhyNone(r *Route, f Flow) error {
	if r.example.To.IsValid() && r.example.To != f.To {
		if _, err := t.find(f); err != nil {
			return err
		}
	}
	return r.Err
}

// Unrouted reports whether the kernel knows no route for a flow. What a link cannot
// do is another matter: the options ask for it.
func (t *Table) Unrouted(f Flow) bool {
	r := t.Of(f)
	return r.Err != nil && r.example.To.IsValid()
}

// begin asks for the route of a flow. Flows that the kernel would send in the same way
// share their route.
func (t *Table) begin(f Flow) *Route {
	r, err := t.find(f)
	if err != nil {
		return &Route{example: f, Err: err}
	}
	key := r
	if r.NextHop == f.To.WithZone("") {
		key.NextHop = netip.Addr{}
	}
	if t.all[key] == nil {
		t.all[key] = t.open(f, r)
	}
	return t.all[key]
}

func (t *Table) bordersOf(six bool) (*route.Borders, error) {
	i := 0
	if six {
		i = 1
	}
	if t.borders[i] == nil {
		b, err := route.ReadBorders(six)
		if err != nil {
			return nil, err
		}
		t.borders[i] = b
	}
	return t.borders[i], nil
}

// each gives the routes that are known.
func (t *Table) each(yield func(*Route) bool) {
	for _, r := range t.all {
		if !yield(r) {
			return
		}
	}
}

// findRoute asks the kernel for the route of a flow.
func (t *Table) findRoute(f Flow) (route.Route, error) {
	via := t.Via
	via.RemotePort, via.LocalPort = f.Remote, f.Local
	return route.Find(f.To, via)
}

// openRoute opens the path of a flow's route. What this machine does not allow ends the
// scan.
func (t *Table) openRoute(f Flow, kernel route.Route) *Route {
	p, err := t.pathBy(kernel, link.ChooseKind(t.Kind, kernel, netip.AddrPortFrom(f.To, f.Remote)))
	if err == nil && p.Link.Kind() == link.KindRaw {
		err = route.CheckRaw(kernel, f.To)
	}
	if err != nil {
		if errors.Is(err, link.ErrPermission) || errors.Is(err, link.ErrNoXDP) {
			t.Forbidden(err)
		}
		return &Route{Err: err}
	}
	r := &Route{example: f, kernel: kernel, Path: p}
	if kernel.NextHop != f.To.WithZone("") {
		r.Gateway = kernel.NextHop
		r.hop, r.fixed = p.written[r.Gateway]
	}
	return r
}
