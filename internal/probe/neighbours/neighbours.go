// Package neighbours finds and keeps the link-layer addresses of hosts on a link
// (ARP, RFC 826; neighbour discovery, RFC 4861) for a scan: within bounds of its
// own, and beside the kernel's table, which a large network on the link would
// overflow. It does no I/O of its own, and the time is an argument.
package neighbours

import (
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An Asker sends requests for addresses on a link, and receives the answers. It is a
// link.Asker, or a test's.
type Asker interface {
	Ask(netip.Addr) error
	Answers(func(netip.Addr, link.Hop)) error
	Protocol() string
	Close() error
}

// A Table has the neighbours of one link: a path's gateways, and targets that are
// on the link itself.
type Table struct {
	asker       Asker
	young, aged map[netip.Addr]link.Hop // the oldest are dropped a generation at a time
	open        map[netip.Addr]*Query
	due         []*Query // in the order of their times
	failed      map[netip.Addr]wire.Instant
	may         func() bool // takes a packet of the pace, if there is one
	unasked     []*Query    // whose first request waits for one
}

// A Query is an address that is being asked for.
type Query struct {
	Who     netip.Addr
	Waiting []uint64 // the targets that wait for it
	Probe   bool     // whether it still answers: meanwhile its older address is used

	asks int
	due  wire.Instant // the next request, or the end
}

// A State is that of a neighbour, by the names of RFC 4861 and the kernel.
type State uint8

const (
	Incomplete State = iota // nothing is known of it yet
	Reachable
	Failed // it did not answer
)

const (
	// A request is repeated once an AskInterval (RFC 1122, section 2.3.2.1; RFC
	// 4861, section 10), and MaxAsks times as the kernel does.
	MaxAsks     = 3
	AskInterval = time.Second

	failedTime    = 20 * time.Second // until one that did not answer is asked again
	maxNeighbours = 1 << 15          // of each generation
	maxQueries    = 1 << 12          // under way
)

// New is a table of a link, in which some neighbours are known already. Each request
// needs a packet of the pace: may takes one, if there is one.
func New(a Asker, known map[netip.Addr]link.Hop, may func() bool) *Table {
	return &Table{asker: a, young: known, open: make(map[netip.Addr]*Query), failed: make(map[netip.Addr]wire.Instant), may: may}
}

// Find is what is known of an address.
func (t *Table) Find(now wire.Instant, a netip.Addr) (link.Hop, State) {
	if hop, ok := t.young[a]; ok {
		return hop, Reachable
	}
	if hop, ok := t.aged[a]; ok {
		t.Learn(a, hop)
		return hop, Reachable
	}
	if since, ok := t.failed[a]; ok {
		if now.Sub(since) < failedTime {
			return link.Hop{}, Failed
		}
		delete(t.failed, a)
	}
	return link.Hop{}, Incomplete
}

// Learn keeps an address's link-layer address.
func (t *Table) Learn(a netip.Addr, hop link.Hop) {
	if len(t.young) >= maxNeighbours {
		t.aged, t.young = t.young, make(map[netip.Addr]link.Hop)
	}
	t.young[a] = hop
}

// Full reports whether no more addresses can be asked for now.
func (t *Table) Full() bool { return len(t.open) >= maxQueries }

// Asking reports whether an address is being asked for.
func (t *Table) Asking(a netip.Addr) bool { return t.open[a] != nil }

// Protocol names the protocol of the requests, for a person.
func (t *Table) Protocol() string { return t.asker.Protocol() }

// Close closes the link.
func (t *Table) Close() error { return t.asker.Close() }

// Wait makes a target wait for an address, which is asked for if it is not yet. A
// refusal by the link shows when the request is repeated.
func (t *Table) Wait(now wire.Instant, a netip.Addr, target uint64) {
	q := t.query(now, a, false)
	q.Waiting = append(q.Waiting, target)
}

// Probe asks whether a neighbour still answers, and by which address.
func (t *Table) Probe(now wire.Instant, a netip.Addr) { t.query(now, a, true) }

// query is the query for an address, begun if there is none.
func (t *Table) query(now wire.Instant, a netip.Addr, probe bool) *Query {
	q := t.open[a]
	if q == nil {
		q = &Query{Who: a, Probe: probe}
		t.open[a] = q
		if len(t.unasked) > 0 || !t.may() {
			t.unasked = append(t.unasked, q)
		} else {
			t.ask(now, q)
		}
	}
	return q
}

// ask sends a request, for which there was room in the pace.
func (t *Table) ask(now wire.Instant, q *Query) error {
	q.asks++
	q.due = now.Add(AskInterval)
	t.due = append(t.due, q)
	return t.asker.Ask(q.Who)
}

// Turn receives answers, even to no query, so that none of them is taken for the answer
// to a later one; and it repeats requests. over gets each query that is over, and whether
// it was answered.
func (t *Table) Turn(now wire.Instant, over func(q *Query, answered bool)) error {
	err := t.asker.Answers(func(who netip.Addr, hop link.Hop) {
		q := t.open[who]
		if q == nil {
			return // nobody has asked
		}
		delete(t.open, who)
		t.Learn(who, hop)
		over(q, true)
	})
	if err == nil {
		err = t.begin(now)
	}
	if err == nil {
		err = t.repeat(now, over)
	}
	return err
}

// begin sends the first requests that had to wait for the pace.
func (t *Table) begin(now wire.Instant) (err error) {
	for err == nil && len(t.unasked) > 0 {
		q := t.unasked[0]
		open := t.open[q.Who] == q
		if open && !t.may() {
			break
		}
		if t.unasked = t.unasked[1:]; open {
			err = t.ask(now, q)
		}
	}
	return err
}

// repeat sends the requests that are due, and gives up queries after the last one.
func (t *Table) repeat(now wire.Instant, over func(*Query, bool)) (err error) {
	for err == nil && len(t.due) > 0 && !now.Before(t.due[0].due) {
		q := t.due[0]
		open := t.open[q.Who] == q // it has not been answered
		if open && q.asks < MaxAsks && !t.may() {
			break
		}
		t.due = t.due[1:]
		switch {
		case !open:
		case q.asks < MaxAsks:
			err = t.ask(now, q)
		default:
			delete(t.open, q.Who)
			if !q.Probe {
				t.fail(now, q.Who)
			}
			over(q, false)
		}
	}
	return err
}

// fail notes that an address did not answer.
func (t *Table) fail(now wire.Instant, a netip.Addr) {
	if len(t.failed) >= maxNeighbours {
		for other, since := range t.failed {
			if now.Sub(since) >= failedTime || len(t.failed) >= maxNeighbours {
				delete(t.failed, other)
			}
		}
	}
	t.failed[a] = now
}
