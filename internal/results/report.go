// A tally as one HTML page: no script, nothing loaded, and every bar opens to
// the targets behind it.

package results

import (
	"crypto/sha256"
	_ "embed" // the looks
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed assets/report.html
var layout string

//go:embed assets/report.css
var style string

var tmpl = template.Must(template.New("report").Parse(layout))

// maxBars bounds the bars of a section on the page.
const maxBars = 40

type reportBar struct {
	Label, Count, Share string
	Width               string // of the bar, as CSS has it
	Targets             string // a line each
	Shown               int
	More                uint64 // targets that are not listed
	Command             string // lists them all
}

type reportSection struct {
	Key, Title string
	Total      string
	Bars       []reportBar
	Hidden     string // values that are not shown, in words
}

// Report writes the page. The title may come from a command line; files are
// those that the commands of the page name.
func (t *Tally) Report(w io.Writer, title string, files []string) error {
	var sections []reportSection
	for _, s := range t.Sections {
		if s.Total > 0 {
			sections = append(sections, s.onPage(files))
		}
	}
	sum := sha256.Sum256([]byte(style))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
	return tmpl.Execute(w, map[string]any{
		"Title": title, "Style": template.CSS(style), "Policy": template.HTMLAttr(`content="` + policy + `"`), "Sections": sections,
		"Targets": thousands(t.Targets), "Reached": share(t.Reached, t.Targets), "First": clock(t.First), "Last": clock(t.Last), "Repeated": t.Repeated,
	})
}

func (s *Section) onPage(files []string) reportSection {
	p := reportSection{Key: s.Key, Title: s.Title, Total: thousands(s.Total)}
	bars, rest := s.Sorted(), s.Other
	values := 0
	if len(bars) > maxBars {
		cut := bars[maxBars:]
		if s.ordered != nil { // the last months count, not the first
			cut, bars = bars[:len(bars)-maxBars], bars[len(bars)-maxBars:]
		} else {
			bars = bars[:maxBars]
		}
		for _, b := range cut {
			values, rest = values+1, rest+b.Count
		}
	}
	if rest > 0 {
		p.Hidden = fmt.Sprintf("%s more %s", thousands(rest), more(values, s.Other))
	}
	var top uint64
	for _, b := range bars {
		top = max(top, b.Count)
	}
	for _, b := range bars {
		r := reportBar{Label: b.Value, Count: thousands(b.Count), Share: share(b.Count, s.Total), Shown: len(b.Examples),
			Width: fmt.Sprintf("%d", max(int(100*b.Count/max(top, 1)), 1)), Targets: strings.Join(b.Examples, "\n"), More: b.Count - min(b.Count, uint64(len(b.Examples)))}
		if r.More > 0 {
			r.Command = "rawshake results list --where " + quoted(s.Key+"="+b.Value) + " " + strings.Join(quotedAll(files), " ")
		}
		p.Bars = append(p.Bars, r)
	}
	return p
}

// quoted makes one word of a shell's of a text.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./:,+@%", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func quotedAll(list []string) (words []string) {
	for _, s := range list {
		words = append(words, quoted(s))
	}
	return words
}

// thousands writes a number in groups of three.
func thousands(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}
