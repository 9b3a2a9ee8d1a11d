package probe

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
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
	here := ok && l.routeBack(h, s).Path == p // or what it answers left by another path
	if !ok || !l.begun.window.holds(n) {
		l.stray(p, h, s, ok && here && n < l.begun.window.base)
		return
	}
	slot := l.begun.window.at(n)
	l.arrived = max(l.arrived, l.sentAt(slot)) // whatever was done to the clock
	switch {
	case slot.state == slotConnected && l.connections.all[slot.conn].path == p:
		l.connections.hear(l.connections.all[slot.conn], h, s, packet)
	case slot.state == slotWaiting && here:
		l.answer(p, n, slot, h, s, packet)
	default:
		l.stray(p, h, s, here && slot.state == slotDone)
	}
}

// routeBack is the route to where a segment came from.
func (l *loop) routeBack(h *wire.IP, s *wire.Segment) *routes.Route {
	return l.routes.Of(routes.Flow{To: h.Src, Remote: s.SrcPort, Local: s.DstPort})
}

// stray answers what belongs to no connection of ours any more with a RST (RFC
// 9293, section 3.10.7.1), if it belonged to one: its acknowledgment is near
// our ISS. What never did is backscatter, and let be. A peer that goes on and on
// gets no answer to each: our rate is for the others.
func (l *loop) stray(p *routes.Path, h *wire.IP, s *wire.Segment, late bool) {
	if !late {
		l.stats.Stray++
		return
	}
	l.stats.Late++
	iss, _ := l.mac.Sequence(h.Src, s.SrcPort, s.DstPort)
	if s.Flags.Has(wire.RST) || !s.Flags.Has(wire.ACK) || !s.Ack.InWindow(wire.Seq(iss), syn.ReceiveBuffer) {
		return
	}
	l.sendReset(p, h, s)
}

// sendReset answers a segment of no connection, if its sender may have an answer.
func (l *loop) sendReset(p *routes.Path, h *wire.IP, s *wire.Segment) {
	if !l.egress.pace.May() || !l.egress.answers.MayTo(l.now, h.Src) {
		return
	}
	var r wire.Segment
	hop, state := l.routeBack(h, s).To(l.now, h.Src)
	if state == neighbours.Reachable && tcb.FillReset(&r, s) {
		r.SrcPort, r.DstPort = s.DstPort, s.SrcPort
		l.egress.answers.SpendTo(l.now, h.Src)
		l.egress.sendSegment(p, hop, h.Src, &r, false)
	}
}

// answer takes what answers a SYN of ours.
func (l *loop) answer(p *routes.Path, n uint64, slot *slot, h *wire.IP, s *wire.Segment, packet link.Packet) {
	iss, offset := l.mac.Sequence(h.Src, s.SrcPort, s.DstPort)
	ours := s.Flags.Has(wire.ACK) && s.Ack == wire.Seq(iss)+1
	switch {
	case s.Flags.Has(wire.RST):
		if ours { // RFC 9293, section 3.10.7.3
			l.routeBack(h, s).Heard = l.now
			t := l.begun.source.at(n)
			l.refused(n, slot, &t, record.OutcomeClosed, "a RST answered our SYN", packet)
		} else {
			l.stats.Stray++
		}
	case s.Flags.Has(wire.SYN) && ours:
		l.routeBack(h, s).Heard = l.now
		l.accept(p, n, slot, nil, h, s, packet)
	case ours && l.crossed[n] != nil && s.Seq == l.crossed[n].seg.Seq+1:
		l.routeBack(h, s).Heard = l.now
		l.accept(p, n, slot, l.crossed[n], h, s, packet)
	case s.Flags.Has(wire.SYN) && !s.Flags.Has(wire.ACK):
		l.crosses(n, slot, h, s, offset, packet)
	case s.Flags.Has(wire.ACK): // wrong, or an ACK without SYN
		if s.Flags.Has(wire.SYN) {
			slot.odd |= oddWrongACK
			l.keepOdd(n, slot, packet)
		}
		l.stats.Stray++
		l.correct(n, slot, s.Ack)
	default:
		l.stats.Stray++
	}
}

// mostOdd bounds the answers that do not count and are kept as evidence.
const mostOdd = 1 << 14

