package view

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
)

// Text names a reason by the code by which results and records know it, with or
// without frames.
func TestAReasonIsToldWithItsCode(t *testing.T) {
	for _, r := range []transcript.Reason{
		{Code: "stalled", What: "x"},
		{Code: "stalled", What: "x", Means: "y", Sure: transcript.Guess, Frames: []int{3}},
		{Code: "stalled", What: "x", Means: "y", Sure: transcript.Likely, Frames: []int{3, 4}},
	} {
		why, remedy := Reason(&r)
		if !strings.Contains(why, "(stalled") || strings.Contains(why, "frame") != (len(r.Frames) > 0) || remedy == "" {
			t.Errorf("%+v: %q, %q", r, why, remedy)
		}
	}
}
