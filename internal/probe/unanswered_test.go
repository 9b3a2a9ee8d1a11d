package probe

import (
	"fmt"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
)

// What this machine does not let out is no silence of its target's.
func TestTargetsThatThisMachineDoesNotLetOutToAreNotSilent(t *testing.T) {
	o := fakeOptions(t, 256)
	o.Timeout = 10 * time.Millisecond
	f := &fakeNet{shut: fmt.Errorf("send: %w: a rule", link.ErrFiltered)}
	l := fakeLoop(t, o, f)
	for l.stats.Results == 0 {
		l.now = l.instant()
		check(t, l.turn())
	}
	if got := l.results.result; got.Outcome != "unreachable" || got.Class != classFiltered || got.Error != f.shut.Error() {
		t.Errorf("%s (%s): %s", got.Outcome, got.Class, got.Error)
	}
}
