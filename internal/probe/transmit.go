package probe

import (
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A connection may have a few packets sent, and some more as its stream goes on; what
// its peer draws beyond them comes out of the answers' share of the pace.

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
		l.egress.sendSegment(c.path, c.hop, c.target.Addr, &l.seg, c.session.MayFragment())
		switch {
		case c.allowance > 0:
			c.allowance--
		case !c.ends():
			l.egress.answers.SpendTo(l.now, c.target.Addr)
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
	return l.egress.pace.May() && (c.allowance > 0 || c.ends() || l.egress.answers.MayTo(l.now, c.target.Addr))
}

// slowTurn bounds how many of the connections are looked at in a turn that have
// drawn more than their allowance.
const slowTurn = 64

// sendWaiting sends what connections have waiting, the oldest first.
func (l *loop) sendWaiting() {
	for n := l.ready.len(); n > 0 && l.egress.pace.May(); n-- {
		l.sendOf(l.ready.pop())
	}
	l.sendOwed()
	for n := min(l.slow.len(), slowTurn); n > 0 && l.egress.pace.May() && l.egress.answers.May(); n-- {
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
