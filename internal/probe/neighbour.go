package probe

import (
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// An asker asks on the link for an address, and hears the answers. It is a
// link.Asker, or a test's.
type asker interface {
	Ask(netip.Addr) error
	Answers(func(netip.Addr, link.Hop)) error
	Protocol() string
	Close() error
}

// neighbours finds and keeps the link-layer addresses of a path's gateways, and
// of targets that are on the link itself: within bounds of its own, and beside
// the kernel's table, which a large network on the link would overflow.
type neighbours struct {
	asker
	young, aged map[netip.Addr]link.Hop // it forgets in generations
	open        map[netip.Addr]*question
	due         []*question // in the order in which they are
	dead        map[netip.Addr]tcb.Instant
	may         func() bool // takes a packet of the pace, if there is one
	unasked     []*question // whose first request waits for one
}

// A question is an address that is being asked for.
type question struct {
	who     netip.Addr
	asks    int
	due     tcb.Instant // the next request, or the end
	waiting []uint64    // targets
	refresh bool        // an older answer serves meanwhile
}

type hopState uint8

const (
	hopUnknown hopState = iota
	hopKnown
	hopDead // it did not answer
)

const (
	// A request is repeated once a second (RFC 1122, section 2.3.2.1; RFC 4861,
	// section 10), and three times as the kernel does.
	mostAsks    = 3
	askInterval = time.Second

	deadTime      = 20 * time.Second // until one that did not answer is asked again
	mostNeighbour = 1 << 15          // of each generation
	mostQuestions = 1 << 12          // under way
)

// nobody waits for the answer.
const nobody = ^uint64(0)

func newNeighbours(a asker, known map[netip.Addr]link.Hop, may func() bool) *neighbours {
	return &neighbours{asker: a, young: known, open: make(map[netip.Addr]*question), dead: make(map[netip.Addr]tcb.Instant), may: may}
}

// find tells what is known of an address.
func (n *neighbours) find(now tcb.Instant, a netip.Addr) (link.Hop, hopState) {
	if hop, ok := n.young[a]; ok {
		return hop, hopKnown
	}
	if hop, ok := n.aged[a]; ok {
		n.learn(a, hop)
		return hop, hopKnown
	}
	if since, ok := n.dead[a]; ok {
		if now.Sub(since) < deadTime {
			return link.Hop{}, hopDead
		}
		delete(n.dead, a)
	}
	return link.Hop{}, hopUnknown
}

func (n *neighbours) learn(a netip.Addr, hop link.Hop) {
	if len(n.young) >= mostNeighbour {
		n.aged, n.young = n.young, make(map[netip.Addr]link.Hop)
	}
	n.young[a] = hop
}

// full reports whether no more addresses can be asked for now.
func (n *neighbours) full() bool { return len(n.open) >= mostQuestions }

// wait has a target wait for an address, which is asked for if it is not yet.
// A refusal by the link shows when the question is repeated.
func (n *neighbours) wait(now tcb.Instant, a netip.Addr, target uint64) {
	q := n.open[a]
	if q == nil {
		q = &question{who: a, refresh: target == nobody}
		n.open[a] = q
		if len(n.unasked) > 0 || !n.may() {
			n.unasked = append(n.unasked, q)
		} else {
			n.ask(now, q)
		}
	}
	if target != nobody {
		q.waiting = append(q.waiting, target)
	}
}

// ask sends a request, for which there was room in the pace.
func (n *neighbours) ask(now tcb.Instant, q *question) error {
	q.asks++
	q.due = now.Add(askInterval)
	n.due = append(n.due, q)
	return n.Ask(q.who)
}

// turn hears answers, those too that answer no question, so that none of them is
// taken for the answer to a later one; and it repeats questions. settle is told
// which is over, and whether it was answered.
func (n *neighbours) turn(now tcb.Instant, settle func(q *question, answered bool)) error {
	err := n.Answers(func(who netip.Addr, hop link.Hop) {
		q := n.open[who]
		if q == nil {
			return // nobody has asked
		}
		delete(n.open, who)
		n.learn(who, hop)
		settle(q, true)
	})
	for err == nil && len(n.unasked) > 0 {
		q := n.unasked[0]
		open := n.open[q.who] == q
		if open && !n.may() {
			break
		}
		if n.unasked = n.unasked[1:]; open {
			err = n.ask(now, q)
		}
	}
	for err == nil && len(n.due) > 0 && !now.Before(n.due[0].due) {
		q := n.due[0]
		open := n.open[q.who] == q // it has not been answered
		if open && q.asks < mostAsks && !n.may() {
			break
		}
		n.due = n.due[1:]
		switch {
		case !open:
		case q.asks < mostAsks:
			err = n.ask(now, q)
		default:
			delete(n.open, q.who)
			if !q.refresh {
				n.bury(now, q.who)
			}
			settle(q, false)
		}
	}
	return err
}

// bury notes that an address did not answer.
func (n *neighbours) bury(now tcb.Instant, a netip.Addr) {
	if len(n.dead) >= mostNeighbour {
		for other, since := range n.dead {
			if now.Sub(since) >= deadTime || len(n.dead) >= mostNeighbour {
				delete(n.dead, other)
			}
		}
	}
	n.dead[a] = now
}
