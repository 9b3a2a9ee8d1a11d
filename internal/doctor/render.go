// The findings as text and as JSON.

package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/view"
)

// WriteText shows the findings to a person, one line each: what was found, why
// it matters, and the command that mends it. A ✗ marks what is needed, and a –
// what connect and probe can do without. If columns is not 0, lines are wrapped
// to fit, and a command is on a line of its own, to be copied. It returns the
// first error of writing.
func WriteText(w io.Writer, found []Finding, columns int) error {
	var b strings.Builder
	width := 0
	for _, f := range found {
		width = max(width, len(f.Name))
	}
	for _, f := range found {
		mark := "✓"
		if !f.OK {
			mark = "✗"
		}
		if !f.OK && f.Optional {
			mark = "–"
		}
		head := fmt.Sprintf("%s %-*s  ", mark, width, f.Name)
		text := plain.Escape(f.Detail + " — " + f.Why)
		mend := ""
		if f.Remedy != "" {
			mend = "mend it: " + plain.Escape(f.Remedy)
		}
		indent := utf8.RuneCountInString(head)
		if columns < indent+narrowest {
			b.WriteString(strings.TrimSuffix(head+text+"; "+mend, "; ") + "\n")
			continue
		}
		b.WriteString(head)
		for i, line := range view.Wrap(text, columns-indent) {
			if i > 0 {
				fmt.Fprintf(&b, "%*s", indent, "")
			}
			b.WriteString(line + "\n")
		}
		if mend != "" {
			fmt.Fprintf(&b, "%*s%s\n", indent, "", mend)
		}
	}
	b.WriteString("\n" + Summary(found) + "\n")
	if !LabPossible(found) {
		b.WriteString(withoutLab + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// withoutLab says what works on a machine without namespaces, such as many CI
// containers.
const withoutLab = "Without namespaces, as in many a CI: rawshake explain and rawshake connect --link kernel need none, rawshake lab serve runs the lab's servers on this machine's own network, " +
	"and a container has a network of its own: docker run --cap-add NET_ADMIN --cap-add SYS_ADMIN --security-opt apparmor=unconfined --security-opt seccomp=unconfined."

// narrowest is the smallest width, in columns, to which text is wrapped.
const narrowest = 30

// Summary sums the findings up in one or two sentences.
func Summary(found []Finding) string {
	switch connect, lab := ConnectPossible(found), LabPossible(found); {
	case connect && lab:
		return "rawshake connect and rawshake lab both work here."
	case connect:
		return "rawshake connect works here; rawshake lab does not."
	case lab:
		return "rawshake connect does not work here. rawshake lab does, and needs no privilege: try rawshake lab demo."
	default:
		return "Neither rawshake connect nor rawshake lab works here; see the rows marked ✗."
	}
}

// WriteJSON writes the findings for a program, one object a line. It returns
// the first error of writing.
func WriteJSON(w io.Writer, found []Finding) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, f := range found {
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	return nil
}
