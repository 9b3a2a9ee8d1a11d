// Round trips and old duplicates by timestamps (RFC 7323).

package tcb

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// timestamps is the state of RFC 7323's timestamps option.
type timestamps struct {
	on       bool    // both SYNs carried the option
	recent   uint32  // TS.Recent: what our segments echo
	recentAt Instant // when it was last set
}

// heard sets TS.Recent.
func (t *timestamps) heard(val uint32, now Instant) { t.recent, t.recentAt = val, now }

// tsVal returns the timestamp clock: milliseconds, with the connection's own
// offset (RFC 7323, section 5.4).
func (c *Conn) tsVal(now Instant) uint32 {
	return uint32(now/Instant(time.Millisecond)) + c.id.TimestampOffset
}

// tsRTT returns the round trip by a segment's TSecr (RFC 7323, section 4). It
// is not ok if we cannot have sent the echoed value.
func (c *Conn) tsRTT(now Instant, s *wire.Segment) (time.Duration, bool) {
	if !c.ts.on {
		return 0, false
	}
	_, ecr, ok := s.Options.Timestamps()
	ms := int32(c.tsVal(now) - ecr)
	if !ok || ms < 0 || time.Duration(ms)*time.Millisecond > now.Sub(c.snd.since)+maxEchoAge {
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}

// maxEchoAge bounds the age of an echoed timestamp, beyond the time that the
// peer has owed us an acknowledgment: older ones are not ours.
const maxEchoAge = time.Second

// noteTimestamp moves TS.Recent forward for a segment that begins at or before
// what we last acknowledged (RFC 7323, section 4.3).
func (c *Conn) noteTimestamp(now Instant, s *wire.Segment) {
	val, _, ok := s.Options.Timestamps()
	if c.ts.on && ok && s.Seq.LessEq(c.lastAck) && int32(val-c.ts.recent) >= 0 {
		c.ts.heard(val, now)
	}
}

// pawsLife is how long TS.Recent is valid for comparison: less than half the
// wrap of a clock with one tick a millisecond (RFC 7323, section 5.5).
const pawsLife = 24 * 24 * time.Hour

// oldTimestamp is PAWS (RFC 7323, section 5.3): a segment whose timestamp is
// older than the last is an old duplicate. A segment without a timestamp
// passes: some paths strip the option, and PAWS protects only against what
// sequence numbers would let through by chance.
func (c *Conn) oldTimestamp(now Instant, s *wire.Segment) bool {
	val, _, ok := s.Options.Timestamps()
	return c.ts.on && ok && int32(val-c.ts.recent) < 0 && now.Sub(c.ts.recentAt) < pawsLife
}
