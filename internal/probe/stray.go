// Answers to segments that belong to no connection.

package probe

import (
	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// stray answers what belongs to no connection of ours any more with a RST (RFC
// 9293, section 3.10.7.1), if it belonged to one: its acknowledgment is near
// our ISS. What never did is backscatter, and is ignored. A peer that goes on and
// on does not get an answer to each segment: our rate is for the others.
func (sy *syns) stray(p *routes.Path, h *wire.IP, s *wire.Segment, late bool) {
	if !late {
		sy.stats.Stray++
		return
	}
	sy.stats.Late++
	iss, _ := sy.mac.Sequence(h.Src, s.SrcPort, s.DstPort)
	if s.Flags.Has(wire.RST) || !s.Flags.Has(wire.ACK) || !s.Ack.InWindow(wire.Seq(iss), syn.ReceiveBuffer) {
		return
	}
	sy.sendReset(p, h, s)
}

// sendReset answers a segment of no connection, if its sender may have an answer.
func (sy *syns) sendReset(p *routes.Path, h *wire.IP, s *wire.Segment) {
	if !sy.egress.pace.May() || !sy.egress.answers.MayTo(sy.now, h.Src) {
		return
	}
	var r wire.Segment
	hop, state := sy.routeBack(h, s).To(sy.now, h.Src)
	if state == neighbours.Reachable && r.ResetOf(s) {
		r.SrcPort, r.DstPort = s.DstPort, s.SrcPort
		sy.egress.answers.SpendTo(sy.now, h.Src)
		sy.egress.sendSegment(p, hop, h.Src, &r, false)
	}
}
