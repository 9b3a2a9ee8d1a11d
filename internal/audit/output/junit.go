// Reports as JUnit XML, which CI systems show: a test for each rule of a policy,
// and for each weakness.

package output

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/audit/policy"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Hostname   string          `xml:"hostname,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitText `xml:"failure,omitempty"`
	Error   *junitText `xml:"error,omitempty"`
	Skipped *junitText `xml:"skipped,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes reports as JUnit XML, a suite for each server: a test for each
// rule of the policy by which they were judged (nil: none), and for each
// weakness that an audit can find.
//
// A rule that must hold fails if it is broken, and is an error if it could not
// be judged, so that the tests pass where the server conforms; what only should
// hold is skipped, with a message. Weaknesses fail from medium on, and are
// skipped below.
func JUnit(w io.Writer, list []*audit.Report, p *policy.Policy) error {
	return junit(w, list, p, classes())
}

// classes are the weaknesses that an audit can find.
func classes() (list []audit.Weakness) {
	for _, id := range audit.WeaknessIDs() {
		name, severity := audit.WeaknessName(id)
		list = append(list, audit.Weakness{ID: id, Name: name, Severity: severity})
	}
	return list
}

func junit(w io.Writer, list []*audit.Report, p *policy.Policy, classes []audit.Weakness) error {
	all := junitSuites{Name: "rawshake audit"}
	seconds := 0.0
	for _, r := range list {
		s := suiteOf(r, p, classes)
		all.Tests, all.Failures = all.Tests+s.Tests, all.Failures+s.Failures
		all.Errors, all.Skipped = all.Errors+s.Errors, all.Skipped+s.Skipped
		all.Suites = append(all.Suites, s)
		seconds += r.DurationMS / 1000
	}
	all.Time = fmt.Sprintf("%.3f", seconds)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func suiteOf(r *audit.Report, p *policy.Policy, classes []audit.Weakness) junitSuite {
	s := junitSuite{Name: plain.Escape(r.Host), Hostname: plain.Escape(r.Host), Time: fmt.Sprintf("%.3f", r.DurationMS/1000)}
	if !r.Time.IsZero() {
		s.Timestamp = r.Time.UTC().Format("2006-01-02T15:04:05")
	}
	s.property("address", r.Address)
	s.property("connections", fmt.Sprint(r.Connections))
	reached := junitCase{Class: "audit", Name: "the server speaks TLS"}
	if !r.TLS {
		reached.Error = text("no TLS", orElse(r.Error, "the server has agreed to nothing"))
	}
	s.add(reached)
	if p != nil && r.Verdict != nil {
		s.property("policy", p.Name)
		for _, rule := range p.Rules {
			s.add(ruleCase(p, rule, r.Verdict))
		}
	}
	for _, c := range allClasses(classes, r.Weaknesses) {
		s.add(weaknessCase(c, r, p != nil && r.Verdict != nil))
	}
	return s
}

func (s *junitSuite) property(name, value string) {
	s.Properties = append(s.Properties, junitProperty{name, plain.Escape(value)})
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	c.Time = "0"
	s.Cases = append(s.Cases, c)
}

// text makes what a test says, harmless: what XML forbids is escaped before it
// would be dropped.
func text(kind string, lines ...string) *junitText {
	for i := range lines {
		lines[i] = plain.Escape(lines[i])
	}
	return &junitText{Message: lines[0], Type: kind, Text: strings.Join(lines, "\n")}
}

func ruleCase(p *policy.Policy, rule policy.Rule, v *audit.Verdict) junitCase {
	c := junitCase{Class: "policy." + plain.Escape(p.Name), Name: plain.Escape(rule.ID + ": " + rule.Title)}
	var said []string
	for _, x := range v.Violations {
		if x.Rule == rule.ID {
			said = append(said, x.What)
			if x.Value != "" && !strings.Contains(x.What, x.Value) {
				said = append(said, "  "+x.Value)
			}
		}
	}
	if len(said) > 0 {
		said = append(said, "by "+rule.Source)
		lines := p.Mend(rule)
		for _, s := range serverNames {
			if line := lines[s.key]; line != "" {
				said = append(said, s.name+": "+line)
			}
		}
		c.Failure = text(rule.Level, said...)
	}
	for _, g := range v.Unjudged {
		if g.What == rule.ID {
			c.Error = text("unjudged", "not judged: "+g.Why, "by "+rule.Source)
		}
	}
	if rule.Level != policy.Must { // a CI job passes where the server conforms
		c.Skipped, c.Failure, c.Error = cmpText(c.Failure, c.Error), nil, nil
	}
	return c
}

func cmpText(list ...*junitText) *junitText {
	for _, t := range list {
		if t != nil {
			return &junitText{Message: t.Message, Text: t.Text}
		}
	}
	return nil
}

// allClasses are the weaknesses that are known, and those beyond them that were
// found, each once.
func allClasses(known, found []audit.Weakness) []audit.Weakness {
	list := slices.Clone(known)
	for _, w := range found {
		if !slices.ContainsFunc(list, func(x audit.Weakness) bool { return x.ID == w.ID }) {
			list = append(list, w)
		}
	}
	return list
}

// weaknessCase fails for what is medium or worse, unless a policy judges what counts.
func weaknessCase(class audit.Weakness, r *audit.Report, judged bool) junitCase {
	c := junitCase{Class: "weakness", Name: plain.Escape(class.ID + ": " + class.Name)}
	var said []string
	severe := false
	for _, w := range r.Weaknesses {
		if w.ID == class.ID {
			said = append(said, w.Severity+": "+w.Judged)
			if w.Source != "" {
				said = append(said, "by "+w.Source)
			}
			severe = severe || !slices.Contains([]string{"info", "low"}, w.Severity)
		}
	}
	switch {
	case len(said) > 0 && severe && !judged:
		c.Failure = text("weakness", said...)
	case len(said) > 0:
		c.Skipped = cmpText(text("", said...))
	case !r.TLS:
		c.Skipped = cmpText(text("", "not known: the server has agreed to nothing"))
	}
	return c
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// moment is a time as SARIF writes it.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
