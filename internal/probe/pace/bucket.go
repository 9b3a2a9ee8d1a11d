// Package pace says when packets may leave: all of a loop's at its rate, and in it a
// small share of what serves no target. It does no I/O, and the time is an argument.
package pace

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Bucket is a token bucket of packets.
type Bucket struct {
	Rate   float64 // tokens a second; 0: without limit
	Factor float64 // of the rate that is used: less than 1 after drops
	Tokens float64 // never less than 0
	at     wire.Instant

	dropped uint64       // by the link, when last looked at
	mended  wire.Instant // when the factor was changed last
}

// After drops the rate is three quarters of what it was; each second without
// any it grows by a twentieth of the whole.
const (
	AfterDrops = 0.75
	recovery   = 0.05
	minFactor  = 0.05
)

// Drops looks at the link's count of packets that found no room.
func (b *Bucket) Drops(now wire.Instant, total uint64) {
	switch {
	case total > b.dropped:
		b.Factor = max(b.Factor*AfterDrops, minFactor)
	case now.Sub(b.mended) < time.Second:
		return
	default:
		b.Factor = min(b.Factor+recovery, 1)
	}
	b.dropped, b.mended = total, now
}

// BurstTime is how many packets may leave at once after a pause: those of this
// long, and a few at least.
const (
	BurstTime = 10 * time.Millisecond
	MinBurst  = 8
)

// Fill lets time pass, and tells how much it took, and what spilled over.
func (b *Bucket) Fill(now wire.Instant) (took time.Duration, spilled float64) {
	took, b.at = now.Sub(b.at), now
	if b.Rate == 0 {
		return took, 0
	}
	rate := b.Rate * b.Factor
	tokens := b.Tokens + took.Seconds()*rate
	b.Tokens = min(tokens, b.Burst())
	return took, tokens - b.Tokens
}

// Burst is what the bucket holds.
func (b *Bucket) Burst() float64 { return max(b.Rate*b.Factor*BurstTime.Seconds(), MinBurst) }

// May reports whether a packet may leave now.
func (b *Bucket) May() bool { return b.Rate == 0 || b.Tokens >= 1 }

// Spend counts a packet that leaves now, of which May has said that it may. So
// the bucket is never in debt: nobody can have it pay later for what has left.
func (b *Bucket) Spend() {
	if b.Rate > 0 {
		b.Tokens--
	}
}

// MayBeside reports whether a packet may leave now, and as many more after it.
func (b *Bucket) MayBeside(reserve float64) bool { return b.Rate == 0 || b.Tokens >= 1+reserve }

// batchTime is how long packets are waited for that leave together, at a high rate.
const batchTime = time.Millisecond

// Wait is how long it takes until the next packets may leave, beside a reserve: one, or
// as many as come in the batchTime, so that a wake-up and a system call serve many.
func (b *Bucket) Wait(reserve float64) time.Duration {
	if b.MayBeside(reserve) {
		return 0
	}
	rate := b.Rate * b.Factor
	batch := max(min(rate*batchTime.Seconds(), b.Burst()-reserve), 1)
	return time.Duration((batch + reserve - b.Tokens) / rate * float64(time.Second))
}
