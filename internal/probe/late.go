package probe

import (
	"net/netip"

	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// approach sends a SYN to a target, as soon as it is known where on the link:
// at once, or when its neighbour has answered.
func (l *loop) approach(n uint64, slot *slot, t *Target) {
	w := l.wayTo(n, t)
	if w.err != nil {
		l.hopeless(n, slot, t, record.OutcomeUnreachable, classRoute, l.ways.whyNone(w, l.flowTo(n, t)).Error())
		return
	}
	hop, state := w.to(l.now, t.Addr)
	switch state {
	case neighbours.Reachable:
		l.sendSYN(n, slot, t, w.path, hop)
	case neighbours.Failed:
		l.failedHop(n, slot, t, w)
	default:
		slot.state, slot.flags = slotResolving, slot.flags|slotLate
		w.path.neighbours.Wait(l.now, w.via(t.Addr), n)
	}
}

// wayTo is the way to a target.
func (l *loop) wayTo(n uint64, t *Target) *way { return l.ways.of(l.flowTo(n, t)) }

func (l *loop) flowTo(n uint64, t *Target) flow {
	return flow{t.Addr, t.Port, l.first + l.source.port(n, t)}
}

// Classes of targets that are unreachable.
const (
	classRoute     = "route"     // this machine has no way to it
	classNeighbour = "neighbour" // the next hop does not answer
	classICMP      = "icmp"      // somebody says so
	classFiltered  = "filtered"  // this machine's firewall or IPsec policy does not let our SYNs out
)

// asksTooMuch reports whether a target's neighbour would have to be asked for,
// and too many are already.
func (l *loop) asksTooMuch(n uint64, t *Target) bool {
	if !t.Addr.IsValid() {
		return false
	}
	w := l.wayTo(n, t)
	if w.err != nil || w.path.neighbours == nil || !w.path.neighbours.Full() {
		return false
	}
	_, state := w.to(l.now, t.Addr)
	return state == neighbours.Incomplete && !w.path.neighbours.Asking(w.via(t.Addr))
}

func (l *loop) failedHop(n uint64, slot *slot, t *Target, w *way) {
	l.hopeless(n, slot, t, record.OutcomeUnreachable, classNeighbour,
		link.Unanswered(w.path.route, w.via(t.Addr), w.path.neighbours.Protocol(), neighbours.MaxAsks).Error())
}

// resolve goes on with targets whose neighbour has answered, or has not: as the
// pace lets it, since thousands may have waited for one gateway.
func (l *loop) resolve() error {
	if l.ways.last != nil {
		l.ways.last.doubt(l.now) // though there may be nothing to send
	}
	for _, p := range l.paths {
		if p.neighbours == nil {
			continue
		}
		var silent error
		err := p.neighbours.Turn(l.now, func(q *neighbours.Query, answered bool) {
			if q.Probe {
				silent = l.refreshed(p, q.Who, answered)
			}
			for _, n := range q.Waiting {
				if l.window.holds(n) && l.window.at(n).state == slotResolving {
					l.parked = append(l.parked, n)
				}
			}
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

// depart sends SYNs to the targets that are parked.
func (l *loop) depart() {
	for len(l.parked) > 0 && l.egress.mayBegin() {
		n := l.parked[0]
		t := l.source.at(n)
		if l.asksTooMuch(n, &t) {
			return
		}
		l.parked = l.parked[1:]
		s := l.window.at(n)
		s.state = slotWaiting
		l.approach(n, s, &t)
	}
}

// refreshed takes up what became of asking for a gateway again: its link-layer
// address is another now, for those that speak by way of it, too; or it is
// silent, and nothing else came from it.
func (l *loop) refreshed(p *path, gateway netip.Addr, answered bool) error {
	for w := range l.ways.each {
		if w.path != p || w.gateway != gateway || w.hop.IsZero() {
			continue
		}
		if !answered {
			if l.now.Sub(w.heard) >= neighbours.MaxAsks*neighbours.AskInterval && l.now.Sub(w.used) < inUse {
				return link.Unanswered(w.route, gateway, p.neighbours.Protocol(), neighbours.MaxAsks)
			}
			continue
		}
		hop, _ := p.neighbours.Find(l.now, gateway)
		for _, c := range l.conns {
			if c.session != nil && c.path == p && c.hop == w.hop && hop != w.hop {
				c.hop = hop
			}
		}
		w.hop = hop
	}
	return nil
}

// resendLate does for the targets whose SYN left out of turn, because their
// neighbour had to be found, what resendSYNs and silence do for the others.
// late holds them by how many SYNs they have had, in the order of the last.
func (l *loop) resendLate() {
	for round := range l.late {
		list := l.late[round]
		for len(list) > 0 {
			n := list[0]
			if l.window.holds(n) && l.window.at(n).state == slotWaiting && int(l.window.at(n).tries) == round+1 {
				s := l.window.at(n)
				if !l.due(s, round+1) || round < l.o.Retries && !l.egress.mayBegin() {
					break
				}
				if round == l.o.Retries {
					l.unanswered(n, s)
				} else {
					t := l.source.at(n)
					l.approach(n, s, &t)
				}
			}
			list = list[1:]
		}
		l.late[round] = list
	}
}
