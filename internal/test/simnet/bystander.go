// Checks every packet against what was sent and has arrived before it.

package simnet

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A bystander watches the packets of a network, and checks each one that an
// endpoint sends against what was sent and has arrived before. It knows only
// the packets, and the users at both ends.
type bystander struct {
	net    *Network
	spaces spaces
	digest uint32 // of all packets sent, and when
	sent   int
	count  func(kind, name string)
	ladder *ladder // nil unless a trace is wanted
}

func newBystander(n *Network, count func(kind, name string)) *bystander {
	return &bystander{net: n, spaces: spaces{}, count: count}
}

// seen is a packet as the bystander decodes it.
type seen struct {
	wire.Packet
	way way
}

// read decodes a packet, whose checksums may be wrong.
func (p *seen) read(packet []byte) error {
	c := field.New(wire.Root(packet), packet)
	err := p.DecodeFields(&c)
	p.way = way{p.From(), p.To()}
	return err
}

func (p *seen) tcp() bool { return p.Holds == wire.HoldsSegment }

// Sent checks a packet.
func (b *bystander) Sent(from *Host, packet []byte) {
	b.sent++
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(b.net.now))
	b.digest = crc32.Update(crc32.Update(b.digest, castagnoli, stamp[:]), castagnoli, packet)
	var p seen
	err := p.read(packet)
	if err == nil {
		err = b.wellFormed(from, packet, &p)
	}
	if err == nil && !p.Segment.Flags.Has(wire.RST) {
		err = b.judge(&p)
	}
	if err != nil {
		b.net.Failf("%s sent %v: %w", from.Name, b.describe(&p), err)
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (b *bystander) wellFormed(from *Host, packet []byte, p *seen) error {
	switch sums := p.Verify(false); {
	case !p.tcp():
		return fmt.Errorf("IP protocol %d", p.IP.Protocol)
	case p.IP.TotalLength != len(packet):
		return fmt.Errorf("a total length of %d in a packet of %d", p.IP.TotalLength, len(packet))
	case sums != nil:
		return sums
	case p.IP.Src != from.Addr:
		return fmt.Errorf("from %v, which is not its address", p.IP.Src)
	case p.Segment.Options.Malformed():
		return fmt.Errorf("malformed options")
	}
	return nil
}

// judge checks a segment other than a RST.
func (b *bystander) judge(p *seen) error {
	s := &p.Segment
	var own *space
	if s.Flags.Has(wire.SYN) {
		own = b.spaces.begin(p.way, s.Seq)
		b.noteSYN(own, p)
	} else if own = b.spaces.sending(p.way, s.Seq); own == nil {
		return fmt.Errorf("without a SYN before it")
	}
	if err := b.judgeAck(own, p); err != nil {
		return err
	}
	if err := b.judgeOctets(own, s); err != nil {
		return err
	}
	own.end = max(own.end, s.End().Minus(own.iss))
	return nil
}

func (b *bystander) noteSYN(own *space, p *seen) {
	if mss, ok := p.Segment.Options.MSS(); ok {
		own.mss = int(mss)
	}
	if shift, ok := p.Segment.Options.WindowScale(); ok {
		own.scaled, own.scale = true, min(shift, wire.MaxWindowScale)
	}
	for _, peer := range b.spaces[way{p.way.to, p.way.from}] {
		if own.end == 0 && (peer.peer == nil || peer.peer == own) {
			own.edge = max(own.edge, peer.first)
		}
	}
}

// judgeAck checks that nothing is acknowledged that did not arrive, and that
// neither acknowledgments nor windows go back.
func (b *bystander) judgeAck(own *space, p *seen) error {
	s := &p.Segment
	if !s.Flags.Has(wire.ACK) {
		return nil
	}
	other := b.spaces.holding(way{p.way.to, p.way.from}, s.Ack)
	if other == nil {
		return fmt.Errorf("it acknowledges what the peer has not sent")
	}
	own.peer, other.peer = other, own
	if other.teller != own { // another connection, which an old SYN began
		other.teller, other.told, other.offered = own, 0, 0
	}
	ack := s.Ack.Minus(other.iss)
	if whole := other.came.whole(); ack > whole {
		return fmt.Errorf("it acknowledges up to %d, and up to %d arrived", ack, whole)
	}
	shift := own.shift(s)
	edge := ack + int(s.Window)<<shift
	// A SYN is not a step back: its window cannot be scaled, and a cookie may
	// answer an old one again.
	switch syn := s.Flags.Has(wire.SYN); {
	case !syn && ack < other.told:
		return fmt.Errorf("it acknowledges up to %d, after %d", ack, other.told)
	case !syn && edge+1<<shift <= other.offered: // less than the scale can express
		return fmt.Errorf("its window ends at %d, after one that ended at %d", edge, other.offered)
	}
	other.told, other.offered = max(other.told, ack), max(other.offered, edge)
	return judgeSACK(other, s, ack)
}

// judgeSACK checks that only what arrived is acknowledged selectively. The first
// block may report what arrived again: before the acknowledgment, or within the
// second block (RFC 2883, section 4).
func judgeSACK(other *space, s *wire.Segment, ack int) error {
	blocks, n := s.Options.SACK()
	for i, k := range blocks[:n] {
		r := run{k.Left.Minus(other.iss), k.Right.Minus(other.iss)}
		if i == 0 && r.from < r.to && r.to <= ack {
			continue
		}
		if r.from < ack || r.to <= r.from || !other.came.has(r) {
			return fmt.Errorf("it acknowledges %d to %d selectively, which did not arrive", r.from, r.to)
		}
	}
	return nil
}

// shift is by how much the window of one of the sender's segments is scaled.
func (w *space) shift(s *wire.Segment) int {
	if s.Flags.Has(wire.SYN) || !w.scaled || w.peer == nil || !w.peer.scaled {
		return 0
	}
	return int(w.scale)
}

// judgeOctets checks that a segment holds what was written, is not larger than
// the peer accepts, and stays within the peer's window.
func (b *bystander) judgeOctets(own *space, s *wire.Segment) error {
	from, n := s.Seq.Minus(own.iss), len(s.Payload)
	to := from + s.Len()
	if s.Flags.Has(wire.SYN) || s.Len() == 0 {
		return nil
	}
	if own.user != nil {
		if from-1+n > own.user.wrote {
			return fmt.Errorf("octets up to %d, and %d are written", from-1+n, own.user.wrote)
		}
		if !own.user.said(from-1, s.Payload) {
			return fmt.Errorf("octets that are not those that were written")
		}
		if s.Flags.Has(wire.FIN) && (!own.user.ended || from-1+n != own.user.wrote) {
			return fmt.Errorf("a FIN after %d of %d octets", from-1+n, own.user.wrote)
		}
	}
	if most := own.peer.mss; n+len(s.Options.Raw()) > max(most, 48) {
		return fmt.Errorf("%d octets beside %d of options, and the peer takes %d", n, len(s.Options.Raw()), most)
	}
	probe := s.Len() == 1 && from == own.acked && own.edge <= from
	if to > own.edge && !probe {
		return fmt.Errorf("octets up to %d, and the peer's window ends at %d", to, own.edge)
	}
	return nil
}

// Fate records what becomes of a packet.
func (b *bystander) Fate(from *Host, packet []byte, what string) {
	b.count("network", what)
	if b.ladder != nil {
		var p seen
		p.read(packet)
		b.ladder.packet(b.net.now, from.Name, b.describe(&p), what)
	}
}

// Arrives notes what a packet brings.
func (b *bystander) Arrives(to *Host, packet []byte, damaged bool) {
	var p seen
	if err := p.read(packet); damaged || err != nil {
		return
	}
	if b.ladder != nil {
		b.ladder.arrival(b.net.now, to.Name, b.describe(&p))
	}
	if !p.tcp() {
		return
	}
	b.arrives(&p)
}

func (b *bystander) arrives(p *seen) {
	s := &p.Segment
	other := b.spaces.holding(p.way, s.Seq)
	if other == nil || s.Flags.Has(wire.RST) {
		return
	}
	from := s.Seq.Minus(other.iss)
	other.came.add(run{from, from + s.Len()})
	if !s.Flags.Has(wire.ACK) {
		if s.Flags.Has(wire.SYN) { // its window begins with the octet after our SYN
			other.first = 1 + int(s.Window)
			if answers := b.spaces[way{p.way.to, p.way.from}]; len(answers) > 0 {
				last := answers[len(answers)-1]
				last.edge = max(last.edge, other.first)
			}
		}
		return
	}
	own := b.spaces.holding(way{p.way.to, p.way.from}, s.Ack)
	if own == nil {
		return
	}
	if other.peer == nil {
		other.peer = own
	}
	if s.Flags.Has(wire.SYN) && own.answer == nil {
		own.answer = other
	}
	ack := s.Ack.Minus(own.iss)
	own.acked = max(own.acked, ack)
	own.edge = max(own.edge, ack+int(s.Window)<<other.shift(s))
}

// reborn notes that a connection may begin with a cookie that was used before:
// an old ACK can revive a connection that has ended, which is the price of
// keeping no state.
func (b *bystander) reborn(w way) {
	for _, s := range b.spaces[w] {
		s.teller = nil
	}
}

// stranger notes a packet from somebody else.
func (b *bystander) stranger(packet []byte) {
	var p seen
	if p.read(packet) != nil || !p.tcp() || p.Segment.Flags.Has(wire.RST) {
		return
	}
	var s *space
	if p.Segment.Flags.Has(wire.SYN) {
		s = b.spaces.begin(p.way, p.Segment.Seq)
		b.noteSYN(s, &p)
	} else if s = b.spaces.sending(p.way, p.Segment.Seq); s == nil {
		return
	}
	s.end = max(s.end, p.Segment.End().Minus(s.iss))
}
