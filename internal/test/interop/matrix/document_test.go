package matrix

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

const (
	document = "../../../../docs/interop.md"
	begins   = "<!-- Written by: go test ./internal/test/interop/matrix -update -->\n"
	ends     = "<!-- Written until here. -->\n"
	begins13 = "<!-- Of TLS 1.3, written by: go test ./internal/test/interop/matrix -update -->\n"
	ends13   = "<!-- Of TLS 1.3 until here. -->\n"
	// versions begins the line that may differ between machines.
	versions = "Met at: "
)

// compare fails where a part of the document does not say what was found, or
// writes it.
func compare(t *testing.T, begins, ends, found string) {
	t.Helper()
	b, err := os.ReadFile(document)
	must(t, err)
	before, rest, ok1 := strings.Cut(string(b), begins)
	said, after, ok2 := strings.Cut(rest, ends)
	if !ok1 || !ok2 {
		t.Fatalf("%s lacks %q or %q", document, begins, ends)
	}
	if *update {
		must(t, os.WriteFile(document, []byte(before+begins+found+ends+after), 0o644))
		return
	}
	old, now := lines(said), lines(found)
	for i := range max(len(old), len(now)) {
		if i >= len(old) || i >= len(now) || old[i] != now[i] {
			t.Fatalf("%s is not what was found (-update writes it), it says\n%s\nand found was\n%s",
				document, at(old, i), at(now, i))
		}
	}
}

// lines are those of the text that do not depend on the machine.
func lines(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return strings.HasPrefix(l, versions) })
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing more"
}

// text is the document's part.
func (o *outcome) text() string {
	var b strings.Builder
	var total int
	letters := o.letters()
	var table strings.Builder
	fmt.Fprintf(&table, "| suite |%s\n|%s\n", o.row(func(p *peer) string { return p.name }), strings.Repeat(" --- |", len(peers)+1))
	for _, id := range slices.Concat(suite.IDs(), suite.LegacyIDs()) {
		fmt.Fprintf(&table, "| %v |%s\n", id, o.row(func(p *peer) string {
			total += 2 * o.met[p][id]
			return o.entry(p, id, letters)
		}))
	}
	fmt.Fprintf(&b, "%s\n%d handshakes, none of which failed. In each column is how many: two for each certificate, with and without client authentication, "+
		"with and without tickets. The letters say what is missing.\n\n%s\n", o.versionLine(), total, table.String())
	for i, why := range letters {
		fmt.Fprintf(&b, "* %c: %s (%s)\n", 'a'+i, why, strings.Join(o.lacking(why), ", "))
	}
	return b.String()
}

func (o *outcome) versionLine() string {
	var list []string
	for _, p := range peers {
		list = append(list, p.name+" "+o.versions[p])
	}
	return versions + strings.Join(list, ", ") + ".\n"
}

func (o *outcome) row(entry func(*peer) string) (cells string) {
	for _, p := range peers {
		cells += " " + entry(p) + " |"
	}
	return cells
}

// entry says how many handshakes there were, and what is missing.
func (o *outcome) entry(p *peer, id tlsmsg.CipherSuite, letters []string) string {
	var words []string
	if n := o.met[p][id]; n > 0 {
		words = append(words, fmt.Sprint(2*n))
	}
	for i, why := range letters {
		if slices.ContainsFunc(o.missed[p][why], func(c cell) bool { return c.suite.ID == id }) {
			words = append(words, string(rune('a'+i)))
		}
	}
	return strings.Join(words, " ")
}

// letters are the reasons for what is missing, in an order of their own.
func (o *outcome) letters() (reasons []string) {
	for _, p := range peers {
		for why := range o.missed[p] {
			if !slices.Contains(reasons, why) {
				reasons = append(reasons, why)
			}
		}
	}
	slices.Sort(reasons)
	return reasons
}

// lacking are the peers that lack something.
func (o *outcome) lacking(why string) (names []string) {
	for _, p := range peers {
		if len(o.missed[p][why]) > 0 {
			names = append(names, p.name)
		}
	}
	return names
}
