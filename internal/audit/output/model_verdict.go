// A verdict in words.

package output

import (
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

// A broken is a rule that is not kept.
type broken struct {
	Level, What, Value, Source, State string
}

// A mended is what mends violations in one server's configuration.
type mended struct {
	Server string
	Lines  []string
}

// A judgement is a verdict in words.
type judgement struct {
	Conforms bool
	Sentence string
	Broken   []broken
	Unjudged []row
	Mends    []mended
}

// serverNames are the servers whose lines are known, as they are written.
var serverNames = []struct{ key, name string }{{"nginx", "nginx"}, {"apache", "Apache"}, {"haproxy", "HAProxy"}, {"caddy", "Caddy"}}

// judged says a verdict in words; nil: there is none.
func judged(v *audit.Verdict) *judgement {
	if v == nil {
		return nil
	}
	j := &judgement{Conforms: v.Conforms, Sentence: plain.Escape(Sentence(v))}
	for _, x := range v.Violations {
		state := warn
		if x.Level == "must" {
			state = bad
		}
		j.Broken = append(j.Broken, broken{plain.Escape(x.Level), plain.Escape(x.What), plain.Escape(x.Value), plain.Escape(x.Source), state})
	}
	for _, g := range v.Unjudged {
		j.Unjudged = append(j.Unjudged, row{plain.Escape(g.What), plain.Escape(g.Why), open})
	}
	for _, s := range serverNames {
		m := mended{Server: s.name}
		for _, x := range v.Violations {
			if line := plain.Escape(x.Mend[s.key]); line != "" && !slices.Contains(m.Lines, line) {
				m.Lines = append(m.Lines, line)
			}
		}
		if len(m.Lines) > 0 {
			j.Mends = append(j.Mends, m)
		}
	}
	return j
}

// Sentence says a verdict in one sentence: whether the server conforms, and
// what it breaks or could not be judged by.
func Sentence(v *audit.Verdict) string {
	must, should := 0, 0
	for _, x := range v.Violations {
		if x.Level == "must" {
			must++
		} else {
			should++
		}
	}
	s := "conforms to " + v.Title
	switch {
	case must > 0:
		s = fmt.Sprintf("does not conform to %s: %s", v.Title, plain.Plural(must, "violation"))
	case !v.Conforms:
		s = "cannot be said to conform to " + v.Title
	}
	if should > 0 {
		s += fmt.Sprintf("; %s of what should be", plain.Plural(should, "violation"))
	}
	if n := len(v.Unjudged); n > 0 {
		s += fmt.Sprintf("; %s could not be judged", plain.Plural(n, "rule"))
	}
	return s
}
