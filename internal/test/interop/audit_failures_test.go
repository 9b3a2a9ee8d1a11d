package interop

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// A server that cannot be audited is told of as connect would: what happened, what
// it most likely means, and what to do; over our TCP and over the kernel's.
func TestAnAuditSaysWhyAServerCannotBeAsked(t *testing.T) {
	top := lab.TwoHosts()
	top.Nodes[1].Services = append(top.Nodes[1].Services, service.Service{Kind: service.Banner, Port: 25, Text: "220 mail.lab.test ESMTP\r\n"},
		service.Service{Kind: service.Hangup, Port: 8004})
	l := newLab(t, lab.With(top))
	noHost := map[string][]string{"packet": {"no answer from the next hop: ", "198.18.0.77", "Check that the host"},
		"kernel": {"timed out after 2s, waiting for a SYN-ACK", "(no_answer)"}}
	for _, link := range []string{"packet", "kernel"} {
		for _, x := range []struct {
			name   string
			args   []string
			status int
			says   []string
		}{
			{"refused", []string{"198.18.0.2:444"}, 4, []string{"198.18.0.2:444: connection refused", "(refused)", "Check the port"}},
			{"no host", []string{"198.18.0.77", "--timeout", "2s"}, 5, noHost[link]},
			{"no route", []string{"203.0.113.1"}, 4, []string{"203.0.113.1:443", "unreachable"}},
			{"a banner", []string{"198.18.0.2:25"}, 6, []string{"does not speak TLS", "220 mail.lab.test", "--starttls smtp"}},
			{"HTTP", []string{"198.18.0.2:80"}, 6, []string{"does not speak TLS", "HTTP"}},
			{"mute", []string{"198.18.0.2:8002", "--timeout", "2s"}, 5, []string{"waiting for an answer to our ClientHello", "(stalled)"}},
			{"hangs up", []string{"198.18.0.2:8004"}, 6, []string{"after our ClientHello", "(closed_early)"}},
			{"no greeting", []string{"--starttls", "smtp", "198.18.0.2:443", "--timeout", "2s"}, 5, []string{"the greeting of the SMTP server", "Leave --starttls out"}},
			{"no proxy", []string{"--proxy", "http://198.18.0.2:444", "server.lab.test"}, 4, []string{"connection refused"}},
		} {
			t.Run(link+"/"+x.name, func(t *testing.T) {
				t.Parallel()
				r := rawshake(t, l.Near(), append([]string{"audit", "--json", "--link", link}, x.args...)...)
				r.want(t, x.status).says(t, x.says...)
				var report auditOf
				if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || report.TLS || !strings.Contains(r.stderr, report.Error) || report.Error == "" {
					t.Errorf("%v: the report is %s and the error\n%s", err, r.stdout, r.stderr)
				}
			})
		}
	}
}

// An auditOf is what these tests want of a report.
type auditOf struct {
	Host, Address, Error string
	TLS                  bool
	NotAsked             []struct{ Why string } `json:"not_asked"`
}

// One name that has no address is no reason to leave out what follows, nor the files
// that hold all of them.
func TestAnAuditGoesOnAfterANameWithoutAnAddress(t *testing.T) {
	l := newLab(t, lab.With(lab.TwoHosts()))
	junit := filepath.Join(t.TempDir(), "audit.xml")
	r := named(t, l.Near(), []netip.Addr{l.Far().Addr()}, "audit", "--json", "--junit", junit, "nowhere.test", "name.test").
		want(t, 4).says(t, "nowhere.test:443: the name nowhere.test could not be looked up", "--resolve nowhere.test:ADDR")
	var list []auditOf
	for line := range strings.Lines(r.stdout) {
		var report auditOf
		if err := json.Unmarshal([]byte(line), &report); err != nil {
			t.Fatal(err)
		}
		list = append(list, report)
	}
	if len(list) != 2 || list[0].TLS || list[0].Error == "" || !list[1].TLS {
		t.Errorf("reports %+v", list)
	}
	if b, err := os.ReadFile(junit); err != nil || strings.Count(string(b), "<testsuite ") != 2 {
		t.Errorf("%v:\n%s", err, b)
	}
}

// Of a name's addresses the first that answers is audited, and no other.
func TestAnAuditTriesTheNextAddress(t *testing.T) {
	l := newLab(t, lab.With(lab.TwoHosts()))
	for _, link := range []string{"packet", "kernel"} {
		dead := netip.MustParseAddr("198.18.0.99")
		r := named(t, l.Near(), []netip.Addr{dead, l.Far().Addr()}, "audit", "--json", "--link", link, "name.test").
			want(t, 0).says(t, "198.18.0.99 cannot be reached", "trying 198.18.0.2, the next address of name.test")
		var report auditOf
		if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || !report.TLS || report.Address != "198.18.0.2:443" || strings.Count(r.stderr, "trying") != 1 {
			t.Errorf("%v, %+v\n%s", err, report, r.stderr)
		}
	}
}

// An audit that is interrupted writes what it has, and says what it has not.
func TestAnInterruptedAuditWritesWhatItHas(t *testing.T) {
	l := newLab(t, lab.With(lab.TwoHosts()))
	out := filepath.Join(t.TempDir(), "out.json")
	cmd := l.Near().Command(program, "audit", "-v", "--json", "--rate", "4", "-o", out, "198.18.0.2", "198.18.0.2:8443")
	told, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 64<<10)
	n := 0
	for strings.Count(string(said[:n]), "\n") < 6 {
		m, err := told.Read(said[n:])
		if n += m; err != nil {
			t.Fatalf("%v\n%s", err, said[:n])
		}
	}
	if err := cmd.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	for m, err := 0, error(nil); err == nil; n += m {
		m, err = told.Read(said[n:])
	}
	cmd.Wait()
	if cmd.Status() != 1 || !strings.Contains(string(said[:n]), "interrupted: not asked at all: 1 server") {
		t.Errorf("status %d\n%s", cmd.Status(), said[:n])
	}
	b, err := os.ReadFile(out)
	var report auditOf
	if err != nil || json.Unmarshal(b, &report) != nil || len(report.NotAsked) == 0 {
		t.Errorf("%v: %s", err, b)
	}
}

// A full disk is no wrong usage.
func TestAnAuditSaysThatADiskIsFull(t *testing.T) {
	l := newLab(t, lab.With(lab.TwoHosts()))
	for _, flags := range [][]string{{"-o", "/dev/full"}, {"--json", "-o", "/dev/full"}, {"--html", "/dev/full"}, {"--junit", "/dev/full"}, {"--sarif", "/dev/full"}} {
		r := rawshake(t, l.Near(), append([]string{"audit", "198.18.0.2"}, flags...)...).want(t, 1).says(t, "/dev/full: no space left")
		if strings.Count(r.stderr, "no space left") != 1 || strings.Contains(r.stderr, "--help") {
			t.Errorf("%q:\n%s", flags, r.stderr)
		}
	}
}
