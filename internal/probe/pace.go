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

// received tells what of the packets that the receive ring had no room for counts
// against the pace. To what nobody asked for it makes no difference how fast we
// send: a flood must not slow the scan down.
type received struct {
	arrived, astray uint64 // in all, and of no use, when last looked at
	dropped, others uint64 // and of those without room, in all, and the flood's
}

// ours is how many packets without room were answers to ours, or may have been.
func (r *received) ours(s *Stats) uint64 {
	arrived, astray, dropped := s.Link.Received, s.Stray+s.Late+s.Bad, s.Link.Dropped
	if 2*(astray-r.astray) > arrived-r.arrived {
		r.others += dropped - r.dropped
	}
	r.arrived, r.astray, r.dropped = arrived, astray, dropped
	return dropped - r.others
}

// burstTime is how many packets may leave at once after a pause: those of this
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
	p.tokens = min(tokens, p.burst())
	return took, tokens - p.tokens
}

// burst is what the bucket holds.
func (p *pace) burst() float64 { return max(p.rate*p.factor*burstTime.Seconds(), leastBurst) }

// may reports whether a packet may leave now.
func (p *pace) may() bool { return p.rate == 0 || p.tokens >= 1 }

// spend counts a packet that leaves now, of which may has said that it may. So
// the pace is never in debt: nobody can have it pay later for what has left.
func (p *pace) spend() {
	if p.rate > 0 {
		p.tokens--
	}
}

// mayBeside reports whether a packet may leave now, and as many more after it.
func (p *pace) mayBeside(reserve float64) bool { return p.rate == 0 || p.tokens >= 1+reserve }

// wait is how long it takes until the next packet may leave, beside a reserve.
func (p *pace) wait(reserve float64) time.Duration {
	if p.mayBeside(reserve) {
		return 0
	}
	return time.Duration((1 + reserve - p.tokens) / (p.rate * p.factor) * float64(time.Second))
}
