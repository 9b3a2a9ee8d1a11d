// What rules ask of a report. What is not known is told from what is not so.

package policy

import (
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/tlsmsg"
)

// allVersions are those that an audit asks for, oldest first.
var allVersions = []string{"SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"}

const tls13 = "TLS 1.3"

// parseVersion is a version's name as reports spell it.
func parseVersion(s string) (string, error) {
	v, err := tlsmsg.ParseVersion(s)
	if err != nil || !slices.Contains(allVersions, v.String()) {
		return "", noneOf(s, allVersions)
	}
	return v.String(), nil
}

// A truth may be unknown.
type truth int8

const (
	unknown truth = iota
	no
	yes
)

func truthOf(b *bool) truth {
	switch {
	case b == nil:
		return unknown
	case *b:
		return yes
	}
	return no
}

// A subject is a report that is judged.
type subject struct{ *audit.Report }

// version finds what the report says of a version; nil: nothing.
func (s *subject) version(name string) *audit.Version {
	for i := range s.Versions {
		if s.Versions[i].Name == name {
			return &s.Versions[i]
		}
	}
	return nil
}

// offered says whether the server accepts a version.
func (s *subject) offered(name string) truth {
	if v := s.version(name); v != nil {
		return truthOf(v.Offered)
	}
	return unknown
}

// anyOffered says whether the server accepts one of some versions.
func (s *subject) anyOffered(names ...string) truth {
	all := no
	for _, name := range names {
		switch s.offered(name) {
		case yes:
			return yes
		case unknown:
			all = unknown
		}
	}
	return all
}

// legacy are the versions with a handshake of TLS 1.2's kind.
var legacy = []string{"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2"}

// gap finds what was not asked that one of the topics speaks of, "cipher suite"
// say, and returns it in words. A gap without a topic is about all; one that
// names versions, only about these.
func (s *subject) gap(versions []string, topics ...string) string {
	for _, g := range s.NotAsked {
		what := plainWords(g.What)
		about := slices.ContainsFunc(topics, func(t string) bool { return strings.Contains(what, plainWords(t)) })
		if (about || slices.Contains([]string{"", "all", "everything", "the rest", "rest"}, what)) && concerns(what, versions) {
			return "not asked: " + g.What + reason(g.Why)
		}
	}
	return ""
}

// concerns reports whether words name one of the versions, or no version at all.
func concerns(words string, versions []string) bool {
	names := func(v string) bool { return strings.Contains(words, plainWords(v)) }
	return slices.ContainsFunc(versions, names) || !slices.ContainsFunc(allVersions, names)
}

// unsureOf notes which versions the server may or may not accept.
func (f *findings) unsureOf(versions []string) {
	if len(versions) > 0 {
		f.unsure("whether " + strings.Join(versions, ", ") + " " + areOrIs(len(versions)) + " accepted is not known")
	}
}

// open lists the versions of which it is not known whether the server accepts
// them.
func (s *subject) open(versions []string) (list []string) {
	for _, name := range versions {
		if s.offered(name) == unknown {
			list = append(list, name)
		}
	}
	return list
}

// plainWords are words without what joins them in names.
func plainWords(s string) string {
	return strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(s))
}

// uses says whether a suite of a kind is accepted in one of the versions.
func (s *subject) uses(versions []string, is func(suiteName) bool) truth {
	all := no
	for _, name := range versions {
		v := s.version(name)
		switch {
		case v == nil || v.Offered == nil || *v.Offered && len(v.Suites) == 0:
			all = unknown
		case *v.Offered && slices.ContainsFunc(v.Suites, func(c audit.Suite) bool { return is(splitSuite(c.Name)) }):
			return yes
		}
	}
	return all
}
