package probe

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/reassembly"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A receiver takes what arrives, and gives it to whom it belongs.
type receiver struct {
	*clock
	stats       *Stats
	ports       *ports
	begun       *begun
	syns        *syns
	connections *connections

	fragments reassembly.Buffer
	cursor    field.Cursor
	seg       wire.Segment
}

// init makes it ready. It names what is below it.
func (r *receiver) init(k *clock, stats *Stats, p *ports, b *begun, sy *syns, cs *connections) {
	r.clock, r.stats, r.ports, r.begun, r.syns, r.connections = k, stats, p, b, sy, cs
}

// packet takes one arrived IP packet.
func (r *receiver) packet(p *routes.Path, packet link.Packet) {
	r.cursor = field.New(wire.Root(packet.Data), packet.Data)
	c := &r.cursor
	var h wire.IP
	if packet.KernelSent {
		r.kernelSent(p, c)
		return
	}
	if h.Decode(c) != nil || h.Version == 4 && wire.Checksum(packet.Data[:h.HeaderLen()]) != 0 {
		r.stats.Bad++
		return
	}
	if h.Fragment.Partial() {
		whole, err := r.fragments.Add(r.now, &h, c.Ahead())
		if err != nil {
			r.stats.Bad++
		}
		if whole == nil {
			return
		}
		r.cursor, packet.ChecksumPartial = field.New("payload", whole), false
	}
	r.payload(p, &h, packet)
}

// payload takes what a whole packet carries, from the cursor on. What is kept
// of a packet that came in fragments is the one that completed it.
func (r *receiver) payload(p *routes.Path, h *wire.IP, packet link.Packet) {
	c := &r.cursor
	body := c.Ahead()
	switch {
	case h.Refusal != "":
		r.stats.Bad++
	case h.Protocol == wire.ProtocolTCP:
		if !packet.ChecksumPartial && wire.TCPChecksum(body, h.Src, h.Dst) != 0 || r.seg.Decode(c) != nil { // RFC 9293, MUST-3
			r.stats.Bad++
			return
		}
		r.segment(p, h, &r.seg, packet)
	case h.Version == 4 && h.Protocol == wire.ProtocolICMP, h.Version == 6 && h.Protocol == wire.ProtocolICMPv6:
		r.icmp(p, h, c, body, packet)
	}
}

// segment gives a segment to whom it belongs.
func (r *receiver) segment(p *routes.Path, h *wire.IP, s *wire.Segment, packet link.Packet) {
	n, ok := r.begun.find(p.Route.Interface, &h.Src, s.SrcPort, s.DstPort-p.First)
	here := ok && r.syns.routeBack(h, s).Path == p // or what it answers left by another path
	if !ok || !r.begun.window.holds(n) {
		r.syns.stray(p, h, s, ok && here && n < r.begun.window.base)
		return
	}
	slot := r.begun.window.at(n)
	r.arrived = max(r.arrived, r.syns.sentAt(slot)) // whatever was done to the clock
	switch {
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
func (r *receiver) icmp(p *routes.Path, h *wire.IP, c *field.Cursor, body []byte, packet link.Packet) {
	var m wire.ICMP
	var err error
	if h.Version == 6 {
		if wire.ICMPv6Checksum(body, h.Src, h.Dst) != 0 {
			r.stats.Bad++
			return
		}
		err = m.DecodeV6(c)
	} else {
		if wire.Checksum(body) != 0 {
			r.stats.Bad++
			return
		}
		err = m.Decode(c)
	}
	if err != nil || !m.IsError() || m.Quoted.Protocol != wire.ProtocolTCP || m.Quoted.Fragment.Offset != 0 {
		return
	}
	m.From = h.Src
	n, ok := r.begun.find(p.Route.Interface, &m.Quoted.Dst, m.DstPort, m.SrcPort-p.First)
	if !ok || !r.begun.window.holds(n) {
		r.stats.Stray++
		return
	}
	slot := r.begun.window.at(n)
	r.arrived = max(r.arrived, r.syns.sentAt(slot))
	switch slot.state {
	case slotConnected:
		r.connections.unreachable(r.connections.all[slot.conn], &m)
	case slotWaiting:
		r.syns.unreachable(n, slot, &m, packet)
	}
}
