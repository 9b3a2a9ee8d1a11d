package view

import (
	"strings"
	"testing"
)

// Where all is wanted, as in a file, no view cuts what it says, however narrow.
func TestWhatIsWrittenToAFileIsNotCut(t *testing.T) {
	for _, view := range []string{"ladder", "fields", "hex", "keys"} {
		for name, play := range scripts {
			wide := strings.Join(strings.Fields(draw(t, view, play, Options{Width: 10000})), "")
			for _, width := range []int{40, 100} {
				out := draw(t, view, play, Options{Width: width, Whole: true})
				if view == "fields" && strings.Count(out, "…") > strings.Count(wide, "…") || view != "fields" && view != "ladder" && strings.Contains(out, "…") {
					t.Errorf("%s of %s at %d columns is cut:\n%s", view, name, width, out)
				}
			}
			cut, whole := draw(t, view, play, Options{Width: 100}), draw(t, view, play, Options{Width: 100, Whole: true})
			if strings.Count(whole, "…") > strings.Count(cut, "…") {
				t.Errorf("%s of %s: more is cut where nothing should be", view, name)
			}
		}
	}
}
