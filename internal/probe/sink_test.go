package probe

import "testing"

// A run that has ended has begun what it has begun, and nothing beyond: what it
// never came to is no repetition when another goes on. What an earlier run may
// have begun, which was killed, may have been probed.
func TestTheLastCheckpointLeavesOpenOnlyWhatWasBegun(t *testing.T) {
	for name, tc := range map[string]struct {
		resume  *Checkpoint
		over    bool
		ceiling uint64
	}{
		"while it runs":               {nil, false, 107},
		"at its end":                  {nil, true, 7},
		"at its end, after a kill":    {&Checkpoint{Loops: []LoopExtent{{Base: 3, Head: 3, Ceiling: 40}}}, true, 40},
		"at its end, after clean end": {&Checkpoint{Loops: []LoopExtent{{Base: 3, Head: 3, Ceiling: 3}}}, true, 7},
	} {
		s := &sink{resume: tc.resume, over: tc.over, lead: 100, loops: []*reach{{}}, written: []*doneSet{setOf(&LoopExtent{Base: 5, Head: 5})}}
		s.loops[0].head.Store(7) // of which two have no record yet
		s.loops[0].ceiling.Store(60)
		if e := s.reached(0, "").Loops[0]; e.Base != 5 || e.Ceiling != tc.ceiling {
			t.Errorf("%s: %+v, want a ceiling of %d", name, e, tc.ceiling)
		}
	}
}
