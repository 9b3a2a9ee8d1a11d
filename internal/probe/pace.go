package probe

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A pace is a token bucket of packets.
type pace struct {
	rate   float64 // tokens a second; 0: without limit
	factor float64 // of the rate that is used: less than 1 after drops
	tokens float64
	at     tcb.Instant

	dropped uint64      // by the link, when last looked at
	mended  tcb.Instant // when the factor was changed last
}

// mostResets is what late segments may cost of the rate, or a second where
// there is none.
const (
	mostResets  = 0.25
	leastResets = 1000
)

// After drops the rate is three quarters of what it was; each second without
// any it grows by a twentieth of the whole.
const (
	afterDrops  = 0.75
	recovery    = 0.05
	leastFactor = 0.05
)

// drops looks at the link's count of packets that found no room.
func (p *pace) drops(now tcb.Instant, total uint64) {
	switch {
	case total > p.dropped:
		p.factor = max(p.factor*afterDrops, leastFactor)
	case now.Sub(p.mended) < time.Second:
		return
	default:
		p.factor = min(p.factor+recovery, 1)
	}
	p.dropped, p.mended = total, now
}

// burst is how many packets may leave at once after a pause: those of this
// long, and a few at least.
const (
	burstTime  = 10 * time.Millisecond
	leastBurst = 8
)

// fill lets time pass, and tells how much it took, and what spilled over.
func (p *pace) fill(now tcb.Instant) (took time.Duration, spilled float64) {
	took, p.at = now.Sub(p.at), now
	if p.rate == 0 {
		return took, 0
	}
	rate := p.rate * p.factor
	tokens := p.tokens + took.Seconds()*rate
	p.tokens = min(tokens, max(rate*burstTime.Seconds(), leastBurst))
	return took, tokens - p.tokens
}

// may reports whether a packet may leave now.
func (p *pace) may() bool { return p.rate == 0 || p.tokens >= 1 }

// spend counts a packet that leaves. Those of connections do not wait, and are
// made up for.
func (p *pace) spend() { p.tokens-- }

// wait is how long it takes until the next packet may leave.
func (p *pace) wait() time.Duration {
	if p.may() {
		return 0
	}
	return time.Duration((1 - p.tokens) / (p.rate * p.factor) * float64(time.Second))
}
