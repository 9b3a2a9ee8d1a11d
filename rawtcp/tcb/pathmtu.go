package tcb

import (
	"fmt"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// leastSegment is the smallest that a message from the network makes our
	// segments: what a path of 552 octets takes. On one that is narrower their
	// packets are fragmented under way, so that nobody can have us send packets
	// that are all header.
	leastSegment = 512
	// leastMTU is what every IPv4 path takes (RFC 791, section 3.2).
	leastMTU = 68
	// blackHoleTries is how many timeouts of one large segment suggest that it
	// is its size which does not arrive, and that no ICMP message does. Where
	// segments of that size have arrived before, loss is the likelier reason
	// for longer.
	blackHoleTries       = 3
	blackHoleTriesProven = 6
	// blackHoleSegment is what every path can be held to take: RFC 9293's
	// default MSS.
	blackHoleSegment = DefaultMSS
	// retryAfter is how many octets later a proven size is tried again. If it
	// still does not arrive, it is not proven any more.
	retryAfter = 1 << 16
)

// pathState is what the path takes, and what RFC 5927, section 7.2, keeps
// against forged messages.
type pathState struct {
	most    int      // in one segment: Config.MaxSegment, or less
	proven  int      // the largest segment that was ever acknowledged
	claimed int      // what an unproven message said that the path takes, or 0
	about   wire.Seq // the first segment that one quoted

	givenUp int // a proven size that was given up for timeouts alone, or 0
	since   int // octets acknowledged since

	fragments bool // routers may fragment our packets
}

// TooBig takes a message from the network, about our segment that began at
// seq, that its path takes at most n octets of options and payload. A message
// about what is not in flight is dropped. One that contradicts what has already
// been acknowledged only counts when the segment times out, too (RFC 5927,
// section 7.2). Segments may be due after it.
func (c *Conn) TooBig(now Instant, seq wire.Seq, n int) {
	if c.over || !seq.InWindow(c.snd.una, uint32(c.flight())) {
		return
	}
	if c.state < SynReceived { // a SYN with many options may be too large
		c.allowFragments(n)
		return
	}
	switch {
	case n >= c.path.most:
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

// MaxSegment is the most that the path is known to take in one segment, in
// octets of options and payload together. It may shrink in Receive,
// Unreachable and Advance.
func (c *Conn) MaxSegment() int { return c.path.most }

// shrink makes our segments smaller from now on.
func (c *Conn) shrink(n int, why string) {
	c.allowFragments(n)
	n = max(n, leastSegment)
	if n >= c.path.most {
		return
	}
	c.path.most = n
	c.reno.mss = c.segmentSize()
	c.path.claimed = 0
	emit(c, SegmentSizeReduced{Size: n, Why: why})
}

// allowFragments lets routers fragment our packets where the path takes less
// than the least of our segments.
func (c *Conn) allowFragments(n int) {
	if n < leastSegment && !c.path.fragments {
		c.path.fragments = true
		emit(c, FragmentsAllowed{Size: n})
	}
}

// MayFragment reports whether an IPv4 packet of ours goes out without its
// don't-fragment bit. It may change in Unreachable, Receive and Advance.
func (c *Conn) MayFragment() bool { return c.path.fragments }

// pathAcked notes that octets of the size that we send have arrived.
func (c *Conn) pathAcked(n int) {
	size := min(n, c.reno.mss) + c.optionsLen()
	c.path.proven = max(c.path.proven, min(size, c.path.most))
	if c.path.claimed > 0 && c.path.about.Less(c.snd.una) {
		c.path.claimed = 0 // it did arrive
	}
	if c.path.since += n; c.path.givenUp > 0 && c.path.since >= retryAfter {
		c.path.most = c.path.givenUp
		c.path.givenUp, c.path.proven, c.path.fragments = 0, 0, false
		c.reno.mss = c.segmentSize()
	}
}

// pathTimeout looks for the reason of a timeout in the size of what was lost.
func (c *Conn) pathTimeout() {
	large := min(c.snd.buf.len(), c.segmentSize())+c.optionsLen() > blackHoleSegment
	tries := blackHoleTries
	if c.path.proven >= c.path.most {
		tries = blackHoleTriesProven
	}
	switch {
	case c.path.claimed > 0:
		c.shrink(c.path.claimed, "the network said so, and they do not arrive")
	case c.snd.tries >= tries && (large || !c.path.fragments):
		if tries == blackHoleTriesProven {
			c.path.givenUp, c.path.since = c.path.most, 0
		}
		c.shrink(blackHoleSegment, "large ones do not arrive, and nothing says why")
		c.allowFragments(0) // it may be narrower still
	}
}

// tooBigMessage takes an ICMP message of that kind (RFC 1191, RFC 8201).
func (c *Conn) tooBigMessage(now Instant, m *wire.ICMP) {
	mtu, headers := m.MTU(), wire.IPv4HeaderLen+wire.TCPHeaderLen
	emit(c, UnreachableReceived{Message: fmt.Sprintf("%v (MTU %d)", m, mtu), From: m.From.String()})
	if mtu >= m.Quoted.TotalLength && m.Quoted.TotalLength > 0 {
		return // what it quotes would have fitted
	}
	switch {
	case m.V6:
		headers = wire.IPv6HeaderLen + wire.TCPHeaderLen
		mtu = max(mtu, wire.IPv6MinMTU) // RFC 8201, section 4
	case mtu == 0:
		mtu = 576 // from before RFC 1191, section 5
	default:
		mtu = max(mtu, leastMTU)
	}
	c.TooBig(now, m.Seq, mtu-headers)
}
