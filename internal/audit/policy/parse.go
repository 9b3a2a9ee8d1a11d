// A file's text to a policy.

package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
)

// servers are those that a line that mends can be for.
var servers = []string{"nginx", "apache", "haproxy", "caddy"}

var levels = []string{Must, Should}

// checks are the words of a rule that say what it looks at.
var checks = []struct {
	name string
	make func() check
}{
	{"versions", func() check { return new(versionCheck) }},
	{"cipher_suites", func() check { return new(suiteCheck) }},
	{"preference", func() check { return new(preferenceCheck) }},
	{"groups", func() check { return new(groupCheck) }},
	{"signature_schemes", func() check { return new(schemeCheck) }},
	{"keys", func() check { return new(keyCheck) }},
	{"dh_primes", func() check { return new(primeCheck) }},
	{"certificates", func() check { return new(certificateCheck) }},
	{"features", func() check { return new(featureCheck) }},
	{"tickets", func() check { return new(ticketCheck) }},
	{"weaknesses", func() check { return new(weaknessCheck) }},
}

// checkNames are the words of checks.
func checkNames() (list []string) {
	for _, c := range checks {
		list = append(list, c.name)
	}
	return list
}

// A check is what a rule looks at.
type check interface {
	read(r *reader, n *node)
	judge(s *subject) findings
}

var (
	idForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,59}$`)
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$`)
)

// Parse reads a policy. A word that it does not know or a value that cannot be
// is an error, which names the file as it is called here, the line, the key
// and what is allowed.
func Parse(file string, text []byte) (*Policy, error) {
	file = plain.Escape(file)
	tree, err := parseTree(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%s", file, plain.EscapeError(err))
	}
	r, p := &reader{file: file}, new(Policy)
	seen := r.words(tree,
		word{"name", func(n *node) { p.Name = r.form(n, nameForm, "letters, digits, dots, hyphens and underscores") }},
		word{"title", func(n *node) { p.Title = r.one(n) }},
		word{"about", func(n *node) { p.About = strings.Join(strings.Fields(r.one(n)), " ") }},
		word{"rules", func(n *node) { p.Rules = r.rules(n) }},
	)
	for _, wanted := range []string{"name", "rules"} {
		if tree.kind == isMap && !slices.Contains(seen, wanted) {
			r.fail(tree, "%s is missing", wanted)
		}
	}
	if p.Title == "" {
		p.Title = p.Name
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// form reads a text of a form.
func (r *reader) form(n *node, form *regexp.Regexp, of string) string {
	s := r.one(n)
	if s != "" && !form.MatchString(s) {
		r.fail(n, "%s is no name of at most 60 %s", quote(s), of)
	}
	return s
}

func (r *reader) rules(n *node) (list []Rule) {
	if !r.is(n, isList) {
		return nil
	}
	if len(n.items) == 0 || len(n.items) > maxRules {
		r.fail(n, "%d rules: at least 1, at most %d", len(n.items), maxRules)
		return nil
	}
	for _, item := range n.items {
		rule := r.rule(item)
		if rule.ID != "" && slices.ContainsFunc(list, func(o Rule) bool { return o.ID == rule.ID }) {
			r.fail(item, "another rule has the id %s", rule.ID)
		}
		list = append(list, rule)
	}
	return list
}

func (r *reader) rule(n *node) (rule Rule) {
	rule.Level = Must
	list := []word{
		{"id", func(n *node) { rule.ID = r.form(n, idForm, "small letters, digits and hyphens") }},
		{"title", func(n *node) { rule.Title = strings.Join(strings.Fields(r.one(n)), " ") }},
		{"level", func(n *node) { rule.Level = r.choice(n, levels) }},
		{"source", func(n *node) { rule.Source = r.one(n) }},
		{"mend", func(n *node) { rule.mend = r.mends(n) }},
	}
	for _, c := range checks {
		list = append(list, word{c.name, func(n *node) {
			if rule.check != nil {
				r.fail(n, "a rule has one check, and this one has %s already: make two rules of it", rule.Check)
				return
			}
			rule.Check, rule.check = c.name, c.make()
			rule.check.read(r, n)
		}})
	}
	seen := r.words(n, list...)
	if n.kind != isMap {
		return rule
	}
	for _, wanted := range []string{"id", "title", "source"} {
		if !slices.Contains(seen, wanted) {
			r.fail(n, "%s is missing", wanted)
		}
	}
	if rule.check == nil {
		r.fail(n, "it checks nothing: one of %s is missing", strings.Join(checkNames(), ", "))
	}
	return rule
}

// mends reads the lines that mend what violates a rule.
func (r *reader) mends(n *node) map[string]string {
	lines := make(map[string]string)
	var list []word
	for _, s := range servers {
		list = append(list, word{s, func(n *node) { lines[s] = r.one(n) }})
	}
	r.words(n, list...)
	return lines
}

// Mend returns the lines of servers' configurations that mend what violates the
// rule, as far as one is known: the policy's own, and those that follow from
// what it asks.
func (p *Policy) Mend(rule Rule) map[string]string {
	lines := p.derived(rule)
	maps.Copy(lines, rule.mend)
	if len(lines) == 0 {
		return nil
	}
	return lines
}
