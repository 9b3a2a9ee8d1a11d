// Tells many connections apart, and summarizes each.

package observe

import (
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// maxFlows bounds the connections in the table. When there are more, those
	// that were quiet for longest are forgotten.
	maxFlows = 100_000 // each takes two entries, and one for each further network
	// maxFragments bounds the packets whose later fragments are expected.
	maxFragments = 1024
	// maxHeldHellos bounds, for all connections together, the octets that wait
	// to become a ClientHello.
	maxHeldHellos = 16 << 20
)

// A Summary is what is known of a connection from a look at its packets.
type Summary struct {
	Number      int // 1 for the first in the capture
	Flow        Flow
	Networks    []wire.NetworkID // in which it was found, the outer first: those that both directions share
	ServerName  string           // asked for by the client; may hold text from the network
	NamesKnown  bool             // no other ServerName will come
	First, Last time.Time
	Packets     int
	Segments    int   // those with payload
	Bytes       int64 // of IP packets

	Result *transcript.Result // what came of it; nil: not known, since it was not followed

	hello hello
	begun [2]bool // by transcript.Dir: a SYN was seen
	isn   [2]wire.Seq
	// guessed: isn[caller] is that of the first payload
	guessed bool
	caller  int  // the direction of the side that sends the ClientHello, as far as is known
	closed  bool // a RST, or a FIN from each side
	fins    [2]bool
	seen    uint64 // when a packet was last seen, counted in packets

	sides [2]side  // by transcript.Dir
	spots []spot   // under which the table holds it
	alike *Summary // another one with the same ends, in another network
	gone  bool     // no longer in the table
}

// Begun reports whether the client's SYN was seen.
func (s *Summary) Begun() bool { return s.begun[0] }

// Closed reports whether the connection has ended: by a RST, or by a FIN from
// each side.
func (s *Summary) Closed() bool { return s.closed }

// A Table tells which connection a packet belongs to.
type Table struct {
	flows     map[spot]*Summary // at the place anywhere: the latest with the same ends
	places    map[string]place
	lastPlace place
	name      []byte               // reused
	latest    map[between]*Summary // for fragments without ports
	fragments map[fragmentKey]*Summary
	count     int
	packets   uint64
	held      int // octets held in hellos
}

// between are two addresses, the lower first.
type between struct {
	low, high netip.Addr
	at        place
}

type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
	at       place
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{flows: map[spot]*Summary{}, places: map[string]place{}, latest: map[between]*Summary{}, fragments: map[fragmentKey]*Summary{}}
}

// Connections returns how many connections there were.
func (t *Table) Connections() int { return t.count }

// Find returns the connection of an IP packet, or nil for a packet that belongs
// to none. The link header says what preceded it; nil: nothing.
func (t *Table) Find(at time.Time, packet []byte, link *wire.LinkHeader) *Summary {
	var h header
	if !h.parse(packet) {
		return nil
	}
	t.packets++
	n := t.place(link)
	s := t.find(&h, &n)
	if s == nil {
		return nil
	}
	if s.Packets == 0 {
		s.First = at
	}
	s.Last, s.seen = at, t.packets
	s.Packets++
	s.Bytes += int64(len(packet))
	if !h.fragment && !h.icmp {
		t.held -= s.hello.bytes()
		s.segment(&h)
		if t.held += s.hello.bytes(); t.held > maxHeldHellos {
			t.held -= s.hello.bytes()
			s.hello, s.NamesKnown = hello{}, true
		}
	}
	return s
}

func (t *Table) find(h *header, n *network) *Summary {
	fragment := fragmentKey{h.ip.Src, h.ip.Dst, h.ip.Fragment.ID, n.at}
	ends := pair(h.ip.Src, h.ip.Dst, n.at)
	if h.fragment {
		if s := t.fragments[fragment]; s != nil {
			return s
		}
		return t.latest[ends] // the first fragment has not come yet
	}
	k := h.flow.key()
	s := t.flows[spot{k, n.at}]
	if h.icmp {
		if s == nil {
			s = t.flows[spot{k, anywhere}]
		}
		return s
	}
	if s == nil {
		if s = t.alike(k, h, n); s != nil {
			t.put(s, n.at)
		}
	}
	if s == nil || s.reused(h) {
		s = t.add(h, n, s)
	}
	t.latest[ends] = s
	if h.ip.Fragment.Partial() {
		if len(t.fragments) >= maxFragments {
			clear(t.fragments)
		}
		t.fragments[fragment] = s
	}
	return s
}

