package probe

import (
	"bytes"
	"flag"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
)

// soak is how long TestSoak goes on beyond its one round; see `make soak-probe`.
var soak = flag.Duration("soak", 0, "scan again and again for so long")

// newlines counts records without keeping them.
type newlines int

func (n *newlines) Write(p []byte) (int, error) {
	*n += newlines(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

// Round after round over the same network, each record is there, what was
// dropped is counted, and no memory is left behind.
func TestSoak(t *testing.T) {
	l, err := lab.New(t.Context(), lab.With(lab.Wide()))
	check(t, err)
	defer l.Close()
	end := time.Now().Add(*soak)
	var first uint64
	for round := 1; round <= 2 || time.Now().Before(end); round++ {
		o := options(t, "443", "198.18.0.0/23")
		o.Goal, o.Seed, o.Retries = GoalTCP, uint64(round), 2
		var lines newlines
		var stats Stats
		check(t, l.Near().Do(func() error {
			s, err := Open(t.Context(), o, NewOutput(&lines))
			if err != nil {
				return err
			}
			stats, err = s.Run(t.Context(), t.Context())
			return err
		}))
		if lines != 512 || stats.Records != 512 || stats.Targets != 512 {
			t.Fatalf("round %d: %d lines, %+v", round, lines, stats)
		}
		now := heap()
		if round == 2 {
			first = now
		}
		if round > 2 && now > first+8<<20 {
			t.Fatalf("round %d: %d bytes of heap, and %d in the second", round, now, first)
		}
		if *soak > 0 && round%20 == 0 {
			t.Logf("round %d: heap %d KB, dropped by the ring %d, not sent %d, late %d", round, now>>10, stats.Link.Dropped, stats.Link.Unsent, stats.Late)
		}
	}
}
