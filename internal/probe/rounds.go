// Sends SYNs, and sends them again to targets that have not answered.

package probe

import (
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// clockTurn is after how many SYNs the clock is read again: fewer than leave
// the link at once.
const clockTurn = 64

// sendSYN sends a target's first SYN, or another.
func (sy *syns) sendSYN(n uint64, slot *slot, t *Target, p *routes.Path, hop link.Hop) {
	local := p.First + sy.begun.source.Port(n, t)
	iss, offset := sy.mac.Sequence(t.Addr, t.Port, local)
	if sy.stats.SYNs%clockTurn == 0 {
		sy.now = sy.instant()
	}
	slot.sent = uint32(sy.now / tick)
	slot.tries++
	slot.flags &^= slotOwed
	if slot.flags&slotDeferred != 0 {
		sy.deferred[slot.tries-1] = append(sy.deferred[slot.tries-1], n)
	}
	sy.stats.SYNs++
	slot.flags &^= slotFiltered
	if !sy.egress.send(p, hop, p.SYN(t.Addr, t.Port, local, iss, syn.Clock(sy.now)+offset)) {
		slot.flags |= slotFiltered
	}
}

// due reports whether a waiting slot's time after a number of tries is over.
func (sy *syns) due(s *slot, tries int) bool {
	return uint32(sy.now/tick)-s.sent >= uint32(sy.o.gap(tries)/tick)
}

// resendSYNs sends SYNs again to those that have not answered. Each round
// follows the one before it over the same targets, in the same order, so that
// what it comes to next is due next.
func (sy *syns) resendSYNs() {
	ahead := sy.begun.window.head
	for round := range sy.o.Retries {
		at := max(sy.resend[round], sy.begun.window.base)
		for ; at < ahead; at++ {
			s := sy.begun.window.at(at)
			if !s.inTurn() {
				continue
			}
			if !sy.due(s, round+1) || !sy.egress.mayBegin() {
				break
			}
			t := sy.begun.source.At(at)
			sy.approach(at, s, &t)
		}
		sy.resend[round], ahead = at, at
	}
}

// silence ends the targets that have not answered any SYN.
func (sy *syns) silence() {
	last := sy.o.Retries
	ahead := sy.begun.window.head
	if last > 0 {
		ahead = max(sy.resend[last-1], sy.begun.window.base)
	}
	at := max(sy.resend[last], sy.begun.window.base)
	for ; at < ahead; at++ {
		s := sy.begun.window.at(at)
		if !s.inTurn() {
			continue
		}
		if !sy.due(s, last+1) {
			break
		}
		sy.unanswered(at, s)
	}
	sy.resend[last] = at
}
