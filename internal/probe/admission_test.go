package probe

import (
	"testing"
	"time"
)

// Each target that holds a connection costs memory; there are no more of them
// than it allows, and all have their turn.
func TestMemoryBoundsWhatIsInFlight(t *testing.T) {
	const n = 1 << 14
	o := fakeOptions(t, n)
	o.MaxInFlight, o.Timeout, o.MaxMemory = 2*n, time.Minute, heap()+2<<20
	l := fakeLoop(t, o, &fakeNet{}) // hosts that take the connection and say no more
	most := 0
	for idle := 0; !l.admission.ended || l.begun.window.len() > 0; idle++ {
		l.now = l.instant()
		check(t, l.turn())
		if now := l.admission.inFlight(); now > most {
			most, idle = now, 0
		}
		if idle == 50 { // they have waited long enough
			l.epoch, idle = l.epoch.Add(-2*o.Timeout), 0
		}
	}
	if most == n || l.stats.Results < n {
		t.Errorf("%d of %d in flight at once; %d records", most, n, l.stats.Results)
	}
}
