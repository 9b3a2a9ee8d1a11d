package probe

import (
	"testing"
)

// A wrong answer is kept as evidence until the right one comes: there is room
// for so many, and others need it.
func TestEvidenceThatDoesNotCountIsLetGo(t *testing.T) {
	o := fakeOptions(t, 512)
	o.Goal = GoalTCP
	f := &fakeNet{wrong: true}
	l := fakeLoop(t, o, f)
	check(t, l.run(t.Context(), t.Context()))
	if l.stats.Answers == 0 || l.stats.Results == 0 {
		t.Fatalf("%+v", l.stats)
	}
	if len(l.syns.evidence) > 0 {
		t.Errorf("%d wrong answers are kept of %d targets that are done", len(l.syns.evidence), l.stats.Results)
	}
}
