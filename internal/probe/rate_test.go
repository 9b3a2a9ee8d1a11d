package probe

import (
	"bytes"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/store"
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
