// What changed, as a list of sentences.

package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

// Kinds of changes.
const (
	Appeared = "appeared" // it is there, and was not
	Gone     = "gone"     // it was there, and is not
	Changed  = "changed"
)

// A Change is one thing that is not as it was. Its texts are harmless to a
// terminal.
type Change struct {
	Area string `json:"area"` // as the report names it: "versions", "cipher_suites", "features", …
	Kind string `json:"kind"`
	Name string `json:"name"` // of what changed, within its area
	Was  string `json:"was,omitempty"`
	Is   string `json:"is,omitempty"`
	Text string `json:"text"` // in a sentence
}

// A differ collects changes.
type differ struct {
	was, is *audit.Report
	list    []Change
}

func (d *differ) add(area, kind, name, was, is, text string) {
	d.list = append(d.list, Change{area, kind, plain.Escape(name), plain.Escape(was), plain.Escape(is), plain.Escape(text)})
}

// changed adds a value that is another now.
func (d *differ) changed(area, name, was, is string) {
	if was != is {
		d.add(area, Changed, name, was, is, fmt.Sprintf("%s: %s is %s, and was %s", spoken(area), name, orNothing(is), orNothing(was)))
	}
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// spoken is a name of the report's in words.
func spoken(s string) string { return strings.NewReplacer("_", " ", ".", " ").Replace(s) }

// Diff lists what changed between two reports of a server, always in the same
// order. Without a change it is empty.
func Diff(was, is *audit.Report) []Change {
	d := &differ{was: was, is: is}
	if was.TLS != is.TLS {
		d.changed("tls", "TLS", yesNo(was.TLS), yesNo(is.TLS))
		return d.list // all else follows
	}
	d.versions()
	d.groups()
	d.schemes()
	d.certificates()
	d.primes()
	d.features()
	d.tolerance()
	d.weaknesses()
	d.tcp()
	d.verdict()
	return d.list
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// names adds what is in one list and not in the other. What was not asked is not
// gone, and what had not been is not new.
func (d *differ) names(area, in string, was, is []string, topic string) {
	for _, s := range is {
		if !slices.Contains(was, s) && !gap(d.was, topic, in) {
			d.add(area, Appeared, s, "", in, fmt.Sprintf("%s: %s is accepted%s, and was not", spoken(area), s, within(in)))
		}
	}
	for _, s := range was {
		if !slices.Contains(is, s) && !gap(d.is, topic, in) {
			d.add(area, Gone, s, in, "", fmt.Sprintf("%s: %s is not accepted%s any more", spoken(area), s, within(in)))
		}
	}
}

func within(in string) string {
	if in == "" {
		return ""
	}
	return " in " + in
}

// versionNames are words that a gap may limit itself by.
var versionNames = []string{"ssl 2.0", "ssl 3.0", "tls 1.0", "tls 1.1", "tls 1.2", "tls 1.3"}

// gap reports whether a report says that a topic was not asked about, in a
// version if one is named.
func gap(r *audit.Report, topic, version string) bool {
	return slices.ContainsFunc(r.NotAsked, func(g audit.Gap) bool {
		what := strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(g.What))
		if !strings.Contains(what, topic) {
			return false
		}
		named := slices.ContainsFunc(versionNames, func(v string) bool { return strings.Contains(what, v) })
		return version == "" || !named || strings.Contains(what, strings.ToLower(version))
	})
}

// sameOrder reports whether the names that both lists have stand in one order.
func sameOrder(was, is []string) bool {
	keep := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(other, s) })
	}
	return slices.Equal(keep(was, is), keep(is, was))
}

// order adds an order that is another now, where the server decides.
func (d *differ) order(area, in string, was, is []string) {
	if !sameOrder(was, is) {
		d.add(area, Changed, in, strings.Join(was, ", "), strings.Join(is, ", "),
			fmt.Sprintf("%s: the server's order%s is %s, and was %s", spoken(area), within(in), strings.Join(is, ", "), strings.Join(was, ", ")))
	}
}
