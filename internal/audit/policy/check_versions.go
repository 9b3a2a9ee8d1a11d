// Rules about versions, and about whose order of cipher suites decides.

package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/audit"
)

type versionCheck struct{ forbid, allow, require, requireOne []string }

func (c *versionCheck) read(r *reader, n *node) {
	r.some(n,
		word{"forbid", func(n *node) { c.forbid = r.list(n, parseVersion) }},
		word{"allow", func(n *node) { c.allow = r.list(n, parseVersion) }},
		word{"require", func(n *node) { c.require = r.list(n, parseVersion) }},
		word{"require_one", func(n *node) { c.requireOne = r.list(n, parseVersion) }},
	)
}

// refuses reports whether the check lets a version be accepted.
func (c *versionCheck) refuses(name string) bool {
	return slices.Contains(c.forbid, name) || len(c.allow) > 0 && !slices.Contains(c.allow, name)
}

func (c *versionCheck) judge(s *subject) (f findings) {
	var asked []string
	for _, name := range allVersions {
		if c.refuses(name) {
			asked = append(asked, name)
			if s.offered(name) == yes {
				f.bad(name+" is accepted", name)
			}
		}
	}
	for _, name := range c.require {
		asked = append(asked, name)
		if s.offered(name) == no {
			f.bad(name+" is not accepted", name)
		}
	}
	f.unsureOf(s.open(asked))
	if len(c.requireOne) > 0 {
		switch s.anyOffered(c.requireOne...) {
		case no:
			f.bad("none of "+strings.Join(c.requireOne, ", ")+" is accepted", strings.Join(c.requireOne, ", "))
		case unknown:
			f.unsure("whether one of " + strings.Join(c.requireOne, ", ") + " is accepted is not known")
		}
	}
	return f
}

type preferenceCheck struct {
	by       string
	versions []string
}

func (c *preferenceCheck) read(r *reader, n *node) {
	seen := r.words(n,
		word{"by", func(n *node) { c.by = r.choice(n, []string{"server", "client"}) }},
		word{"versions", func(n *node) { c.versions = r.list(n, parseVersion) }},
	)
	if n.kind == isMap && !slices.Contains(seen, "by") {
		r.fail(n, "by is missing: server or client")
	}
}

func (c *preferenceCheck) judge(s *subject) (f findings) {
	in := c.versions
	if len(in) == 0 {
		in = allVersions[1:] // in SSL 2.0 the client chooses, always
	}
	f.unsureOf(s.open(in))
	var wrong []string
	for _, name := range in {
		switch v := s.version(name); {
		case s.offered(name) != yes:
		case v.Preference == audit.PreferenceUnknown && len(v.Suites) != 1:
			f.unsure("whose order of cipher suites decides in " + name + " is not known")
		case v.Preference != audit.PreferenceUnknown && string(v.Preference) != c.by:
			wrong = append(wrong, name)
		}
	}
	if len(wrong) > 0 {
		other := map[string]string{"server": "client", "client": "server"}[c.by]
		f.bad(fmt.Sprintf("the %s's order of cipher suites decides in %s, and not the %s's", other, strings.Join(wrong, ", "), c.by), other)
	}
	return f
}

// scope is the versions that a check is about: all, where it names none.
func scope(versions []string) []string {
	if len(versions) == 0 {
		return allVersions
	}
	return versions
}

// some reads a map that has at least one word beside versions, which only says
// where to look.
func (r *reader) some(n *node, list ...word) {
	r.words(n, list...)
	if n.kind != isMap || slices.ContainsFunc(n.keys, func(key string) bool { return key != "versions" }) {
		return
	}
	var names []string
	for _, w := range list {
		if w.name != "versions" {
			names = append(names, w.name)
		}
	}
	r.fail(n, "it asks for nothing: one of %s is missing", strings.Join(names, ", "))
}

func noneOf(s string, allowed []string) error {
	return fmt.Errorf("%s is none of %s", quote(s), strings.Join(allowed, ", "))
}
