// Rules about weaknesses that an audit names.

package policy

import (
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/internal/audit"
)

type weaknessCheck struct {
	forbid, except []string
	from           string
}

func (c *weaknessCheck) read(r *reader, n *node) {
	r.some(n,
		word{"forbid", func(n *node) { c.forbid = r.choices(n, audit.WeaknessIDs()) }},
		word{"forbid_from", func(n *node) { c.from = r.choice(n, audit.Severities) }},
		word{"except", func(n *node) { c.except = r.choices(n, audit.WeaknessIDs()) }},
	)
	if n.kind == isMap && len(n.keys) == 1 && n.keys[0] == "except" {
		r.fail(n, "it forbids nothing: one of forbid, forbid_from is missing")
	}
}

func (c *weaknessCheck) judge(s *subject) (f findings) {
	least := slices.Index(audit.Severities, c.from)
	for _, w := range s.Weaknesses {
		severe := c.from != "" && slices.Index(audit.Severities, w.Severity) >= least
		if (severe || slices.Contains(c.forbid, w.ID)) && !slices.Contains(c.except, w.ID) {
			f.bad(fmt.Sprintf("%s (%s): %s", w.Name, w.Severity, w.Judged), w.ID)
		}
	}
	f.unsureOf(s.open(allVersions))
	for _, v := range s.Versions {
		if truthOf(v.Offered) == yes && len(v.Suites) == 0 {
			f.unsure("the cipher suites of " + v.Name + " are not known")
		}
	}
	if gap := s.gap(allVersions, "weakness", "cipher suite"); gap != "" {
		f.unsure(gap)
	}
	return f
}
