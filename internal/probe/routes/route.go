// How all targets between two borders of the routing are reached.

package routes

import (
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Route is how all targets between two borders of this machine's routing are
// reached: by a path, and on it through a gateway, or each by itself.
type Route struct {
	Path    *Path
	Gateway netip.Addr   // not valid: each target is on the link itself
	Err     error        // why there is none
	Heard   wire.Instant // when a SYN that took it was last answered

	example Flow         // one of those targets,
	kernel  route.Route  // and what the kernel says of it
	used    wire.Instant // when something last took it
	hop     link.Hop     // the gateway's,
	asked   wire.Instant // and when it was last asked for
	fixed   bool         // nobody asks: the kernel was told
}

// As long as SYNs through a gateway are answered, its link-layer address is right. When none has been for probeAfter, it is asked for again; then after twice
// that time, and so on, at least every probeEvery. Until it answers, the old address
// is used. (That something arrives through it says nothing about what is sent.)
const (
	probeAfter = 500 * time.Millisecond // a SYN is sent again after a second
	probeEvery = 4 * time.Second        // and three requests: less than it takes to call a host silent
)

// probe asks for the gateway again, if it is time.
func (r *Route) probe(now wire.Instant) {
	quiet := min(max(r.asked.Sub(r.Heard), probeAfter), probeEvery)
	if r.hop.IsZero() || r.fixed || now.Sub(max(r.asked, r.Heard)) < quiet || r.Path.Neighbours.Asking(r.Gateway) {
		return
	}
	r.Path.Neighbours.Probe(now, r.Gateway)
	r.asked = now
}

// To is where a packet for a target goes on the link.
func (r *Route) To(now wire.Instant, a netip.Addr) (link.Hop, neighbours.State) {
	p := r.Path
	a = a.WithZone("")
	r.used = now
	switch {
	case p.Neighbours == nil:
		return p.hop, neighbours.Reachable
	case !r.Gateway.IsValid():
		return p.Neighbours.Find(now, a)
	case r.hop.IsZero():
		hop, state := p.Neighbours.Find(now, r.Gateway)
		r.hop, r.asked = hop, now
		return hop, state
	}
	r.probe(now)
	return r.hop, neighbours.Reachable
}

// via is whose link-layer address a packet for a target needs.
func (r *Route) via(a netip.Addr) netip.Addr {
	if r.Gateway.IsValid() {
		return r.Gateway
	}
	return a.WithZone("")
}

// Wait makes a target wait until its neighbour has answered or failed to: see Table.Turn.
func (r *Route) Wait(now wire.Instant, a netip.Addr, target uint64) {
	r.Path.Neighbours.Wait(now, r.via(a), target)
}

// AsksTooMuch reports whether a target's neighbour would have to be asked for, and too
// many are already.
func (r *Route) AsksTooMuch(now wire.Instant, a netip.Addr) bool {
	if r.Err != nil || r.Path.Neighbours == nil || !r.Path.Neighbours.Full() {
		return false
	}
	_, state := r.To(now, a)
	return state == neighbours.Incomplete && !r.Path.Neighbours.Asking(r.via(a))
}

// Unanswered is the error of a target whose neighbour does not answer.
func (r *Route) Unanswered(a netip.Addr) error {
	return link.Unanswered(r.Path.Route, r.via(a), r.Path.Neighbours.Protocol(), neighbours.MaxAsks)
}

// Turn receives what neighbours have answered, and asks again. waited gets the targets
// that waited for one which is known now, or known not to answer.
func (t *Table) Turn(now wire.Instant, waited func(targets []uint64)) error {
	if t.last != nil {
		t.last.probe(now) // even if there is nothing to send
	}
	for _, p := range t.Paths {
		if p.Neighbours == nil {
			continue
		}
		var silent error
		err := p.Neighbours.Turn(now, func(q *neighbours.Query, answered bool) {
			if q.Probe {
				silent = t.probed(now, p, q.Who, answered)
			}
			waited(q.Waiting)
		})
		if err == nil {
			err = silent
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// probed takes the outcome of asking for a gateway again: its link-layer address has
// changed, for connections through it too; or it is silent, and nothing else came from
// it.
func (t *Table) probed(now wire.Instant, p *Path, gateway netip.Addr, answered bool) error {
	for r := range t.each {
		if r.Path != p || r.Gateway != gateway || r.hop.IsZero() {
			continue
		}
		if !answered {
			if now.Sub(r.Heard) >= neighbours.MaxAsks*neighbours.AskInterval && now.Sub(r.used) < inUse {
				return link.Unanswered(r.kernel, gateway, p.Neighbours.Protocol(), neighbours.MaxAsks)
			}
			continue
		}
		hop, _ := p.Neighbours.Find(now, gateway)
		if hop != r.hop {
			t.Moved(p, r.hop, hop)
		}
		r.hop = hop
	}
	return nil
}
