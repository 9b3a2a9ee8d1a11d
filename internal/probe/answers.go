package probe

import (
	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An owed answer is a RST to what a target said to our SYN and should not have, or
// a SYN-ACK to its own SYN.
type owed struct {
	n       uint64
	seq     wire.Seq
	crossed bool // it is the SYN-ACK
}

// correct has a target that waits for the right answer to our SYN get a RST for a
// wrong one (RFC 9293, section 3.10.7.3). An honest host that still knows an
// earlier connection needs it, or it will never take the next SYN. So each SYN of
// ours pays for one, and no more.
func (l *loop) correct(n uint64, slot *slot, seq wire.Seq) {
	l.owe(slot, owed{n: n, seq: seq})
}

// owe notes an answer, if our last SYN has drawn none yet.
func (l *loop) owe(slot *slot, o owed) {
	if slot.flags&slotOwed == 0 {
		slot.flags |= slotOwed
		l.owed = append(l.owed, o)
	}
}

// sendOwed sends those answers, as the pace lets it.
func (l *loop) sendOwed() {
	for len(l.owed) > 0 && l.egress.pace.May() {
		o := l.owed[0]
		l.owed = l.owed[1:]
		if !l.begun.window.holds(o.n) || l.begun.window.at(o.n).state != slotWaiting {
			continue
		}
		t := l.begun.source.at(o.n)
		r := l.routeTo(o.n, &t)
		if r.Err != nil {
			continue
		}
		if hop, state := r.To(l.now, t.Addr); state == neighbours.Reachable {
			l.sendAnswer(&o, &t, r.Path, hop)
		}
	}
}

// sendAnswer sends one of them. The SYN that follows a RST at once, as package tcb
// has it too, is one of those that the target gets anyway: an honest host takes it,
// now that the RST has ended what it took the first for.
func (l *loop) sendAnswer(o *owed, t *Target, p *routes.Path, hop link.Hop) {
	local, slot := p.First+l.begun.source.port(o.n, t), l.begun.window.at(o.n)
	r := wire.Segment{Seq: o.seq, Flags: wire.RST}
	if kept := l.crossed[o.n]; o.crossed && kept != nil {
		r = l.answerTo(kept, p, t, local)
	}
	r.SrcPort, r.DstPort = local, t.Port
	l.egress.sendSegment(p, hop, t.Addr, &r, false)
	if !o.crossed && slot.tries == 1 && l.o.Retries > 0 && l.egress.pace.May() {
		first := slot.sent
		slot.flags |= slotLate | slotAtOnce
		l.sendSYN(o.n, slot, t, p, hop)
		slot.conn = slot.sent - first
	}
}
