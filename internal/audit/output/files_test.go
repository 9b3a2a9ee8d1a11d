package output

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/audit/policy"
	"github.com/rawshake/rawshake/internal/test/golden"
	"github.com/rawshake/rawshake/internal/test/reports"
)

// some are weaknesses that an audit may know.
var some = []audit.Weakness{
	{ID: "ssl2", Name: "SSL 2.0 (DROWN)", Severity: "critical"}, {ID: "sweet32", Name: "SWEET32", Severity: "medium"}, {ID: "heartbeat", Name: "Heartbeat", Severity: "low", Source: "RFC 6520"},
}

// allJudged are all reports, judged by a policy.
func allJudged(t *testing.T, name string) (list []*audit.Report, p *policy.Policy) {
	t.Helper()
	for _, r := range []*audit.Report{reports.Good(), reports.Terrible(), reports.Unknown(), reports.Hostile(), {Host: "gone.example.org", Error: "the connection was refused"}} {
		_, p = judgedBy(t, r, name)
		list = append(list, r)
	}
	return list, p
}

// XML has no place for some characters, and no escape for them.
func legalXML(t *testing.T, b []byte) {
	t.Helper()
	if !utf8.Valid(b) {
		t.Error("the XML is no UTF-8")
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); err != nil {
			if err.Error() != "EOF" {
				t.Error(err)
			}
			return
		}
	}
}

// JUnit XML has a test for each rule and each weakness, whose numbers add up, and
// all pass where the server conforms and has no weakness.
func TestJUnit(t *testing.T) {
	for _, name := range policy.List() {
		list, p := allJudged(t, name)
		var b bytes.Buffer
		if err := junit(&b, list, p, some); err != nil {
			t.Fatal(err)
		}
		legalXML(t, b.Bytes())
		if harmful(b.String()) || strings.Contains(b.String(), "<script") {
			t.Errorf("%s: hostile text is in the XML", name)
		}
		var all junitSuites
		if err := xml.Unmarshal(b.Bytes(), &all); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for i, s := range all.Suites {
			sum += s.Tests
			r := list[i]
			failed := 0
			for _, c := range s.Cases {
				if c.Class != "weakness" && (c.Failure != nil || c.Error != nil) {
					failed++
				}
			}
			if s.Tests != len(s.Cases) || s.Tests < 1+len(p.Rules)+len(some) || (failed == 0) != r.Verdict.Conforms {
				t.Errorf("%s: %s: %d tests, %d failed, conforms %v", name, s.Name, s.Tests, failed, r.Verdict.Conforms)
			}
		}
		if sum != all.Tests || len(all.Suites) != len(list) {
			t.Errorf("%d tests in all, %d in suites", all.Tests, sum)
		}
		if name == "rfc9325" {
			golden.Is(t, "junit.xml", b.String())
		}
	}
}

// Without a policy there are tests of weaknesses alone.
func TestJUnitWithoutAPolicy(t *testing.T) {
	var b bytes.Buffer
	if err := junit(&b, []*audit.Report{reports.Good()}, nil, some); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.Count(got, "<testcase") != 1+len(some) || strings.Contains(got, "<failure") {
		t.Error(got)
	}
}

// A SARIF log says what the standard asks of one: its version, rules whose places
// results name, levels and kinds that fit each other, messages, and URIs.
func TestSARIF(t *testing.T) {
	for _, name := range policy.List() {
		list, p := allJudged(t, name)
		var b bytes.Buffer
		if err := sarif(&b, list, p, some, "v1.2.3"); err != nil {
			t.Fatal(err)
		}
		if harmful(b.String()) {
			t.Errorf("%s: hostile text is in the log", name)
		}
		var log sarifLog
		d := json.NewDecoder(&b)
		d.DisallowUnknownFields()
		if err := d.Decode(&log); err != nil {
			t.Fatal(err)
		}
		if log.Version != "2.1.0" || !strings.HasPrefix(log.Schema, "https://") || len(log.Runs) != 1 {
			t.Fatalf("%+v", log)
		}
		run := log.Runs[0]
		rules := run.Tool.Driver.Rules
		if run.Tool.Driver.Name != "rawshake" || len(rules) < len(p.Rules)+len(some) || len(run.Invocations) != len(list) {
			t.Errorf("%s: %d rules, %d invocations", name, len(rules), len(run.Invocations))
		}
		ids := make(map[string]bool)
		for _, r := range rules {
			if ids[r.ID] || r.Short.Text == "" || r.Help.Text == "" || !strings.Contains("error warning note", r.Configuration.Level) {
				t.Errorf("%+v", r)
			}
			ids[r.ID] = true
		}
		want := 0
		for _, r := range list {
			want += len(r.Weaknesses)
			want += len(r.Verdict.Violations) + len(r.Verdict.Unjudged)
		}
		if len(run.Results) != want {
			t.Errorf("%s: %d results of %d", name, len(run.Results), want)
		}
		for _, r := range run.Results {
			if r.RuleIndex >= len(rules) || rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || len(r.Locations) != 1 || (r.Kind == "fail") == (r.Level == "none") {
				t.Errorf("%+v", r)
			}
			if u, err := url.Parse(r.Locations[0].Physical.Artifact.URI); err != nil || u.Scheme != "tls" {
				t.Errorf("%v, %v", u, err)
			}
		}
		if name == "pci" {
			out, _ := json.MarshalIndent(log, "", " ")
			golden.Is(t, "sarif.json", string(out)+"\n")
		}
	}
}

// A run without policy or results is a log all the same, with lists that are
// empty and not null.
func TestAnEmptySARIF(t *testing.T) {
	var b bytes.Buffer
	if err := sarif(&b, nil, nil, nil, ""); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "null") || !strings.Contains(b.String(), `"results": []`) || !strings.Contains(b.String(), `"rules": []`) {
		t.Error(b.String())
	}
}

// What an audit can find has its rule and its test, also where it was not found.
func TestEveryWeaknessHasItsPlace(t *testing.T) {
	var x, log bytes.Buffer
	if err := errors.Join(JUnit(&x, []*audit.Report{reports.Good()}, nil), SARIF(&log, []*audit.Report{reports.Good()}, nil, "v1")); err != nil {
		t.Fatal(err)
	}
	for _, id := range audit.WeaknessIDs() {
		if !strings.Contains(x.String(), `name="`+id+`: `) || !strings.Contains(log.String(), `"weakness/`+id+`"`) {
			t.Errorf("%s is missing", id)
		}
	}
}
