// The view of keys: how they were derived, with the values.

package view

import (
	"io"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/keyschedule"
)

// Keys shows, once the connection is over, how keys, nonces and verify_data
// follow from the pre-master secret, with the values. It is a [View].
type Keys struct {
	canvas
	own transcript.Transcript // used if no whole transcript is given
}

// NewKeys returns a view of keys that writes to w.
func NewKeys(w io.Writer, o Options) *Keys { return &Keys{canvas: newCanvas(w, o)} }

// Entry keeps what is needed, and draws at the end.
func (v *Keys) Entry(e *transcript.Entry) {
	if v.options.Transcript == nil && (e.Message != nil || e.Record != nil) && len(v.own.Entries) < maxPending {
		v.own.Entries = append(v.own.Entries, e)
	}
	if e.Type != transcript.TypeResult {
		return
	}
	v.fit()
	t := &v.own
	if v.options.Transcript != nil {
		t = v.options.Transcript()
	}
	steps, err := keyschedule.Steps(t)
	if err != nil {
		v.paragraph("", "", "the keys cannot be shown: "+err.Error(), yellow)
	}
	for i := range steps {
		v.step(&steps[i])
	}
	v.result(e.Result, "")
}

func (v *Keys) step(s *keyschedule.Step) {
	v.paragraph("", "", s.Title, bold)
	v.paragraph("  ", "", s.Text+" ("+s.Source+")", dim)
	if s.Formula != "" {
		v.paragraph("  ", "= ", s.Formula, cyan)
	}
	for _, value := range s.Values {
		name := value.Name
		if value.Note != "" {
			name += " (" + value.Note + ")"
		}
		v.paragraph("  ", "", name, noColor)
		v.paragraph("    ", "", value.Hex, green)
	}
	v.print("\n")
}
