// The verdict: each rule of a policy against what an audit found.

package policy

import (
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/audit"
)

// A finding is one thing that a rule forbids and the server does.
type finding struct {
	what  string // in words
	value string
}

// findings are what a check found: what is wrong, and what it could not know.
type findings struct {
	wrong   []finding
	unknown []string
}

func (f *findings) bad(what, value string) { f.wrong = append(f.wrong, finding{what, value}) }

// unsure notes what is not known, once.
func (f *findings) unsure(why string) {
	if !slices.Contains(f.unknown, why) {
		f.unknown = append(f.unknown, why)
	}
}

// Judge holds a report against a policy. A rule that the server breaks is a
// violation; one that needs what the report does not know is unjudged, with the
// rule's ID and what is missing, unless what is known breaks it already. A
// server conforms if it breaks no rule that must hold, and if each of those
// could be judged.
func Judge(p *Policy, r *audit.Report) audit.Verdict {
	v := audit.Verdict{Policy: p.Name, Title: p.Title, Conforms: true, Violations: []audit.Violation{}}
	s := &subject{r}
	for _, rule := range p.Rules {
		f := findings{unknown: []string{nothingAgreed(r)}}
		if r.TLS {
			f = rule.check.judge(s)
		}
		for _, w := range f.wrong {
			v.Violations = append(v.Violations, audit.Violation{Rule: rule.ID, What: w.what, Value: w.value, Level: rule.Level, Source: rule.Source, Mend: p.Mend(rule)})
		}
		if len(f.wrong) == 0 && len(f.unknown) > 0 {
			v.Unjudged = append(v.Unjudged, audit.Gap{What: rule.ID, Why: strings.Join(f.unknown, "; ")})
		}
		if len(f.wrong)+len(f.unknown) > 0 && rule.Level == Must {
			v.Conforms = false
		}
	}
	return v
}

func nothingAgreed(r *audit.Report) string {
	if r.Error != "" {
		return "the server has agreed to nothing: " + r.Error
	}
	return "the server has agreed to nothing"
}
