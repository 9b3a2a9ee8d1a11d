// SYNs that wait until the neighbour's link-layer address is known.

package probe

import (
	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
)

// approach sends a SYN to a target as soon as its link-layer address is known: at once,
// or when its neighbour has answered.
func (sy *syns) approach(n uint64, slot *slot, t *Target) {
	r := sy.routeTo(n, t)
	if r.Err != nil {
		sy.hopeless(n, slot, t, record.OutcomeUnreachable, classRoute, sy.routes.WhyNone(r, sy.flowTo(n, t)).Error())
		return
	}
	hop, state := r.To(sy.now, t.Addr)
	switch state {
	case neighbours.Reachable:
		sy.sendSYN(n, slot, t, r.Path, hop)
	case neighbours.Failed:
		sy.hopeless(n, slot, t, record.OutcomeUnreachable, classNeighbour, r.Unanswered(t.Addr).Error())
	default:
		slot.state, slot.flags = slotResolving, slot.flags|slotDeferred
		r.Wait(sy.now, t.Addr, n)
	}
}

// routeTo is the route to a target.
func (sy *syns) routeTo(n uint64, t *Target) *routes.Route { return sy.routes.Of(sy.flowTo(n, t)) }

func (sy *syns) flowTo(n uint64, t *Target) routes.Flow {
	return routes.Flow{To: t.Addr, Remote: t.Port, Local: sy.ports.first + sy.begun.source.Port(n, t)}
}

// Classes of targets that are unreachable.
const (
	classRoute     = "route"     // this machine has no route to it
	classNeighbour = "neighbour" // the next hop does not answer
	classICMP      = "icmp"      // an ICMP message says so
	classFiltered  = "filtered"  // this machine's firewall or IPsec policy does not let our SYNs out
)

// asksTooMuch reports whether a target's neighbour would have to be asked for,
// and too many are already.
func (sy *syns) asksTooMuch(n uint64, t *Target) bool {
	return t.Addr.IsValid() && sy.routeTo(n, t).AsksTooMuch(sy.now, t.Addr)
}

// goOn resumes targets whose neighbour has answered, or failed to: as the pace allows,
// since thousands may have waited for one gateway.
func (sy *syns) goOn(waited []uint64) {
	for _, n := range waited {
		if sy.begun.window.holds(n) && sy.begun.window.at(n).state == slotResolving {
			sy.resolved = append(sy.resolved, n)
		}
	}
}

// sendResolved sends SYNs to those, as the pace allows.
func (sy *syns) sendResolved() {
	for len(sy.resolved) > 0 && sy.egress.mayBegin() {
		n := sy.resolved[0]
		t := sy.begun.source.At(n)
		if sy.asksTooMuch(n, &t) {
			return
		}
		sy.resolved = sy.resolved[1:]
		s := sy.begun.window.at(n)
		s.state = slotWaiting
		sy.approach(n, s, &t)
	}
}

// resendDeferred does for the targets whose SYN left out of turn, because their
// neighbour had to be found, what resendSYNs and silence do for the others.
// deferred holds them by how many SYNs they have had, in the order of the last.
func (sy *syns) resendDeferred() {
	for round := range sy.deferred {
		list := sy.deferred[round]
		for len(list) > 0 {
			n := list[0]
			if sy.begun.window.holds(n) && sy.begun.window.at(n).state == slotWaiting && int(sy.begun.window.at(n).tries) == round+1 {
				s := sy.begun.window.at(n)
				if !sy.due(s, round+1) || round < sy.o.Retries && !sy.egress.mayBegin() {
					break
				}
				if round == sy.o.Retries {
					sy.unanswered(n, s)
				} else {
					t := sy.begun.source.At(n)
					sy.approach(n, s, &t)
				}
			}
			list = list[1:]
		}
		sy.deferred[round] = list
	}
}
