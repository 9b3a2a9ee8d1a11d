// Smaller segments, where the path asks for them or does not deliver larger
// ones.

package tcb

import (
	"fmt"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// minSegment is the smallest size that ICMP can reduce our segments to:
	// what a path of 552 octets takes. On a narrower path their packets are
	// fragmented, so that nobody can make us send packets that are nearly all
	// header.
	minSegment = 512
	// minMTU is the smallest MTU of an IPv4 path (RFC 791, section 3.2).
	minMTU = 68
	// blackHoleTries is how many timeouts of one large segment suggest a
	// blackhole: packets of its size do not arrive, and neither do ICMP
	// messages about them. If segments of that size have arrived before, loss
	// is likelier and it takes more timeouts.
	blackHoleTries       = 3
	blackHoleTriesProven = 6
	// blackHoleSegment is what every path is presumed to take: RFC 9293's
	// default MSS.
	blackHoleSegment = DefaultMSS
	// retryAfter is after how many acknowledged octets a proven size is tried
	// again. If it still does not arrive, it is no longer proven.
	retryAfter = 1 << 16
)

// pathState is what the path takes, and the state of RFC 5927, section 7.2,
// against forged messages.
type pathState struct {
	maxSegment int      // the largest segment to send: Config.MaxSegment, or less
	proven     int      // the largest segment that was ever acknowledged
	claimed    int      // what the path takes according to an unconfirmed message, or 0
	about      wire.Seq // the first segment that such a message quoted
	fragments  bool     // routers may fragment our packets

	givenUp int32 // a proven size that was given up because of timeouts alone, or 0
	since   int32 // octets acknowledged since
}

// TooBig takes an ICMP message about our segment at seq: its path takes at most
// n octets of options and payload. A message about what is not in flight is
// dropped. One that contradicts what has already been acknowledged counts only
// once the segment times out, too (RFC 5927, section 7.2). Segments may be due
// after it.
func (c *Conn) TooBig(now Instant, seq wire.Seq, n int) {
	if c.over || !seq.InWindow(c.snd.una, uint32(c.flight())) {
		return
	}
	if c.state < SynReceived { // a SYN with many options may be too large
		c.allowFragments(n)
		return
	}
	switch {
	case n >= c.path.maxSegment:
	case n < c.path.proven:
		if c.path.claimed == 0 {
			c.path.claimed, c.path.about = n, seq
		}
		c.path.claimed = min(c.path.claimed, n)
		c.path.about = earlier(c.path.about, seq)
	default:
		c.shrink(n, "the network said so")
		c.loseAll(becausePathMTU)
	}
}

// MaxSegment returns the largest segment that the path is known to take, in
// octets of options and payload together. It may shrink in Receive, Unreachable
// and Advance.
func (c *Conn) MaxSegment() int { return c.path.maxSegment }

// shrink makes our segments smaller from now on.
func (c *Conn) shrink(n int, why string) {
	c.allowFragments(n)
	n = max(n, minSegment)
	if n >= c.path.maxSegment {
		return
	}
	c.path.maxSegment = n
	c.reno.mss = c.segmentSize()
	c.path.claimed = 0
	emit(c, SegmentSizeReduced{Size: n, Why: why})
}

// allowFragments lets routers fragment our packets, if the path takes less than
// our smallest segments.
func (c *Conn) allowFragments(n int) {
	if n < minSegment && !c.path.fragments {
		c.path.fragments = true
		emit(c, FragmentsAllowed{Size: n})
	}
}

// MayFragment reports whether our IPv4 packets go out without the
// don't-fragment bit. It may change in Unreachable, Receive and Advance.
func (c *Conn) MayFragment() bool { return c.path.fragments }

// pathAcked notes that a segment of the size that we send has arrived.
func (c *Conn) pathAcked(n int) {
	size := min(n, c.reno.mss) + c.optionsLen()
	c.path.proven = max(c.path.proven, min(size, c.path.maxSegment))
	if c.path.claimed > 0 && c.path.about.Less(c.snd.una) {
		c.path.claimed = 0 // it did arrive
	}
	if c.path.since += int32(n); c.path.givenUp > 0 && c.path.since >= retryAfter {
		c.path.maxSegment = int(c.path.givenUp)
		c.path.givenUp, c.path.proven, c.path.fragments = 0, 0, false
		c.reno.mss = c.segmentSize()
	}
}

// pathTimeout considers whether the lost segment's size is the reason for a
// timeout.
func (c *Conn) pathTimeout() {
	large := min(c.snd.buf.len(), c.segmentSize())+c.optionsLen() > blackHoleSegment
	tries := blackHoleTries
	if c.path.proven >= c.path.maxSegment {
		tries = blackHoleTriesProven
	}
	switch {
	case c.path.claimed > 0:
		c.shrink(c.path.claimed, "the network said so, and they do not arrive")
	case int(c.snd.tries) >= tries && (large || !c.path.fragments):
		if tries == blackHoleTriesProven {
			c.path.givenUp, c.path.since = int32(c.path.maxSegment), 0
		}
		c.shrink(blackHoleSegment, "large ones do not arrive, and nothing says why")
		c.allowFragments(0) // it may be narrower still
	}
}

// tooBigMessage takes an ICMP message that a packet was too big (RFC 1191, RFC
// 8201).
func (c *Conn) tooBigMessage(now Instant, m *wire.ICMP) {
	mtu, headers := m.MTU(), wire.IPv4HeaderLen+wire.TCPHeaderLen
	emit(c, UnreachableReceived{Message: fmt.Sprintf("%v (MTU %d)", m, mtu), From: m.From.String()})
	if mtu >= m.Quoted.TotalLength && m.Quoted.TotalLength > 0 {
		return // the quoted segment would have fitted
	}
	switch {
	case m.V6:
		headers = wire.IPv6HeaderLen + wire.TCPHeaderLen
		mtu = max(mtu, wire.IPv6MinMTU) // RFC 8201, section 4
	case mtu == 0:
		mtu = 576 // from a router older than RFC 1191 (section 5)
	default:
		mtu = max(mtu, minMTU)
	}
	c.TooBig(now, m.Seq, mtu-headers)
}
