package tcb

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// boardUnsound says what is wrong in the books of what is in flight, or nothing.
func (c *Conn) boardUnsound() string {
	b := &c.snd.loss.board
	if c.state < Established || c.over {
		return ""
	}
	var sacked, lost int32
	left := b.left
	for i, s := range b.list() {
		n := int32(s.right.Minus(left))
		switch {
		case n <= 0:
			return fmt.Sprintf("segment %d from %v to %v", i, left, s.right)
		case s.is(isSacked) && s.is(isLost):
			return fmt.Sprintf("segment %d has arrived and is lost", i)
		case s.is(isSacked):
			sacked += n
		case s.is(isLost):
			lost += n
		}
		left = s.right
	}
	switch {
	case b.left != c.snd.una || left != c.snd.nxt:
		return fmt.Sprintf("segments from %v to %v, SND.UNA %v, SND.NXT %v", b.left, left, c.snd.una, c.snd.nxt)
	case sacked != b.sacked || lost != b.lost:
		return fmt.Sprintf("%d octets arrived and %d lost, and it counts %d and %d", sacked, lost, b.sacked, b.lost)
	case len(b.list()) > c.cfg.boardLimit()+2*splitRoom+2:
		return fmt.Sprintf("%d segments", len(b.list()))
	}
	return ""
}

// TestTheScoreboardCountsWhatItHolds does what a connection does with it, in any
// order, beside a table of octets.
func TestTheScoreboardCountsWhatItHolds(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 9))
		limit := 1 + rng.IntN(40)
		b := new(scoreboard)
		una, nxt := wire.Seq(0xffffff80), wire.Seq(0xffffff80)
		b.clear(una)
		for range 60 {
			run := span{una.Add(rng.IntN(nxt.Minus(una) + 1)), 0}
			run.right = run.left.Add(1 + rng.IntN(20))
			switch rng.IntN(4) {
			case 0:
				b.transmitted(run, 0, limit)
				nxt = later(nxt, run.right)
			case 1:
				b.transmitted(span{nxt, nxt.Add(10)}, 0, limit)
				nxt = nxt.Add(10)
			case 2:
				una = earlier(run.right, nxt)
				b.acked(una)
			case 3:
				if n := len(b.list()); n > 0 {
					b.mark(rng.IntN(n), []mark{0, isSacked, isLost}[rng.IntN(3)])
				}
			}
			c := &Conn{cfg: &Config{SendBuffer: 1 << 20}, state: Established}
			c.snd.una, c.snd.nxt, c.snd.loss.board = una, nxt, *b
			if why := c.boardUnsound(); why != "" {
				t.Fatalf("seed %d: %s", seed, why)
			}
		}
	}
}
