// What connections send. A connection may send a few packets, and more as its stream
// advances; what its peer provokes beyond that counts towards the share of answers.

package probe

import (
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

const (
	// firstAllowance is more than a handshake takes where some packets are lost.
	firstAllowance = 24
	// earningOctets of the peer's stream in order allow one packet more: one
	// acknowledgment for so many is enough.
	earningOctets = 4 * 1460
)

// earn adds to the allowance of a connection whose stream has advanced.
func (c *connection) earn() {
	n := c.tcp.ReceiveNext().Minus(c.earned) / earningOctets
	if n > 0 {
		c.earned = c.earned.Add(n * earningOctets)
		c.allowance += int16(n)
	}
}

// transmit sends what the session has to send, as far as that may leave now, and
// reports whether it was all. The rest waits its turn.
func (cs *connections) transmit(c *connection) (all bool) {
	if c.queued || c.waits && cs.toGreet(c) { // the ClientHello goes with the ACK
		return false
	}
	c.earn()
	for cs.mayLeave(c) {
		if c.tcp.Missing() {
			cs.reload(c)
		}
		if !c.session.Next(cs.now, &cs.seg) {
			if c.greeted && c.session.TLS() == nil && c.session.Preamble() == nil { // or what precedes TLS would have to be made again too
				c.tcp.Unload() // the ClientHello, which can be made again
			}
			return true
		}
		cs.seg.SrcPort, cs.seg.DstPort = c.local, c.target.Port
		cs.egress.sendSegment(c.path, c.hop, c.target.Addr, &cs.seg, c.session.MayFragment())
		cs.left(c)
		switch {
		case c.allowance > 0:
			c.allowance--
		case !c.ends():
			cs.egress.answers.SpendTo(cs.now, c.target.Addr)
		}
	}
	c.queued = true
	if c.allowance > 0 || c.ends() {
		cs.ready.push(c)
	} else {
		cs.slow.push(c)
	}
	return false
}

// ends reports whether all that a connection can still have to send is its last
// RST.
func (c *connection) ends() bool { return c.session.State() == tcb.Closed }

// mayLeave reports whether a connection may have a packet sent now.
func (cs *connections) mayLeave(c *connection) bool {
	return cs.egress.pace.May() && (c.allowance > 0 || c.ends() || cs.egress.answers.MayTo(cs.now, c.target.Addr))
}

// slowTurn bounds how many of the connections that have used up their allowance are
// looked at in a turn.
const slowTurn = 64

// sendReady sends what connections have waiting, the oldest first.
func (cs *connections) sendReady() {
	for n := cs.ready.len(); n > 0 && cs.egress.pace.May(); n-- {
		cs.sendNext(cs.ready.pop())
	}
}

// sendSlow does the same for those that have used up their allowance.
func (cs *connections) sendSlow() {
	for n := min(cs.slow.len(), slowTurn); n > 0 && cs.egress.pace.May() && cs.egress.answers.May(); n-- {
		cs.sendNext(cs.slow.pop())
	}
}

// sendNext goes on with a connection whose turn it is, if it is the same one still.
func (cs *connections) sendNext(c *connection) {
	if c.queued {
		c.queued = false
		cs.sendOn(c)
	}
}

// A connQueue holds connections in order. One that was given back remains in it until its
// turn comes, and is then skipped.
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
