package output

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/audit/policy"
	"github.com/rawshake/rawshake/internal/test/golden"
	"github.com/rawshake/rawshake/internal/test/reports"
	"github.com/rawshake/rawshake/internal/view"
)

// judgedBy is a report with a policy's verdict.
func judgedBy(t *testing.T, r *audit.Report, name string) (*audit.Report, *policy.Policy) {
	t.Helper()
	p, err := policy.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	v := policy.Judge(p, r)
	r.Verdict = &v
	return r, p
}

func tableOf(t *testing.T, r *audit.Report, o Options) string {
	t.Helper()
	var b strings.Builder
	if err := Table(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The table of each report is as it was read and found right, and fits its
// width.
func TestTables(t *testing.T) {
	for name, r := range reports.All() {
		r, _ := judgedBy(t, r, "rfc9325")
		for _, width := range []int{0, 80} {
			got := tableOf(t, r, Options{Width: width})
			if width == 0 {
				golden.Is(t, name+".txt", got)
				width = view.DefaultWidth
			}
			text, _, _ := strings.Cut(got, "\nLines that mend it\n") // those stay whole
			for line := range strings.Lines(text) {
				if n := view.Columns(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s: %d columns in %d: %q", name, n, width, line)
				}
			}
		}
	}
}

// Without colour there is none, and with it nothing else changes.
func TestColourChangesNothingElse(t *testing.T) {
	r, _ := judgedBy(t, reports.Terrible(), "pci")
	plain, painted := tableOf(t, r, Options{}), tableOf(t, r, Options{Color: true})
	if strings.Contains(plain, "\x1b") || !strings.Contains(painted, "\x1b[31m") {
		t.Error("colours are not as they were asked for")
	}
	for _, c := range []string{"0", "1", "2", "31", "32", "33"} {
		painted = strings.ReplaceAll(painted, "\x1b["+c+"m", "")
	}
	if painted != plain {
		t.Error("colours change the text")
	}
}

// harmful finds what a terminal would obey.
func harmful(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u200b' || r == '\ufffd'
	})
}

// What a server says does nothing to a terminal, and breaks no line.
func TestHostileTextIsHarmlessInATable(t *testing.T) {
	r, _ := judgedBy(t, reports.Hostile(), "old")
	r.Verdict.Title, r.Verdict.Policy = reports.Attack, reports.Attack
	if got := tableOf(t, r, Options{}); harmful(got) || strings.Contains(got, "\nInjected") {
		t.Errorf("%q", got)
	}
}

// A report of nothing has a table too.
func TestAnEmptyReportHasATable(t *testing.T) {
	if got := tableOf(t, &audit.Report{Host: "x", Error: "the connection was refused"}, Options{}); !strings.Contains(got, "the connection was refused") {
		t.Error(got)
	}
}