func pair(a, b netip.Addr, at place) between {
	if a.Less(b) {
		return between{a, b, at}
	}
	return between{b, a, at}
}

// reused reports whether a SYN begins another connection on the same ports.
// After the end of one it does, even with the same number, since a refused
// client may try again with that. A SYN-ACK does if its SYN is missing.
func (s *Summary) reused(h *header) bool {
	switch {
	case !h.flags.Has(wire.SYN):
		return false
	case h.flags.Has(wire.ACK):
		return s.closed && s.begun[0] && h.ack != s.isn[0].Add(1)
	case s.closed:
		return true
	}
	return s.begun[0] && h.seq != s.isn[0] && h.flow.Client == s.Flow.Client
}

// add adds a new connection, in place of one with the same ends.
func (t *Table) add(h *header, n *network, old *Summary) *Summary {
	if len(t.flows) >= maxFlows {
		t.forget()
	}
	if old != nil {
		t.remove(old)
	}
	t.count++
	s := &Summary{Number: t.count, Flow: h.oriented(), Networks: n.both}
	s.alike = t.flows[spot{s.Flow.key(), anywhere}]
	s.unlink()
	t.put(s, n.at)
	t.put(s, anywhere)
	return s
}

// unlink removes those that are gone from the chain behind s, and cuts it if it
// is long.
func (s *Summary) unlink() {
	for i := 0; s.alike != nil; {
		switch {
		case i == maxAlike:
			s.alike = nil
		case s.alike.gone:
			s.alike = s.alike.alike
		default:
			s, i = s.alike, i+1
		}
	}
}

func (t *Table) put(s *Summary, at place) {
	p := spot{s.Flow.key(), at}
	t.flows[p] = s
	s.spots = append(s.spots, p)
}

// remove removes a connection.
func (t *Table) remove(s *Summary) {
	for _, p := range s.spots {
		if t.flows[p] != s {
			continue
		}
		delete(t.flows, p)
		if next := s.alike; p.at == anywhere && next != nil && !next.gone {
			t.flows[p] = next
		}
	}
	s.gone, s.spots = true, nil
}

// forget drops the half of the connections that were quiet for longest, so that
// it is seldom needed.
func (t *Table) forget() {
	limit := t.packets - min(t.packets, maxFlows/2)
	for {
		for _, s := range t.flows {
			if s.seen <= limit || s.closed {
				t.held -= s.hello.bytes()
				s.NamesKnown, s.hello = true, hello{}
				t.remove(s)
			}
		}
		if len(t.flows) <= maxFlows/2 {
			break
		}
		limit += maxFlows / 8
	}
	clear(t.latest)
	clear(t.fragments)
}

// segment updates the summary.
func (s *Summary) segment(h *header) {
	dir := s.dir(h)
	s.sides[dir].note(h)
	if h.flags.Has(wire.SYN) {
		s.begun[dir], s.isn[dir] = true, h.seq
	}
	if len(h.payload) > 0 {
		s.Segments++
	}
	s.fins[dir] = s.fins[dir] || h.flags.Has(wire.FIN)
	s.closed = s.closed || h.flags.Has(wire.RST) || s.fins[0] && s.fins[1]
	if s.NamesKnown {
		return
	}
	if dir == 1 && s.Segments == 1 && saysHello(h.payload, 1) { // see roles.go
		s.caller = dir
	}
	says := s.caller
	switch {
	case dir != says && len(h.payload) > 0, s.closed: // a server that answers has been told the name
		if dir != says {
			s.hello.answered++
		}
		s.NamesKnown = s.closed || s.hello.answered > maxPieces
	case len(h.payload) > 0:
		seq := h.seq
		if h.flags.Has(wire.SYN) {
			seq = seq.Add(1)
		}
		if !s.begun[says] && !s.guessed { // the beginning is missing, or out of order
			s.guessed, s.isn[says] = true, seq.Add(-1)
		}
		s.ServerName, s.NamesKnown = s.hello.add(int64(seq.Minus(s.isn[says].Add(1))), h.payload)
	}
}

// dir is a segment's direction, as transcript.Dir.
func (s *Summary) dir(h *header) int {
	if h.flow.Client != s.Flow.Client {
		return 1
	}
	return 0
}
