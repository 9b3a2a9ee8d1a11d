// Judges the answers to our SYNs.

package probe

import (
	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// answer takes an answer to a SYN of ours. The target is accepted if the answer proves
// itself.
func (sy *syns) answer(p *routes.Path, n uint64, slot *slot, h *wire.IP, s *wire.Segment, packet link.Packet) (a accepted, ok bool) {
	iss, offset := sy.mac.Sequence(h.Src, s.SrcPort, s.DstPort)
	ours := s.Flags.Has(wire.ACK) && s.Ack == wire.Seq(iss)+1
	switch {
	case s.Flags.Has(wire.RST):
		if ours { // RFC 9293, section 3.10.7.3
			sy.routeBack(h, s).Heard = sy.now
			t := sy.begun.source.At(n)
			sy.refused(n, slot, &t, record.OutcomeClosed, "a RST answered our SYN", packet)
		} else {
			sy.stats.Stray++
		}
	case s.Flags.Has(wire.SYN) && ours:
		sy.routeBack(h, s).Heard = sy.now
		a = accepted{n: n, slot: slot, path: p, iss: wire.Seq(iss), offset: offset, rtt: sy.rtt(slot, s, offset)}
		return a, sy.accept(&a, h, s)
	case ours && sy.crossed[n] != nil && s.Seq == sy.crossed[n].seg.Seq+1:
		sy.routeBack(h, s).Heard = sy.now
		a = accepted{n: n, slot: slot, path: p, iss: wire.Seq(iss), offset: offset, crossed: sy.crossed[n]}
		return a, sy.accept(&a, h, s)
	case s.Flags.Has(wire.SYN) && !s.Flags.Has(wire.ACK):
		sy.crosses(n, slot, h, s, offset, packet)
	case s.Flags.Has(wire.ACK): // wrong, or an ACK without SYN
		if s.Flags.Has(wire.SYN) {
			slot.anomalies |= anomalyWrongACK
			sy.keepEvidence(n, slot, packet)
		}
		sy.stats.Stray++
		sy.correct(n, slot, s.Ack)
	default:
		sy.stats.Stray++
	}
	return a, false
}

// maxEvidence bounds the wrong answers that are kept as evidence.
const maxEvidence = 1 << 14

func (sy *syns) keepEvidence(n uint64, slot *slot, packet link.Packet) {
	if !slot.seen && len(sy.evidence) < maxEvidence {
		slot.seen = true
		var kept record.Packet
		kept.Set(sy.arrived.Sub(sy.firstAt(slot)), packet.Data)
		sy.evidence[n] = kept
	}
}

// accept gives a target a connection once a segment has proved itself: a SYN-ACK, or the
// ACK that follows a SYN of the target's. If the way back is not known at the moment,
// the segment is ignored: it will come again.
func (sy *syns) accept(a *accepted, h *wire.IP, s *wire.Segment) bool {
	var state neighbours.State
	if a.hop, state = sy.routeBack(h, s).To(sy.now, h.Src); state != neighbours.Reachable {
		return false
	}
	sy.stats.Answers++
	sy.drop(a.n) // the right answer has come
	a.begin, a.target = sy.firstAt(a.slot), sy.begun.source.At(a.n)
	return true
}

// routeBack is the route to where a segment came from.
func (sy *syns) routeBack(h *wire.IP, s *wire.Segment) *routes.Route {
	return sy.routes.Of(routes.Flow{To: h.Src, Remote: s.SrcPort, Local: s.DstPort})
}
