package probe

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// packet takes one arrived IP packet.
func (l *loop) packet(p *routes.Path, packet link.Packet) {
	l.cursor = field.New(wire.Root(packet.Data), packet.Data)
	c := &l.cursor
	var h wire.IP
	if packet.KernelSent {
		l.kernelSent(p, c)
		return
	}
	if h.Decode(c) != nil || h.Version == 4 && wire.Checksum(packet.Data[:h.HeaderLen()]) != 0 {
		l.stats.Bad++
		return
	}
	if h.Fragment.Partial() {
		whole, err := l.fragments.Add(l.now, &h, c.Ahead())
		if err != nil {
			l.stats.Bad++
		}
		if whole == nil {
			return
		}
		l.cursor, packet.ChecksumPartial = field.New("payload", whole), false
	}
	l.payload(p, &h, packet)
}

// payload takes what a whole packet carries, from the cursor on. What is kept
// of a packet that came in fragments is the one that completed it.
func (l *loop) payload(p *routes.Path, h *wire.IP, packet link.Packet) {
	c := &l.cursor
	body := c.Ahead()
	switch {
	case h.Refusal != "":
		l.stats.Bad++
	case h.Protocol == wire.ProtocolTCP:
		if !packet.ChecksumPartial && wire.TCPChecksum(body, h.Src, h.Dst) != 0 || l.seg.Decode(c) != nil { // RFC 9293, MUST-3
			l.stats.Bad++
			return
		}
		l.segment(p, h, &l.seg, packet)
	case h.Version == 4 && h.Protocol == wire.ProtocolICMP, h.Version == 6 && h.Protocol == wire.ProtocolICMPv6:
		l.icmp(p, h, c, body, packet)
	}
}

// segment gives a segment to whom it belongs.
func (l *loop) segment(p *routes.Path, h *wire.IP, s *wire.Segment, packet link.Packet) {
	n, ok := l.begun.find(p.Route.Interface, &h.Src, s.SrcPort, s.DstPort-p.First)
	here := ok && l.syns.routeBack(h, s).Path == p // or what it answers left by another path
	if !ok || !l.begun.window.holds(n) {
		l.syns.stray(p, h, s, ok && here && n < l.begun.window.base)
		return
	}
	slot := l.begun.window.at(n)
	l.arrived = max(l.arrived, l.syns.sentAt(slot)) // whatever was done to the clock
	switch {
	case slot.state == slotConnected && l.connections.all[slot.conn].path == p:
		l.connections.hear(l.connections.all[slot.conn], h, s, packet)
	case slot.state == slotWaiting && here:
		if a, ok := l.syns.answer(p, n, slot, h, s, packet); ok {
			l.connections.accept(&a, h, s, packet)
		}
	default:
		l.syns.stray(p, h, s, here && slot.state == slotDone)
	}
}

// icmp takes an error message about a packet of ours.
func (l *loop) icmp(p *routes.Path, h *wire.IP, c *field.Cursor, body []byte, packet link.Packet) {
	var m wire.ICMP
	var err error
	if h.Version == 6 {
		if wire.ICMPv6Checksum(body, h.Src, h.Dst) != 0 {
			l.stats.Bad++
			return
		}
		err = m.DecodeV6(c)
	} else {
		if wire.Checksum(body) != 0 {
			l.stats.Bad++
			return
		}
		err = m.Decode(c)
	}
	if err != nil || !m.IsError() || m.Quoted.Protocol != wire.ProtocolTCP || m.Quoted.Fragment.Offset != 0 {
		return
	}
	m.From = h.Src
	n, ok := l.begun.find(p.Route.Interface, &m.Quoted.Dst, m.DstPort, m.SrcPort-p.First)
	if !ok || !l.begun.window.holds(n) {
		l.stats.Stray++
		return
	}
	slot := l.begun.window.at(n)
	l.arrived = max(l.arrived, l.syns.sentAt(slot))
	switch slot.state {
	case slotConnected:
		l.connections.unreachable(l.connections.all[slot.conn], &m)
	case slotWaiting:
		l.syns.unreachable(n, slot, &m, packet)
	}
}