func (l *loop) keepOdd(n uint64, slot *slot, packet link.Packet) {
	if !slot.seen && len(l.odd) < mostOdd {
		slot.seen = true
		var kept record.Packet
		kept.Set(l.arrived.Sub(l.firstAt(slot)), packet.Data)
		l.odd[n] = kept
	}
}

// sentAt is when a slot's last SYN left.
func (l *loop) sentAt(s *slot) tcb.Instant {
	now := l.now / tick
	return (now - tcb.Instant(uint32(now)-s.sent)) * tick
}

// firstAt is when a slot's first SYN left, as the gaps tell it, as long as there is
// no connection.
func (l *loop) firstAt(s *slot) tcb.Instant {
	at := l.sentAt(s)
	for k := 1; k < int(s.tries); k++ {
		if k == 1 && s.flags&slotAtOnce != 0 {
			at -= tcb.Instant(s.conn) * tick
			continue
		}
		at = at.Add(-l.o.gap(k))
	}
	return at
}

// rtt is from the SYN that a segment answers to that segment, negative if it is
// not known which SYN that was. Where its timestamp names the last one, its time
// is known better than the milliseconds of that clock tell.
func (l *loop) rtt(slot *slot, s *wire.Segment, offset uint32) time.Duration {
	sent := l.sentAt(slot)
	_, echo, ok := s.Options.Timestamps()
	echo -= offset
	since := time.Duration(syn.Clock(l.arrived)-echo) * time.Millisecond
	switch {
	case slot.tries == 1, ok && echo == syn.Clock(sent):
		return l.arrived.Sub(sent)
	case ok && since <= l.arrived.Sub(l.firstAt(slot))+time.Millisecond:
		return since
	}
	return -1
}

// accept gives a target a connection, when what proves itself has come: a SYN-ACK, or
// the ACK that follows a SYN of the target's. Where nobody knows at the moment how to
// answer, it is let be: it will come again.
func (l *loop) accept(p *routes.Path, n uint64, slot *slot, crossed *crossedSYN, h *wire.IP, s *wire.Segment, packet link.Packet) {
	iss, offset := l.mac.Sequence(h.Src, s.SrcPort, s.DstPort)
	a := accepted{n: n, slot: slot, path: p, iss: wire.Seq(iss), offset: offset, begin: l.firstAt(slot), crossed: crossed}
	if crossed == nil {
		a.rtt = l.rtt(slot, s, offset)
	}
	var state neighbours.State
	if a.hop, state = l.routeBack(h, s).To(l.now, h.Src); state != neighbours.Reachable {
		return
	}
	l.stats.Answers++
	delete(l.odd, n) // what counts has come
	delete(l.crossed, n)
	delete(l.soft, n)
	a.target = l.begun.source.at(n)
	l.connections.accept(&a, h, s, packet)
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
	l.arrived = max(l.arrived, l.sentAt(slot))
	switch slot.state {
	case slotConnected:
		l.connections.unreachable(l.connections.all[slot.conn], &m)
	case slotWaiting:
		// One that does not quote our sequence number is forged (RFC 5927,
		// section 4.1).
		if iss, _ := l.mac.Sequence(m.Quoted.Dst, m.DstPort, m.SrcPort); m.Seq != wire.Seq(iss) || m.Kind() == wire.KindTooBig {
			l.stats.Stray++
			return
		}
		if !tcb.HardError(&m) && l.keepSoft(n, slot, &m, packet) {
			return
		}
		t := l.begun.source.at(n)
		l.results.heard(&m)
		l.refused(n, slot, &t, record.OutcomeUnreachable, fmt.Sprintf("%v said %v", m.From, &m), packet)
	}
}

// A softError is what the network said of a target that may pass, as RFC 1122 has
// it (section 4.2.3.9): our SYNs go on, and it is the reason if nobody answers.
type softError struct {
	icmp record.ICMP
	kept record.Packet
}

// keepSoft keeps the last of a target's, if there is room.
func (l *loop) keepSoft(n uint64, slot *slot, m *wire.ICMP, packet link.Packet) bool {
	e := l.soft[n]
	if e == nil {
		if len(l.soft) >= mostOdd {
			return false
		}
		e = new(softError)
		l.soft[n] = e
	}
	e.icmp = *told(m)
	e.kept.Set(l.arrived.Sub(l.firstAt(slot)), packet.Data)
	return true
}
