package observe

import (
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// maxFlows bounds the connections that packets are told apart by. When
	// there are more, those that were quiet for longest are forgotten.
	maxFlows = 50_000
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
	ServerName  string // that the client asked for; may hold text from the network
	NamesKnown  bool   // no ServerName will come any more
	First, Last time.Time
	Packets     int
	Segments    int   // those that carry octets
	Bytes       int64 // of IP packets

	Result *transcript.Result // what came of it, where somebody followed it; nil: not known

	hello hello
	begun [2]bool // by transcript.Dir: a SYN was seen
	isn   [2]wire.Seq
	// guessed: isn[0] is that of the first payload
	guessed bool
	closed  bool // a RST, or a FIN of each side
	fins    [2]bool
	seen    uint64 // when a packet was last seen, counted in packets
}

// Begun reports whether the client's SYN was seen.
func (s *Summary) Begun() bool { return s.begun[0] }

// Closed reports whether the connection has ended: by a RST, or by a FIN of
// each side.
func (s *Summary) Closed() bool { return s.closed }

// A Table tells which connection a packet belongs to.
type Table struct {
	flows     map[key]*Summary
	latest    map[[2]netip.Addr]*Summary // between two addresses, for fragments without ports
	fragments map[fragmentKey]*Summary
	count     int
	packets   uint64
	held      int // octets of hellos
}

type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{flows: map[key]*Summary{}, latest: map[[2]netip.Addr]*Summary{}, fragments: map[fragmentKey]*Summary{}}
}

// Connections is how many connections there were.
func (t *Table) Connections() int { return t.count }

// Find returns the connection of an IP packet, or nil for a packet that belongs
// to none.
func (t *Table) Find(at time.Time, packet []byte) *Summary {
	var h header
	if !h.parse(packet) {
		return nil
	}
	t.packets++
	s := t.find(&h)
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

func (t *Table) find(h *header) *Summary {
	fragment := fragmentKey{h.ip.Src, h.ip.Dst, h.ip.Fragment.ID}
	if h.fragment {
		if s := t.fragments[fragment]; s != nil {
			return s
		}
		return t.latest[pair(h.ip.Src, h.ip.Dst)] // the first one has not come yet
	}
	k := h.flow.key()
	s := t.flows[k]
	switch {
	case h.icmp:
		return s
	case s == nil, s.reused(h):
		s = t.add(h)
	}
	t.latest[pair(h.ip.Src, h.ip.Dst)] = s
	if h.ip.Fragment.Partial() {
		if len(t.fragments) >= maxFragments {
			clear(t.fragments)
		}
		t.fragments[fragment] = s
	}
	return s
}

func pair(a, b netip.Addr) [2]netip.Addr {
	if a.Less(b) {
		return [2]netip.Addr{a, b}
	}
	return [2]netip.Addr{b, a}
}

// reused reports whether a SYN begins another connection on the same ports. After
// the end of one it does, be its number the same: who was refused may try again
// with that. A SYN-ACK does where its SYN is missing.
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

func (t *Table) add(h *header) *Summary {
	if len(t.flows) >= maxFlows {
		t.forget()
	}
	t.count++
	s := &Summary{Number: t.count, Flow: h.oriented()}
	t.flows[s.Flow.key()] = s
	return s
}

// forget drops the connections that were quiet for longest: half of them, so
// that it is seldom done.
func (t *Table) forget() {
	limit := t.packets - min(t.packets, maxFlows/2)
	for {
		for k, s := range t.flows {
			if s.seen <= limit || s.closed {
				t.held -= s.hello.bytes()
				s.NamesKnown, s.hello = true, hello{}
				delete(t.flows, k)
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

// segment takes note of what a summary tells.
func (s *Summary) segment(h *header) {
	dir := 0
	if h.flow.Client != s.Flow.Client {
		dir = 1
	}
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
	switch {
	case dir == 1 && len(h.payload) > 0, s.closed: // who is answered has said its name
		if dir == 1 {
			s.hello.answered++
		}
		s.NamesKnown = s.closed || s.hello.answered > maxPieces
	case len(h.payload) > 0:
		seq := h.seq
		if h.flags.Has(wire.SYN) {
			seq = seq.Add(1)
		}
		if !s.begun[0] && !s.guessed { // the beginning is missing, or out of order
			s.guessed, s.isn[0] = true, seq.Add(-1)
		}
		s.ServerName, s.NamesKnown = s.hello.add(int64(seq.Minus(s.isn[0].Add(1))), h.payload)
	}
}
