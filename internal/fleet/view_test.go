package fleet

import (
	"testing"
	"time"
)

// A worker is gone if it was silent for a lease's time on the server's clock and on ours:
// a clock that jumps makes nobody dead, nor does a view that stood still.
func TestWhoIsGone(t *testing.T) {
	base := time.Now()
	at := func(server, ours time.Duration) moment { return moment{base.Add(server), base.Add(ours)} }
	for name, tc := range map[string]struct {
		seen, echo moment
		gone       bool
	}{
		"just heard":                    {at(0, 0), at(time.Second, time.Second), false},
		"silent for long":               {at(0, 0), at(Lease+time.Second, Lease+time.Second), true},
		"the server's clock jumps":      {at(0, 0), at(time.Hour, time.Second), false},
		"the server's clock jumps back": {at(0, 0), at(-time.Hour, 2*Lease), false},
		"the view stood still":          {at(0, 0), at(time.Second, time.Hour), false},
		"our own echo is old":           {at(Lease, Lease), at(time.Second, time.Second), false},
	} {
		v := &view{members: map[string]sighting{"other": {Member{Name: "other"}, tc.seen}}, echo: tc.echo}
		if got := v.gone("other"); got != tc.gone {
			t.Errorf("%s: %v", name, got)
		}
	}
	if v := (&view{}); !v.gone("never seen") {
		t.Error("one that was never seen is not gone")
	}
}
