package tcb

import (
	"fmt"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// leastSegment is the smallest that a message from the network makes our
	// segments: what a path of 552 octets takes, and few are narrower.
	leastSegment = 512
	// blackHoleTries is how many timeouts of one large segment suggest that it
	// is its size which does not arrive, and that no ICMP message does. Where
	// segments of that size have arrived before, loss is the likelier reason
	// for longer.
	blackHoleTries       = 3
	blackHoleTriesProven = 6
	// blackHoleSegment is what every path can be held to take: RFC 9293's
	// default MSS.
	blackHoleSegment = DefaultMSS
)

// pathState is what RFC 5927, section 7.2, keeps against forged messages.
type pathState struct {
	proven  int      // the largest segment that was ever acknowledged
	claimed int      // what an unproven message said that the path takes, or 0
	about   wire.Seq // the first segment that one quoted
}

// TooBig takes a message from the network, about our segment that began at
// seq, that its path takes at most n octets of options and payload. A message
// about what is not in flight is dropped. One that contradicts what has already
// been acknowledged only counts when the segment times out, too (RFC 5927,
// section 7.2). Segments may be due after it.
func (c *Conn) TooBig(now Instant, seq wire.Seq, n int) {
	if c.over || c.state < SynReceived || !seq.InWindow(c.snd.una, uint32(c.flight())) {
		return
	}
	n = max(n, leastSegment)
	switch {
	case n >= c.cfg.MaxSegment:
	case n < c.path.proven:
		if c.path.claimed == 0 {
			c.path.claimed, c.path.about = n, seq
		}
		c.path.claimed = min(c.path.claimed, n)
		c.path.about = earlier(c.path.about, seq)
	default:
		c.shrink(n, "the network said so")
		c.snd.loss.all(c.snd.una, c.snd.nxt, becausePathMTU)
		c.snd.timing.running = false
	}
}

// shrink makes our segments smaller from now on.
func (c *Conn) shrink(n int, why string) {
	if n >= c.cfg.MaxSegment {
		return
	}
	c.cfg.MaxSegment = n
	c.reno.mss = c.segmentSize()
	c.path.claimed, c.path.proven = 0, min(c.path.proven, n)
	emit(c, SegmentSizeReduced{Size: n, Why: why})
}

// pathAcked notes that octets of the size that we send have arrived.
func (c *Conn) pathAcked(n int) {
	size := min(n, c.reno.mss) + c.optionsLen()
	c.path.proven = max(c.path.proven, min(size, c.cfg.MaxSegment))
	if c.path.claimed > 0 && c.path.about.Less(c.snd.una) {
		c.path.claimed = 0 // it did arrive
	}
}

// pathTimeout looks for the reason of a timeout in the size of what was lost.
func (c *Conn) pathTimeout() {
	large := min(c.snd.buf.len(), c.segmentSize())+c.optionsLen() > blackHoleSegment
	tries := blackHoleTries
	if c.path.proven >= c.cfg.MaxSegment {
		tries = blackHoleTriesProven
	}
	switch {
	case c.path.claimed > 0:
		c.shrink(c.path.claimed, "the network said so, and they do not arrive")
	case large && c.snd.tries >= tries:
		c.shrink(blackHoleSegment, "large ones do not arrive, and nothing says why")
	}
}

// tooBig4 takes an ICMPv4 message of that kind (RFC 1191).
func (c *Conn) tooBig4(now Instant, m *wire.ICMP) {
	mtu := m.MTU()
	emit(c, UnreachableReceived{Message: fmt.Sprintf("%v (MTU %d)", m, mtu), From: m.From.String()})
	if mtu >= int(m.Quoted.TotalLength) && m.Quoted.TotalLength > 0 {
		return // what it quotes would have fitted
	}
	if mtu == 0 {
		mtu = 576 // from before RFC 1191, section 5
	}
	c.TooBig(now, m.Seq, mtu-wire.IPv4HeaderLen-wire.TCPHeaderLen)
}
