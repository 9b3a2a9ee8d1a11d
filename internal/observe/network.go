// Tells connections apart that have the same addresses and ports but are in
// different networks (VLANs, VXLANs). A packet's network is given by the
// numbers that both directions of a connection share. But each direction may
// have a network of its own, and a capture at two places has a packet both
// inside a tunnel and outside. So a packet in a network in which its connection
// is not known belongs to a connection of the same ends if its sequence numbers
// fit and something explains the difference.

package observe

import (
	"encoding/binary"
	"slices"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// maxPlaces bounds the networks that are told apart at a time.
	maxPlaces = 1 << 16
	// maxAlike bounds the connections with the same ends that a packet is
	// compared with.
	maxAlike = 64
	// near is how far a sequence number may be from what is expected.
	near = 1 << 24

	nowhere  = 0  // in no numbered network
	anywhere = -1 // stands for all places
)

// A place is a network as one direction sees it; see Table.place.
type place int32

// A spot is the two ends of a connection, in a place.
type spot struct {
	key
	at place
}

// network is what a packet's headers say about the network that it is in.
type network struct {
	at   place
	both []wire.NetworkID // the same for both directions; nil of nowhere
}

// place finds the network of a packet.
func (t *Table) place(link *wire.LinkHeader) (n network) {
	if link == nil || len(link.VLANs)+len(link.Tunnels)+len(link.Labels) == 0 && link.Session == 0 {
		return network{}
	}
	name := t.name[:0]
	link.Networks(func(id wire.NetworkID) {
		name = binary.BigEndian.AppendUint32(append(append(name, id.Kind...), 0), id.ID)
		if !id.OneWay {
			n.both = append(n.both, id)
		}
	})
	t.name = name
	if len(name) == 0 {
		return network{}
	}
	at, known := t.places[string(name)]
	if !known {
		if len(t.places) >= maxPlaces {
			clear(t.places)
		}
		t.lastPlace++
		at = t.lastPlace
		t.places[string(name)] = at
	}
	n.at = at
	return n
}

// alike finds the connection with the same ends that a packet belongs to,
// although it comes in another network.
func (t *Table) alike(k key, h *header, n *network) *Summary {
	i := 0
	for s := t.flows[spot{k, anywhere}]; s != nil && i < maxAlike; s, i = s.alike, i+1 {
		if !s.gone && s.goesOn(h, n) {
			return s
		}
	}
	return nil
}

// goesOn reports whether a packet belongs to a connection although its network
// is new to it: the networks differ only by a number of its direction; or one
// is inside an encapsulation of the other; or no packet of its direction was
// seen in the known networks.
func (s *Summary) goesOn(h *header, n *network) bool {
	dir := s.dir(h)
	switch {
	case slices.Equal(s.Networks, n.both), within(s.Networks, n.both), within(n.both, s.Networks):
		return s.fits(dir, h)
	}
	return !s.sides[dir].seen && s.fits(dir, h)
}

// within reports whether a network is a part of another one.
func within(inner, outer []wire.NetworkID) bool {
	for _, id := range outer {
		if len(inner) > 0 && inner[0] == id {
			inner = inner[1:]
		}
	}
	return len(inner) == 0
}

// side is how far one end has got.
type side struct {
	seen bool
	next wire.Seq // after the last octet that it sent
	ack  wire.Seq // the last acknowledgment that it sent
	acks bool
}

func (d *side) note(h *header) {
	n := len(h.payload)
	if h.flags.Any(wire.SYN | wire.FIN) {
		n++
	}
	d.seen, d.next = true, h.seq.Add(n)
	if h.flags.Has(wire.ACK) {
		d.ack, d.acks = h.ack, true
	}
}

// fits reports whether a packet's numbers may be those of a connection. A SYN
// fits the connection that it began, until there is an answer.
func (s *Summary) fits(dir int, h *header) bool {
	own, peer := &s.sides[dir], &s.sides[1-dir]
	switch {
	case h.flags.Has(wire.SYN) && !h.flags.Has(wire.ACK):
		if own.seen {
			return s.begun[dir] && s.isn[dir] == h.seq && !peer.seen && !s.closed
		}
		return peer.acks && peer.ack == h.seq.Add(1)
	case h.flags.Has(wire.SYN) && s.begun[1-dir] && h.ack != s.isn[1-dir].Add(1):
		return false
	}
	expected, known := own.next, own.seen
	if !known {
		expected, known = peer.ack, peer.acks
	}
	if known && !isNear(h.seq, expected) {
		return false
	}
	if !h.flags.Has(wire.ACK) || !peer.seen {
		return known
	}
	return isNear(h.ack, peer.next)
}

func isNear(a, b wire.Seq) bool {
	d := a.Minus(b)
	return -near < d && d < near
}
