package probe

import (
	"errors"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// Whatever leaves a loop takes a packet of the pace first, and waits or is not
// sent where there is none. What peers draw from us must not take it from the
// targets that behave. So a connection may have a few packets sent, and some more
// as its stream goes on; what it draws beyond them, and what answers segments of
// no connection, comes out of a small share of the rate (see answers.go).

const (
	// firstAllowance is more than a handshake takes where some packets are lost.
	firstAllowance = 24
	// earningOctets of the peer's stream in order allow one packet more: an
	// acknowledgment of so much is often enough.
	earningOctets = 4 * 1460
)

// earn adds to the allowance of a connection whose stream has gone on.
func (c *connection) earn() {
	n := c.tcp.ReceiveNext().Minus(c.earned) / earningOctets
	if n > 0 {
		c.earned = c.earned.Add(n * earningOctets)
		c.allowance += int16(n)
	}
}

// send queues a packet, for which there was room in the pace. One that the link
// cannot send is lost like any other. It reports false of one that this machine's
// own firewall does not let out.
func (l *loop) send(p *path, hop link.Hop, packet []byte) bool {
	l.pace.spend()
	l.stats.Packets++
	switch err := p.link.Queue(packet, hop); {
	case errors.Is(err, link.ErrFiltered):
		l.filtered = err
		return false
	case err != nil:
		l.unsent = err
	}
	return true
}

// transmit sends what the session has to send, as far as that may leave now, and
// reports whether it was all. The rest waits its turn.
func (l *loop) transmit(c *connection) (all bool) {
	if c.queued {
		return false
	}
	c.earn()
	for l.mayLeave(c) {
		if !c.session.Next(l.now, &l.seg) {
			return true
		}
		l.seg.SrcPort, l.seg.DstPort = c.local, c.target.Port
		l.out = c.path.appendPacket(l.out[:0], c.target.Addr, &l.seg, c.session.MayFragment())
		l.send(c.path, c.hop, l.out)
		switch {
		case c.allowance > 0:
			c.allowance--
		case !c.ends():
			l.answers.spend(l.now, c.target.Addr)
		}
	}
	c.queued = true
	if c.allowance > 0 || c.ends() {
		l.ready.push(c)
	} else {
		l.slow.push(c)
	}
	return false
}

// ends reports whether all that a connection can still have to send is its last
// RST.
func (c *connection) ends() bool { return c.session.State() == tcb.Closed }

// mayLeave reports whether a connection may have a packet sent now.
func (l *loop) mayLeave(c *connection) bool {
	return l.pace.may() && (c.allowance > 0 || c.ends() || l.answers.may(l.now, c.target.Addr))
}

// reserve is how many packets of the pace SYNs leave to the connections: those
// take turns with their peers, who wait for each packet, and some serve one after
// the other. A SYN can wait, but not longer for that than a second.
func (l *loop) reserve() float64 {
	return min(mostReserved, l.pace.burst()/2, l.pace.rate*l.pace.factor)
}

// mostReserved is enough for the packets of a turn at a low rate; at a high one the
// next are there soon.
const mostReserved = 4

// mayBegin reports whether a SYN may leave now.
func (l *loop) mayBegin() bool { return l.pace.mayBeside(l.reserve()) }

// slowTurn bounds how many of the connections are looked at in a turn that have
// drawn more than their allowance.
const slowTurn = 64

// sendWaiting sends what connections have waiting, the oldest first.
func (l *loop) sendWaiting() {
	for n := l.ready.len(); n > 0 && l.pace.may(); n-- {
		l.sendOf(l.ready.pop())
	}
	l.sendOwed()
	for n := min(l.slow.len(), slowTurn); n > 0 && l.pace.may() && l.answers.pace.may(); n-- {
		l.sendOf(l.slow.pop())
	}
}

// sendOf goes on with a connection whose turn it is, if it is the same one still.
func (l *loop) sendOf(c *connection) {
	if c.queued {
		c.queued = false
		l.finishSettling(c)
	}
}

// A connQueue holds connections in their order. One that was given back stands
// there until its turn comes, and is passed over then.
type connQueue struct {
	list []*connection
	head int
}

func (q *connQueue) len() int           { return len(q.list) - q.head }
func (q *connQueue) push(c *connection) { q.list = append(q.list, c) }

func (q *connQueue) pop() *connection {
	c := q.list[q.head]
	q.head++
	if 2*q.head >= len(q.list) {
		q.list, q.head = q.list[:copy(q.list, q.list[q.head:])], 0
	}
	return c
}

func (q *connQueue) clear() { q.list, q.head = q.list[:0], 0 }

// takePacket takes a packet of the pace for a request on the link.
func (l *loop) takePacket() bool {
	if !l.pace.may() {
		return false
	}
	l.pace.spend()
	l.stats.Packets++
	l.stats.Asked++
	return true
}
