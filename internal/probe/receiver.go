// Takes what arrives, and finds the target that it belongs to.

package probe

import (
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/reassembly"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A receiver takes what arrives, and passes it to its target.
type receiver struct {
	*clock
	stats       *Stats
	ports       *ports
	begun       *begun
	syns        *syns
	connections *connections

	fragments reassembly.Buffer
	in        wire.Packet // the last that arrived
}

// init makes it ready. It names what is below it.
func (r *receiver) init(k *clock, stats *Stats, p *ports, b *begun, sy *syns, cs *connections) {
	r.clock, r.stats, r.ports, r.begun, r.syns, r.connections = k, stats, p, b, sy, cs
}

// packet takes one arrived IP packet.
func (r *receiver) packet(p *routes.Path, packet link.Packet) {
	err := r.in.Decode(packet.Data, packet.ChecksumPartial || packet.KernelSent)
	if packet.KernelSent {
		if err == nil && r.in.Holds == wire.HoldsSegment {
			r.kernelSent(p)
		}
		return
	}
	if err == nil && r.in.IP.Fragment.Partial() {
		var whole []byte
		if whole, err = r.fragments.Add(r.now, &r.in.IP, r.in.Payload()); whole != nil {
			err = r.in.DecodePayload(whole)
		} else if err == nil {
			return
		}
	}
	if err != nil || r.in.IP.Refusal != "" { // RFC 9293, MUST-3
		r.stats.Bad++
		return
	}
	r.whole(p, packet)
}

// whole takes what a packet carries. What is kept of one that came in fragments is
// the last fragment to come.
func (r *receiver) whole(p *routes.Path, packet link.Packet) {
	switch r.in.Holds {
	case wire.HoldsSegment:
		r.segment(p, &r.in.IP, &r.in.Segment, packet)
	case wire.HoldsICMP:
		r.icmp(p, &r.in.ICMP, packet)
	}
}

// segment passes a segment to the target that it belongs to.
func (r *receiver) segment(p *routes.Path, h *wire.IP, s *wire.Segment, packet link.Packet) {
	if c := r.connections.flowOf(p, h.Src, s.SrcPort, s.DstPort); c != nil {
		r.arrived = max(r.arrived, c.begin)
		r.connections.hear(c, h, s, packet)
		return
	}
	n, ok := r.begun.find(p.Route.Interface, &h.Src, s.SrcPort, s.DstPort-p.First)
	here := ok && r.syns.routeBack(h, s).Path == p // or what it answers left by another path
	if !ok || !r.begun.window.holds(n) {
		r.syns.stray(p, h, s, ok && here && n < r.begun.window.base)
		return
	}
	slot := r.begun.window.at(n)
	r.arrived = max(r.arrived, r.syns.sentAt(slot)) // whatever was done to the clock
	switch {
	case slot.state == slotConnected && r.connections.all[slot.conn].local != s.DstPort: // an audit has gone on to another
		r.syns.stray(p, h, s, false)
	case slot.state == slotConnected && r.connections.all[slot.conn].path == p:
		r.connections.hear(r.connections.all[slot.conn], h, s, packet)
	case slot.state == slotWaiting && here:
		if a, ok := r.syns.answer(p, n, slot, h, s, packet); ok {
			r.connections.accept(&a, h, s, packet)
		}
	default:
		r.syns.stray(p, h, s, here && slot.state == slotDone)
	}
}

// icmp takes an error message about a packet of ours.
func (r *receiver) icmp(p *routes.Path, m *wire.ICMP, packet link.Packet) {
	if !m.IsError() || m.Quoted.Protocol != wire.ProtocolTCP || m.Quoted.Fragment.Offset != 0 {
		return
	}
	if c := r.connections.flowOf(p, m.Quoted.Dst, m.DstPort, m.SrcPort); c != nil {
		r.arrived = max(r.arrived, c.begin)
		r.connections.unreachable(c, m)
		return
	}
	n, ok := r.begun.find(p.Route.Interface, &m.Quoted.Dst, m.DstPort, m.SrcPort-p.First)
	if !ok || !r.begun.window.holds(n) {
		r.stats.Stray++
		return
	}
	slot := r.begun.window.at(n)
	r.arrived = max(r.arrived, r.syns.sentAt(slot))
	switch {
	case slot.state == slotConnected && r.connections.all[slot.conn].local != m.SrcPort: // an audit has gone on to another
		r.stats.Stray++
	case slot.state == slotConnected:
		r.connections.unreachable(r.connections.all[slot.conn], m)
	case slot.state == slotWaiting:
		r.syns.unreachable(n, slot, m, packet)
	}
}
