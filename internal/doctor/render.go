package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteText shows the findings to a person: a row each, and under a ✗ why it
// matters and what mends it.
func WriteText(w io.Writer, found []Finding) error {
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
		fmt.Fprintf(&b, "%s %-*s  %s\n", mark, width, f.Name, f.Detail)
		fmt.Fprintf(&b, "  %-*s  for: %s\n", width, "", f.Why)
		if f.Remedy != "" {
			fmt.Fprintf(&b, "  %-*s  mend: %s\n", width, "", f.Remedy)
		}
	}
	b.WriteString("\n" + Summary(found) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary is what the findings come to, in one or two sentences.
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

// WriteJSON writes the findings for a program, one object a line.
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
