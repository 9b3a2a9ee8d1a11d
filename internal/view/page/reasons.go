// Why the connection failed, with links to the steps that show it.

package page

import (
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
)

// A reason is one cause of a failure, in words.
type reason struct {
	What, Why string
	Remedies  []string
	Steps     []evidence
}

// evidence is a step that shows it.
type evidence struct{ Step, Frame int }

// explain says why a connection failed, and makes the page open where it shows.
func (b *builder) explain(r *transcript.Result) {
	for i := range r.Reasons {
		given := r.Reasons[i]
		frames := given.Frames
		given.Frames = nil // the page links to them
		why, remedy := view.Reason(&given)
		shown := reason{What: plain.Escape(given.What), Why: plain.Escape(why)}
		if given.Means == "" {
			shown.Why = ""
		}
		for line := range strings.SplitSeq(remedy, "\n") {
			shown.Remedies = append(shown.Remedies, plain.Escape(line))
		}
		for _, number := range frames {
			if n := b.stepOf(number); n >= 0 {
				shown.Steps = append(shown.Steps, evidence{n, number})
			}
		}
		if n := len(shown.Steps); n > 0 && b.Opens == nothing {
			b.Opens = b.failing(shown.Steps[n-1].Step)
		}
		b.Reasons = append(b.Reasons, shown)
	}
}

// stepOf is the step of a frame, or -1.
func (b *builder) stepOf(frame int) int {
	for _, s := range b.Steps {
		if s.Frame == frame && s.Kind != "note" {
			return s.Number
		}
	}
	return -1
}

// failing is the step of the alert that a frame carries, or else of its last
// message, or of the frame itself.
func (b *builder) failing(first int) int {
	at := first
	for _, s := range b.Steps[first+1:] {
		if s.Kind == "frame" {
			break
		}
		if s.Kind == "message" && s.Frame == b.Steps[first].Frame {
			at = s.Number
			if s.Layer == "alert" {
				break
			}
		}
	}
	return at
}
