package interop

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/rawshake/rawshake/internal/audit"
)

// reportsOf are the audits of probe's results, by address.
func reportsOf(t *testing.T, p *probed) map[string]*audit.Report {
	t.Helper()
	reports := make(map[string]*audit.Report)
	for _, r := range p.records(t) {
		raw, err := json.Marshal(r["audit"])
		if err != nil {
			t.Fatal(err)
		}
		report := new(audit.Report)
		if err := json.Unmarshal(raw, report); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		if r["outcome"] != "audited" {
			t.Errorf("%v: %v, %v", r["addr"], r["outcome"], r["error"])
		}
		reports[fmt.Sprint(r["addr"])] = report
	}
	return reports
}

// Many hosts are audited side by side, none by more connections than its budget, and
// what is found of each is the same.
func TestProbeAuditsManyHosts(t *testing.T) {
	l := newWide(t)
	const block, hosts = "198.18.4.0/22", 1024
	p := runProbe(t, l, "", "--audit", "--rate", "0", "--timeout", "1m", "--max-connections", "100", "-p", "443", block)
	reports := reportsOf(t, p)
	if len(reports) != hosts || p.status != 0 {
		t.Fatalf("%d reports, status %d: %s", len(reports), p.status, p.err)
	}
	var first *audit.Report
	for addr, r := range reports {
		if r.Connections > 100 || len(r.NotAsked) > 0 {
			t.Errorf("%s: %d connections, not asked: %v", addr, r.Connections, r.NotAsked)
		}
		if first == nil {
			first = r
		}
		if got, want := agreed(r), agreed(first); got != want {
			t.Errorf("%s: %s\nanother: %s", addr, got, want)
		}
	}
	t.Logf("%d hosts, %d connections each; %s", hosts, first.Connections, p.err)
}

// agreed is what a server agrees to, in short.
func agreed(r *audit.Report) (s string) {
	for _, v := range r.Versions {
		s += v.Name + " " + strconv.Itoa(len(v.Suites)) + " " + string(v.Preference) + "; "
	}
	return s + fmt.Sprint(len(r.Groups), len(r.Schemes), len(r.Certificates), len(r.Weaknesses))
}

// A budget is kept to, and what it left out is said.
func TestAnAuditKeepsToItsBudget(t *testing.T) {
	l := newWide(t)
	const budget = 12
	for addr, r := range reportsOf(t, runProbe(t, l, "", "--audit", "--rate", "0", "--timeout", "1m", "--max-connections", strconv.Itoa(budget), "-p", "443", "198.18.4.0/28")) {
		if r.Connections > budget || len(r.NotAsked) == 0 {
			t.Errorf("%s: %d connections, not asked: %v", addr, r.Connections, r.NotAsked)
		}
	}
}
