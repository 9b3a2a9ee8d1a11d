// Whether this machine keeps up with the rate.

package probe

import "time"

// A Load tells from a scan's Stats, looked at again and again, whether this
// machine carries the rate.
type Load struct {
	Rate  float64 // packets a second that were asked for; 0: without limit
	Short float64 // how many of them the last few seconds missed, if clearly
	Worst float64 // the largest value that Short ever had

	since Stats
}

const (
	loadSpan  = 5 * time.Second
	minWanted = 0.9 // of that, for it to be judged
	minMissed = 0.1 // of the rate, for it to be said
)

// See judges the time since it last did, if that is long enough.
func (d *Load) See(s *Stats) {
	span := s.Time - d.since.Time
	if span < loadSpan {
		return
	}
	wanted, missed := (s.Wanted - d.since.Wanted).Seconds(), s.Missed-d.since.Missed
	d.Short, d.since = 0, *s
	if wanted > minWanted*span.Seconds() && missed > minMissed*d.Rate*wanted {
		d.Short = missed / wanted
	}
	d.Worst = max(d.Worst, d.Short)
}
