package probe

import (
	"bytes"
	"flag"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/probe/store"
)

// soak is how long TestSoak goes on beyond its one round; see `make soak-probe`.
var soak = flag.Duration("soak", 0, "scan again and again for so long")

// newlines counts records without keeping them.
type newlines int

func (n *newlines) Write(p []byte) (int, error) {
	*n += newlines(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

// Round after round over the same network, up to the certificate, while 1 % of
// all packets are lost: each target has a record, what was dropped is counted,
// and no memory is left behind.
func TestSoak(t *testing.T) {
	l, err := lab.New(t.Context(), lab.With(lab.Wide(service.Service{Kind: service.CryptoTLS})))
	check(t, err)
	defer l.Close()
	network, n := "198.18.0.0/26", 64
	if *soak > 0 {
		network, n = "198.18.0.0/22", 1024
	}
	end := time.Now().Add(*soak)
	var first uint64
	var sum Stats
	lost := 0
	for round := 1; round <= 2 || time.Now().Before(end); round++ {
		o := options(t, "443", network)
		o.Seed, o.Retries = uint64(round), 3
		w := newLossyLink(uint64(round), 0.01)
		o.Wrap = w.wrap
		var lines newlines
		var stats Stats
		check(t, l.Near().Do(func() error {
			s, err := Open(t.Context(), o, store.NewOutput(&lines))
			if err != nil {
				return err
			}
			stats, err = s.Run(t.Context(), t.Context())
			return err
		}))
		if int(lines) != n || stats.Results != uint64(n) || stats.Targets != uint64(n) {
			t.Fatalf("round %d: %d lines, %+v", round, lines, stats)
		}
		sum.add(&stats)
		lost += w.lost
		now := heap()
		if round == 2 {
			first = now
		}
		if round > 2 && now > first+8<<20 {
			t.Fatalf("round %d: %d bytes of heap, and %d in the second", round, now, first)
		}
		if *soak > 0 && round%20 == 0 {
			t.Logf("round %d: %d records, %d with a certificate; heap %d KB; %d packets sent, %d received, %d lost on the link, %d dropped by the ring, %d not sent, %d late", round,
				sum.Results, sum.Outcomes[outcomeIndex("certificate")], now>>10, sum.Packets, sum.Link.Received, lost, sum.Link.Dropped, sum.Link.Unsent, sum.Late)
		}
	}
	if got := sum.Outcomes[outcomeIndex("certificate")]; sum.Link.Dropped == 0 && got != sum.Results {
		t.Errorf("%d of %d records have a certificate: %+v", got, sum.Results, sum)
	}
}
