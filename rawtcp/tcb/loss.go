package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// lossState is what is known about octets in flight, in the terms of RFC 6675.
type lossState struct {
	// lost: what is in flight before it, and not in sacked, is held to be lost.
	lost wire.Seq
	// again: of that, what stands before it has been sent again (HighRxt).
	again wire.Seq
	// sacked are the runs that the peer has acknowledged selectively.
	sacked spans
}

// pipe estimates how many octets are in the network, of those from una to nxt
// (RFC 6675, section 4, SetPipe).
func (l *lossState) pipe(una, nxt wire.Seq) int {
	n := nxt.Minus(l.lost) - l.sacked.within(l.lost, nxt)
	return n + l.again.Minus(una) - l.sacked.within(una, l.again)
}

// advance follows SND.UNA.
func (l *lossState) advance(una wire.Seq) {
	l.lost, l.again = later(l.lost, una), later(l.again, una)
	l.sacked.cut(una)
}

// all holds everything in flight to be lost, and forgets what was selectively
// acknowledged: the peer may have given it up (RFC 2018, section 8).
func (l *lossState) all(una, nxt wire.Seq) {
	l.lost, l.again, l.sacked = nxt, una, l.sacked[:0]
}

// hole is the next run to send again, empty if there is none.
func (l *lossState) hole() span { return l.sacked.gapAt(l.again, l.lost) }

// progress takes n octets newly acknowledged.
func (c *Conn) progress(n int) {
	c.snd.loss.advance(c.snd.una)
	c.reno.acked(n)
}

// inNetwork is how much of what we sent is held to be still under way.
func (c *Conn) inNetwork() int { return c.snd.loss.pipe(c.snd.una, c.snd.nxt) }
