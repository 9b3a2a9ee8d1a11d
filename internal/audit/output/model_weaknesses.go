// Weaknesses, and what was not asked, in words.

package output

import (
	"fmt"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

func weaknessesOf(r *audit.Report) (s section) {
	s.Key, s.Title = "weaknesses", "Weaknesses"
	for _, w := range r.Weaknesses {
		text := w.Name + ": " + w.Judged
		if w.Source != "" {
			text += " (" + w.Source + ")"
		}
		s.add(w.Severity, text, stateOfSeverity(w.Severity))
	}
	if len(s.Rows) == 0 && r.TLS {
		s.add("none", "of what was asked", neutral)
	}
	return s
}

func stateOfSeverity(severity string) string {
	switch severity {
	case "critical", "high":
		return bad
	case "medium":
		return warn
	}
	return neutral
}

func notAskedOf(r *audit.Report) (s section) {
	s.Key, s.Title = "not-asked", "Not asked, and pauses"
	for _, g := range r.NotAsked {
		s.add(g.What, g.Why, open)
	}
	for _, p := range r.Pauses {
		s.add(fmt.Sprintf("a pause of %.1f s", p.DurationMS/1000), fmt.Sprintf("after %s: %s", plain.Plural(p.After, "connection"), p.Why), neutral)
	}
	return s
}
