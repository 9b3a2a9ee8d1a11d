// How workers share the rate of a scan.

package fleet

import (
	"context"
	"errors"
	"time"
)

// grants are the rates that workers may send with: one value in the bucket, changed by
// compare-and-set, so that their sum never passes the scan's rate. Who wants more takes
// only what nobody has, and who has more than its share sends no faster before it gives
// it back. A worker that is gone keeps its grant until nobody can take it for alive.
type grants map[string]float64

// free is what nobody has of a rate.
func (g grants) free(rate float64) float64 {
	for _, r := range g {
		rate -= r
	}
	return max(rate, 0)
}

// A share is a worker's part of the rate.
type share struct {
	scan *Scan
	view *view
	name string
	set  func(rate float64) // has the worker send with another rate, at once
	rate float64
}

// slack is what shares may differ by, of the rate: they are not changed for less.
const slack = 1e-6

// Renew takes or gives back rate, so that in the end all that want any have the same.
func (s *share) Renew(ctx context.Context, want bool) error {
	all, revision, wanting, gone := s.view.Grants()
	mine := all[s.name]
	if mine < s.rate { // somebody took us for gone
		s.apply(mine)
	}
	for _, name := range gone {
		delete(all, name)
	}
	whole := s.scan.Spec.Rate
	target := 0.0
	if want {
		target = min(whole/float64(wanting), mine+all.free(whole))
	}
	if d := target - mine; len(gone) == 0 && d < slack*whole && d > -slack*whole {
		if s.rate < mine { // a change of ours that we did not know to have come about
			s.apply(mine)
		}
		return nil
	}
	if target < s.rate {
		s.apply(target) // before anybody else may take it,
		sleep(ctx, settle)
	}
	if all[s.name] = target; target == 0 {
		delete(all, s.name)
	}
	_, err := s.scan.change(ctx, "grants", all, revision)
	if errors.Is(err, errChanged) {
		return nil // somebody was faster: the view will say, and the next time comes soon
	}
	if err == nil && target > s.rate {
		s.apply(target)
	}
	return err
}

// settle is how long a lower rate takes to be kept to.
const settle = 20 * time.Millisecond

func (s *share) apply(rate float64) {
	s.rate = rate
	s.set(rate)
}
