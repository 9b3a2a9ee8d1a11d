// Reasons and remedies, in sentences and as JSON.

package view

import (
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
)

// Reason puts a reason into sentences for a person. Why says what happened, how
// sure that is, its code in results, and where it shows; remedy says what to
// do. Both may hold text from the network: pass them through Escape before
// showing them.
func Reason(r *transcript.Reason) (why, remedy string) {
	why = r.Means
	switch {
	case why == "":
		why = r.What
	case r.Sure == transcript.Likely:
		why = "most likely " + why
	case r.Sure == transcript.Guess:
		why = "a guess: " + why
	}
	where := r.Code
	if len(r.Frames) > 0 {
		if where != "" {
			where += "; "
		}
		where += framesText(r.Frames)
	}
	if where != "" {
		why += " (" + where + ")"
	}
	if remedy = r.Remedy; remedy == "" {
		remedy = "nothing is known that would help."
	}
	return why, remedy
}

func framesText(frames []int) string {
	if len(frames) == 1 {
		return fmt.Sprintf("frame %d", frames[0])
	}
	list := make([]string, len(frames))
	for i, n := range frames {
		list[i] = fmt.Sprint(n)
	}
	return "frames " + strings.Join(list, ", ")
}

// reasons says why a connection ended as it did. If there are several reasons,
// each also says what happened.
func (v *canvas) reasons(r *transcript.Result) {
	for i := range r.Reasons {
		reason := &r.Reasons[i]
		if len(r.Reasons) > 1 && reason.Means != "" {
			v.paragraph("  ", fmt.Sprintf("%d. ", i+1), reason.What, noColor)
		}
		why, remedy := Reason(reason)
		v.paragraph("  ", "why: ", why, noColor)
		for _, line := range strings.Split(remedy, "\n") {
			v.paragraph("  ", "do:  ", line, noColor)
		}
	}
}

// reasonValues lists reasons. All names are always there.
func reasonValues(list []transcript.Reason) []plain.Object {
	values := make([]plain.Object, len(list))
	for i, r := range list {
		o := &values[i]
		o.Add("code", r.Code)
		o.Add("layer", r.Layer)
		o.Add("what", r.What)
		o.Add("means", known(r.Means != "", r.Means))
		o.Add("sure", r.Sure)
		frames := make([]uint32, len(r.Frames))
		for i, n := range r.Frames {
			frames[i] = uint32(n)
		}
		o.Add("frames", frames)
		o.Add("remedy", known(r.Remedy != "", r.Remedy))
	}
	return values
}
