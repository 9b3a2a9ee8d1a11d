package probe

import (
	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
)

// approach sends a SYN to a target, as soon as it is known where on the link:
// at once, or when its neighbour has answered.
func (l *loop) approach(n uint64, slot *slot, t *Target) {
	r := l.routeTo(n, t)
	if r.Err != nil {
		l.hopeless(n, slot, t, record.OutcomeUnreachable, classRoute, l.routes.WhyNone(r, l.flowTo(n, t)).Error())
		return
	}
	hop, state := r.To(l.now, t.Addr)
	switch state {
	case neighbours.Reachable:
		l.sendSYN(n, slot, t, r.Path, hop)
	case neighbours.Failed:
		l.hopeless(n, slot, t, record.OutcomeUnreachable, classNeighbour, r.Unanswered(t.Addr).Error())
	default:
		slot.state, slot.flags = slotResolving, slot.flags|slotLate
		r.Wait(l.now, t.Addr, n)
	}
}

// routeTo is the route to a target.
func (l *loop) routeTo(n uint64, t *Target) *routes.Route { return l.routes.Of(l.flowTo(n, t)) }

func (l *loop) flowTo(n uint64, t *Target) routes.Flow {
	return routes.Flow{To: t.Addr, Remote: t.Port, Local: l.ports.first + l.begun.source.port(n, t)}
}

// Classes of targets that are unreachable.
const (
	classRoute     = "route"     // this machine has no route to it
	classNeighbour = "neighbour" // the next hop does not answer
	classICMP      = "icmp"      // somebody says so
	classFiltered  = "filtered"  // this machine's firewall or IPsec policy does not let our SYNs out
)

// asksTooMuch reports whether a target's neighbour would have to be asked for,
// and too many are already.
func (l *loop) asksTooMuch(n uint64, t *Target) bool {
	return t.Addr.IsValid() && l.routeTo(n, t).AsksTooMuch(l.now, t.Addr)
}

// resolved goes on with targets whose neighbour has answered, or has not: as the
// pace lets it, since thousands may have waited for one gateway.
func (l *loop) resolved(waited []uint64) {
	for _, n := range waited {
		if l.begun.window.holds(n) && l.begun.window.at(n).state == slotResolving {
			l.parked = append(l.parked, n)
		}
	}
}

// depart sends SYNs to the targets that are parked.
func (l *loop) depart() {
	for len(l.parked) > 0 && l.egress.mayBegin() {
		n := l.parked[0]
		t := l.begun.source.at(n)
		if l.asksTooMuch(n, &t) {
			return
		}
		l.parked = l.parked[1:]
		s := l.begun.window.at(n)
		s.state = slotWaiting
		l.approach(n, s, &t)
	}
}

// resendLate does for the targets whose SYN left out of turn, because their
// neighbour had to be found, what resendSYNs and silence do for the others.
// late holds them by how many SYNs they have had, in the order of the last.
func (l *loop) resendLate() {
	for round := range l.late {
		list := l.late[round]
		for len(list) > 0 {
			n := list[0]
			if l.begun.window.holds(n) && l.begun.window.at(n).state == slotWaiting && int(l.begun.window.at(n).tries) == round+1 {
				s := l.begun.window.at(n)
				if !l.due(s, round+1) || round < l.o.Retries && !l.egress.mayBegin() {
					break
				}
				if round == l.o.Retries {
					l.unanswered(n, s)
				} else {
					t := l.begun.source.at(n)
					l.approach(n, s, &t)
				}
			}
			list = list[1:]
		}
		l.late[round] = list
	}
}
