// The sequence spaces that a bystander keeps account of.

package simnet

import (
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A space is one sender's sequence space as a bystander knows it. Numbers are
// offsets from the initial sequence number: the SYN has number 0, and the
// octet written first number 1.
type space struct {
	iss  wire.Seq
	user *user  // who writes into it, if known
	peer *space // the other direction, once the two are known to belong together
	// answer is the space whose SYN-ACK arrived first. The sender's connection
	// is with that one, even if an old SYN begins another one after it.
	answer *space

	// Values from the sender's SYN.
	scaled bool
	scale  uint8
	mss    int
	// first is where the window that a SYN without ACK offered ends, once that
	// SYN has arrived, in the space of the answer.
	first int

	end   int // after the last number that was sent
	came  set // what arrived at the receiver intact
	acked int // the furthest acknowledgment that arrived back
	edge  int // the furthest right edge of a window that arrived back

	told    int    // the furthest acknowledgment that the receiver sent
	offered int    // the furthest right edge that it offered
	teller  *space // the receiver's space in which it said so
}

// way is the direction from one address and port to another.
type way struct{ from, to netip.AddrPort }

// spaces are the spaces of each direction, the newest last.
type spaces map[way][]*space

// begin returns the space that begins with iss, a new one if there is none.
func (m spaces) begin(w way, iss wire.Seq) *space {
	for _, s := range m[w] {
		if s.iss == iss {
			return s
		}
	}
	s := &space{iss: iss, mss: defaultMSS(w.to.Addr())}
	m[w] = append(m[w], s)
	return s
}

// defaultMSS is the MSS of a host that sends no such option (RFC 9293, section
// 3.7.1, MUST-15).
func defaultMSS(a netip.Addr) int {
	if a.Is6() {
		return wire.IPv6MinMTU - wire.IPv6HeaderLen - wire.TCPHeaderLen
	}
	return 536
}

// holding returns the newest space that seq may belong to, counting one number
// before and one after it, or nil.
func (m spaces) holding(w way, seq wire.Seq) *space {
	all := m[w]
	for i := len(all) - 1; i >= 0; i-- {
		if n := seq.Minus(all[i].iss); n >= 0 && n <= all[i].end {
			return all[i]
		}
	}
	return nil
}

// sending returns the newest space that what is sent with seq may belong to.
func (m spaces) sending(w way, seq wire.Seq) *space {
	if s := m.holding(w, seq); s != nil {
		return s
	}
	if all := m[w]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// A set is runs of numbers in order, apart from each other.
type set []run

type run struct{ from, to int }

func (s *set) add(r run) {
	if r.to <= r.from {
		return
	}
	old := *s
	i := 0
	for i < len(old) && old[i].to < r.from {
		i++
	}
	j := i
	for j < len(old) && old[j].from <= r.to {
		r.from, r.to = min(r.from, old[j].from), max(r.to, old[j].to)
		j++
	}
	if i == j {
		old = append(old, run{})
		copy(old[i+1:], old[i:])
		old[i] = r
		*s = old
		return
	}
	old[i] = r
	*s = append(old[:i+1], old[j:]...)
}

// has reports whether every number of r is in the set.
func (s set) has(r run) bool {
	for _, q := range s {
		if q.from <= r.from && r.to <= q.to {
			return true
		}
	}
	return r.to <= r.from
}

// whole is how far the set goes without a gap, from 0.
func (s set) whole() int {
	if len(s) == 0 || s[0].from > 0 {
		return 0
	}
	return s[0].to
}
