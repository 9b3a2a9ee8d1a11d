// Challenge ACKs: answers to segments that may be forged (RFC 5961), and their
// rate limit.

package tcb

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// The rate limit of challenge ACKs (RFC 5961, section 7; RFC 9293, MAY-12). It
// is per connection: a shared count would tell an attacker about other
// connections.
const (
	challengeLimit  = 10
	challengePeriod = 5 * time.Second
)

// challengeState counts challenge ACKs in the current period.
type challengeState struct {
	since Instant
	count int
}

// challenge makes an ACK due that tells a genuine peer our state, unless too
// many were sent recently.
func (c *Conn) challenge(now Instant, why string) {
	if now.Sub(c.limit.since) >= challengePeriod {
		c.limit = challengeState{since: now}
	}
	if c.limit.count >= challengeLimit {
		return
	}
	c.limit.count++
	c.out.ack = true
	emit(c, ChallengeAck{Why: why})
}

// unacceptable answers a segment that is outside the window. Octets or a FIN
// that had already arrived are acknowledged again, as often as the peer sends
// them. Anything else could make two ends acknowledge each other for ever, and
// is rate-limited.
func (c *Conn) unacceptable(now Instant, s *wire.Segment, why string) {
	c.drop(s, why)
	switch {
	case c.askedAgain(s):
		return
	case s.Flags.Has(wire.RST):
	case s.Len() > 0 && !s.Flags.Has(wire.SYN):
		c.arrivedAgain(s.Seq, s.Seq.Add(len(s.Payload)))
		c.ackAtOnce()
	default:
		c.challenge(now, why)
	}
	c.repeatedFIN(now, s)
	c.synACKAgain(s)
}
