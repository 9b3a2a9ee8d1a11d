package probe

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/astable"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// A rate that is raised while the scan runs is used, and one that is lowered kept to:
// no more packets leave after it than it allows.
func TestTheRateOfAScanChangesWhileItRuns(t *testing.T) {
	l := newWideLab(t)
	o := options(t, "443", "198.19.0.0/20")
	o.Goal, o.Rate, o.Retries, o.MaxInFlight = GoalTCP, 100, 0, 1<<16
	var out bytes.Buffer
	check(t, l.Near().Do(func() error {
		s, err := Open(t.Context(), o, store.NewOutput(&out))
		if err != nil {
			return err
		}
		done := make(chan error, 1)
		go func() {
			_, err := s.Run(t.Context(), t.Context())
			done <- err
		}()
		sent := func() uint64 { return s.Stats().Packets }
		await := func(n uint64) {
			for end := time.Now().Add(time.Minute); sent() < n && time.Now().Before(end); {
				time.Sleep(10 * time.Millisecond)
			}
		}
		await(20)
		s.SetRate(20000)
		await(2000) // at 100 a second that would take 20
		s.SetRate(10)
		time.Sleep(300 * time.Millisecond) // until it is heeded
		before, start := sent(), time.Now()
		time.Sleep(time.Second)
		if n, most := sent()-before, 10*time.Since(start).Seconds()+10; float64(n) > most {
			t.Errorf("%d packets in %v at 10 a second", n, time.Since(start))
		}
		s.SetRate(20000)
		return <-done
	}))
}

// Ports that are kept are the next scan's, and there is one guard for all of them.
func TestPortsAreUsedAgain(t *testing.T) {
	l := newWideLab(t)
	var kept Ports
	defer kept.Close()
	var first uint16
	for n := range 3 {
		o := options(t, "443", "198.19.0.0/28")
		o.Goal, o.Retries, o.Kept = GoalTCP, 0, &kept
		var out bytes.Buffer
		check(t, l.Near().Do(func() error {
			s, err := Open(t.Context(), o, store.NewOutput(&out))
			if err != nil {
				return err
			}
			if p := s.loops[0].ports; n == 0 {
				first = p.first
			} else if p.first != first || p.count != 64 {
				t.Errorf("%d ports from %d on, want those from %d on", p.count, p.first, first)
			}
			_, err = s.Run(t.Context(), t.Context())
			return err
		}))
		if n := bytes.Count(out.Bytes(), []byte("\n")); n != 16 || len(kept.free) != 1 {
			t.Errorf("%d results, %d ranges of ports are kept", n, len(kept.free))
		}
	}
}

// held runs a scan of a wide network that is steered meanwhile.
func held(t *testing.T, change func(*Options), steer func(*Scan)) (out []byte, stats Stats) {
	t.Helper()
	l := newWideLab(t)
	o := options(t, "443", "198.19.0.0/22")
	o.Goal, o.Retries, o.MaxInFlight = GoalTCP, 0, 1<<16
	change(&o)
	var b bytes.Buffer
	check(t, l.Near().Do(func() error {
		s, err := Open(t.Context(), o, store.NewOutput(&b))
		if err != nil {
			return err
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			steer(s)
		}()
		stats, err = s.Run(t.Context(), t.Context())
		<-done
		if got, want := s.Sources(), []netip.Addr{l.Near().Addr()}; !slices.Equal(got, want) {
			t.Errorf("packets left from %v, want %v", got, want)
		}
		return err
	}))
	return b.Bytes(), stats
}

// Nothing leaves after the moment that was said last, and all goes on with the next.
func TestNothingLeavesAfterAMoment(t *testing.T) {
	_, stats := held(t, func(o *Options) { o.Rate = 1000 }, func(s *Scan) {
		for s.Stats().Packets < 50 {
			time.Sleep(time.Millisecond)
		}
		s.SendUntil(time.Now().Add(-time.Second))
		time.Sleep(200 * time.Millisecond)
		before := s.Stats().Packets
		time.Sleep(time.Second)
		if n := s.Stats().Packets - before; n > 0 {
			t.Errorf("%d packets left", n)
		}
		s.SendUntil(time.Now().Add(time.Hour))
	})
	if stats.Results != 1024 {
		t.Errorf("%d results", stats.Results)
	}
}

// What is excluded while a scan runs is not begun any more, has no result, and is
// counted.
func TestWhatIsExcludedLaterIsNotBegun(t *testing.T) {
	out, stats := held(t, func(o *Options) { o.Rate = 300 }, func(s *Scan) {
		for s.Stats().Packets < 50 {
			time.Sleep(time.Millisecond)
		}
		var set targets.Set
		r, err := targets.ParseRange("198.19.2.0/23")
		if err != nil {
			t.Error(err)
		}
		set.Add(r)
		s.Exclude(&set)
	})
	if stats.Excluded == 0 || stats.Excluded > 512 || stats.Results+stats.Excluded != 1024 {
		t.Fatalf("%d results, %d excluded", stats.Results, stats.Excluded)
	}
	lines, late := 0, 0
	for line := range bytes.Lines(out) {
		var r struct{ Addr netip.Addr }
		check(t, json.Unmarshal(line, &r))
		lines++
		if netip.MustParsePrefix("198.19.2.0/23").Contains(r.Addr) {
			late++
		}
	}
	if lines != int(stats.Results) || late != 512-int(stats.Excluded) {
		t.Errorf("%d lines for %d results; %d of what was excluded, want %d", lines, stats.Results, late, 512-stats.Excluded)
	}
}

// A part of a network's limit is kept to: the targets of a /24, or of a system whose
// addresses are in many, begin that much farther apart.
func TestAScanKeepsToItsPartOfANetworksLimit(t *testing.T) {
	table, err := astable.Read(strings.NewReader("198.19.0.0/16 64496\n"))
	check(t, err)
	for name, change := range map[string]func(*Options){
		"a network": func(o *Options) { o.PerNetwork = 40 },
		"a system":  func(o *Options) { o.PerAS, o.ASes = 40, table },
	} {
		t.Run(name, func(t *testing.T) {
			l := newWideLab(t)
			o := options(t, "443", "198.19.0.1-198.19.0.8", "198.19.77.1-198.19.77.8")
			if name == "a network" {
				o = options(t, "443", "198.19.0.0/28")
			}
			o.Goal, o.Retries, o.Loops = GoalTCP, 0, 1
			change(&o)
			var b bytes.Buffer
			check(t, l.Near().Do(func() error {
				s, err := Open(t.Context(), o, store.NewOutput(&b))
				if err != nil {
					return err
				}
				s.SetPart(0.25)
				began := time.Now()
				_, err = s.Run(t.Context(), t.Context())
				if took, least := time.Since(began), 15*time.Second/10; took < least {
					t.Errorf("16 targets, at a quarter of 40 a second, in %v", took)
				}
				return err
			}))
		})
	}
}
