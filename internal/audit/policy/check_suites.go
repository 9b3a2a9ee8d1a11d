// Rules about cipher suites.

package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
)

type suiteCheck struct {
	versions           []string
	forbid, forbidKind []string
	allow              []string
	require            []string
	requireOne         []string
}

func (c *suiteCheck) read(r *reader, n *node) {
	r.some(n,
		word{"versions", func(n *node) { c.versions = r.list(n, parseVersion) }},
		word{"forbid", func(n *node) { c.forbid = r.list(n, parseSuite) }},
		word{"forbid_kinds", func(n *node) { c.forbidKind = r.choices(n, suiteKindNames()) }},
		word{"allow", func(n *node) { c.allow = r.list(n, parseSuite) }},
		word{"require", func(n *node) { c.require = r.list(n, parseSuite) }},
		word{"require_one", func(n *node) { c.requireOne = r.list(n, parseSuite) }},
	)
}

// refuses reports whether the check lets a suite be accepted in a version.
func (c *suiteCheck) refuses(suite, version string) bool {
	if !slices.Contains(scope(c.versions), version) {
		return false
	}
	return slices.Contains(c.forbid, suite) || len(c.allow) > 0 && !slices.Contains(c.allow, suite) ||
		slices.ContainsFunc(c.forbidKind, func(kind string) bool { return suiteKindOf(kind).is(splitSuite(suite)) })
}

// An accepted suite, and where.
type accepted struct {
	name     string
	versions []string
}

// accepted lists what the server accepts in the versions of the check, and what
// of that is not known.
func (c *suiteCheck) accepted(s *subject, f *findings) (list []accepted) {
	f.unsureOf(s.open(scope(c.versions)))
	for _, name := range scope(c.versions) {
		v := s.version(name)
		if s.offered(name) != yes {
			continue
		}
		if len(v.Suites) == 0 {
			f.unsure("the cipher suites of " + name + " are not known")
		}
		for _, suite := range v.Suites {
			i := slices.IndexFunc(list, func(a accepted) bool { return a.name == suite.Name })
			if i < 0 {
				i, list = len(list), append(list, accepted{name: suite.Name})
			}
			if !slices.Contains(list[i].versions, name) {
				list[i].versions = append(list[i].versions, name)
			}
		}
	}
	if gap := s.gap(scope(c.versions), "cipher suite"); gap != "" {
		f.unsure(gap)
	}
	return list
}

func (c *suiteCheck) judge(s *subject) (f findings) {
	list := c.accepted(s, &f)
	some := func(what string, is func(name string) bool) {
		var found []accepted
		for _, a := range list {
			if is(a.name) {
				found = append(found, a)
			}
		}
		if len(found) > 0 {
			f.bad(fmt.Sprintf("%s %s accepted (%s)", suitesIn(len(found), what), areOrIs(len(found)), versionsOf(found)), namesOf(found))
		}
	}
	if len(c.forbid) > 0 {
		some("that the policy forbids", func(name string) bool { return slices.Contains(c.forbid, name) })
	}
	for _, word := range c.forbidKind {
		c.judgeKind(s, suiteKindOf(word), list, some, &f)
	}
	if len(c.allow) > 0 {
		some("beyond the policy's", func(name string) bool { return !slices.Contains(c.allow, name) })
	}
	c.judgeRequired(s, list, &f)
	return f
}

func (c *suiteCheck) judgeKind(s *subject, kind suiteKind, list []accepted, some func(string, func(string) bool), f *findings) {
	is := func(name string) bool { return kind.is(splitSuite(name)) }
	for _, a := range list {
		if !splitSuite(a.name).known {
			f.unsure("what " + a.name + " is made of is not known")
		}
	}
	if kind.name == cbcWithoutETM && slices.ContainsFunc(list, func(a accepted) bool { return is(a.name) }) {
		switch truthOf(s.Features.EncryptThenMAC) {
		case yes:
			return
		case unknown:
			f.unsure("whether encrypt_then_mac is agreed on is not known")
			return
		}
	}
	some(kind.says, is)
}

// judgeRequired looks for suites that should be there. Where no version of the
// check is accepted, none is missing.
func (c *suiteCheck) judgeRequired(s *subject, list []accepted, f *findings) {
	if s.anyOffered(scope(c.versions)...) != yes || len(list) == 0 {
		return
	}
	has := func(name string) bool {
		return slices.ContainsFunc(list, func(a accepted) bool { return a.name == name })
	}
	missing := func(names []string, what string) {
		if len(f.unknown) == 0 {
			f.bad(what, strings.Join(names, ", "))
		}
	}
	for _, name := range c.require {
		if !has(name) {
			missing([]string{name}, name+" is not accepted")
		}
	}
	if len(c.requireOne) > 0 && !slices.ContainsFunc(c.requireOne, has) {
		missing(c.requireOne, "none of the "+plain.Plural(len(c.requireOne), "cipher suite")+" is accepted of which one is wanted")
	}
}

func suitesIn(n int, what string) string { return plain.Plural(n, "cipher suite") + " " + what }

func areOrIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func namesOf(list []accepted) string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.name
	}
	return strings.Join(names, ", ")
}

// versionsOf are the versions in which some suites are accepted, in order.
func versionsOf(list []accepted) string {
	var in []string
	for _, v := range allVersions {
		if slices.ContainsFunc(list, func(a accepted) bool { return slices.Contains(a.versions, v) }) {
			in = append(in, v)
		}
	}
	return strings.Join(in, ", ")
}
