package probe

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A list on standard input may be silent for hours. Who stops the scan then is not
// kept waiting by it, and the checkpoint says what was read and done.
func TestAScanWhoseListIsSilentEndsWhenItIsStopped(t *testing.T) {
	for name, said := range map[string]string{"from the beginning": "", "in the middle of a line": "198.18.80.1\n198.18.8"} {
		lab := newWideLab(t)
		in, out := io.Pipe()
		t.Cleanup(func() { out.Close() })
		o := options(t, "443", "198.18.79.200")
		o.Space, o.Retries, o.Goal = nil, 0, GoalTCP
		state := filepath.Join(t.TempDir(), "state")
		o.Keep = store.InFile(state)
		o.Feed = &supply.Feed{Lists: []*targets.List{{Name: "standard input", From: in}}, Ports: []uint16{443}, Rules: &targets.Rules{AllowSpecial: true}}
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			if said != "" {
				io.WriteString(out, said) // until all is read
			}
			stop()
		}()
		var records bytes.Buffer
		check(t, lab.Near().Do(func() error {
			s, err := Open(t.Context(), o, store.NewOutput(&records))
			if err != nil {
				return err
			}
			_, err = s.Run(ctx, t.Context())
			return err
		}))
		c, err := store.ReadCheckpoint(state)
		check(t, err)
		if c == nil || c.Finished || c.Results > 1 || c.Loops[0].Ceiling > 1 || c.Lists[0].Bytes != uint64(len(said)) {
			t.Errorf("%s: %+v", name, c)
		}
		if n := uint64(bytes.Count(records.Bytes(), []byte("\n"))); n != c.Results {
			t.Errorf("%s: %d records, and the checkpoint speaks of %d", name, n, c.Results)
		}
	}
}

// A flood does not keep a scan from its end.
func TestASignalEndsAScanInAFlood(t *testing.T) {
	flight := serverFlight(t)
	for name, tc := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &floodNet{hostile: isHostile, answer: tc.answer, flood: tc.flood, rate: floodOf()}
			o := options(t, "443", "198.19.0.0/23")
			o.Rate, o.Timeout, o.MaxInFlight = floodRate, 8*time.Second, 2000
			f.local, f.flight, f.kinds, f.heard = netip.MustParseAddr("198.18.0.1"), flight, map[string]int{}, map[netip.AddrPort]wire.Segment{}
			l := loopOver(t, o, f, f.local, io.Discard)
			f.loop = l
			ctx, cancel := context.WithCancel(t.Context())
			var asked tcb.Instant
			l.clock.read = func() tcb.Instant {
				if f.now >= 3*second && asked == 0 {
					asked = f.now
					cancel()
				}
				f.now = f.now.Add(time.Microsecond)
				return f.now
			}
			check(t, l.run(ctx, t.Context()))
			check(t, l.results.sink.Close())
			if took := f.now.Sub(asked); asked == 0 || took > stopGrace+2*resetTime {
				t.Errorf("it took %v", took)
			}
			f.checkRate(t, floodRate)
		})
	}
}
