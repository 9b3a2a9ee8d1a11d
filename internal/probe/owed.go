// Answers that the SYN side owes to targets, within the pace.

package probe

import (
	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An owed answer is a RST to a target's wrong answer to our SYN, or a SYN-ACK to its own
// SYN.
type owed struct {
	n       uint64
	seq     wire.Seq
	crossed bool // it is the SYN-ACK
}

// correct has a target that waits for the right answer to our SYN get a RST for a
// wrong one (RFC 9293, section 3.10.7.3). An honest host that still knows an
// earlier connection needs it, or it will never take the next SYN. So each SYN of
// ours pays for one, and no more.
func (sy *syns) correct(n uint64, slot *slot, seq wire.Seq) {
	sy.owe(slot, owed{n: n, seq: seq})
}

// owe notes an answer, if our last SYN has drawn none yet.
func (sy *syns) owe(slot *slot, o owed) {
	if slot.flags&slotOwed == 0 {
		slot.flags |= slotOwed
		sy.owed = append(sy.owed, o)
	}
}

// sendOwed sends those answers, as the pace allows.
func (sy *syns) sendOwed() {
	for len(sy.owed) > 0 && sy.egress.pace.May() {
		o := sy.owed[0]
		sy.owed = sy.owed[1:]
		if !sy.begun.window.holds(o.n) || sy.begun.window.at(o.n).state != slotWaiting {
			continue
		}
		t := sy.begun.source.At(o.n)
		r := sy.routeTo(o.n, &t)
		if r.Err != nil {
			continue
		}
		if hop, state := r.To(sy.now, t.Addr); state == neighbours.Reachable {
			sy.sendAnswer(&o, &t, r.Path, hop)
		}
	}
}

// sendAnswer sends one of them. The SYN that follows a RST at once, as package tcb
// has it too, is one of those that the target gets anyway: an honest host takes it,
// now that the RST has ended what it took the first for.
func (sy *syns) sendAnswer(o *owed, t *Target, p *routes.Path, hop link.Hop) {
	local, slot := p.First+sy.begun.source.Port(o.n, t), sy.begun.window.at(o.n)
	r := wire.Segment{Seq: o.seq, Flags: wire.RST}
	if kept := sy.crossed[o.n]; o.crossed && kept != nil {
		r = sy.answerTo(kept, p, t, local)
	}
	r.SrcPort, r.DstPort = local, t.Port
	sy.egress.sendSegment(p, hop, t.Addr, &r, false)
	if !o.crossed && slot.tries == 1 && sy.o.Retries > 0 && sy.egress.pace.May() {
		first := slot.sent
		slot.flags |= slotDeferred | slotAtOnce
		sy.sendSYN(o.n, slot, t, p, hop)
		slot.conn = slot.sent - first
	}
}
