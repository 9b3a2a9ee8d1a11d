package store

import (
	"io"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/probe/targets"
)

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
		s := &Sink{resume: tc.resume, over: tc.over, loops: []*Reach{{}}, written: []*doneSet{setOf(&LoopExtent{Base: 5, Head: 5})}}
		s.Lead(100)
		s.loops[0].head.Store(7) // of which two have no record yet
		s.loops[0].ceiling.Store(60)
		if e := s.reached(0, "").Loops[0]; e.Base != 5 || e.Ceiling != tc.ceiling {
			t.Errorf("%s: %+v, want a ceiling of %d", name, e, tc.ceiling)
		}
	}
}

// As long as a pipe may carry another list, the checkpoint is the old one, and
// says that more may have been probed.
func TestACheckpointStaysAsItWasUntilAListIsTheSameAgain(t *testing.T) {
	const text = "198.18.0.1\n198.18.0.2\n"
	read := &targets.List{Name: "hosts", From: strings.NewReader(text)}
	io.Copy(io.Discard, read)
	was, _ := read.Extent()
	l := &targets.List{Name: "hosts", From: struct{ io.Reader }{strings.NewReader(text)}} // a pipe
	f := targets.Lists{l}
	old := &Checkpoint{Offset: 100, Results: 1, Lists: []targets.ListExtent{was}, Loops: []LoopExtent{{Base: 1, Head: 1, Ceiling: 5}}}
	check(t, f.Expect(old.Lists))
	s := &Sink{resume: old, lists: f, loops: []*Reach{{}}, written: []*doneSet{setOf(&old.Loops[0])}}
	s.Lead(10)
	s.checkpoint.Results = 2
	s.loops[0].head.Store(2)
	s.written[0].add(1)
	c := s.reached(200, "")
	if e := c.Loops[0]; c.Offset != 100 || c.Results != 1 || e.Base != 1 || e.Ceiling != 12 || c.Lists[0] != old.Lists[0] {
		t.Errorf("before: %+v", c)
	}
	io.Copy(io.Discard, l)
	c = s.reached(200, "")
	if e := c.Loops[0]; c.Offset != 200 || c.Results != 2 || e.Base != 2 || c.Lists[0] != old.Lists[0] {
		t.Errorf("after: %+v", c)
	}
	if old.Loops[0].Ceiling != 5 {
		t.Error("the loops read the old one, and it has changed")
	}
}
