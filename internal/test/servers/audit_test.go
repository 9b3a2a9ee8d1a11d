package servers

import (
	"encoding/json"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
)

// An auditReport is of a report what every server here has in common.
type auditReport struct {
	TLS      bool              `json:"tls"`
	NotAsked []json.RawMessage `json:"not_asked"`
	Versions []struct {
		Name   string `json:"name"`
		Suites []struct {
			Name string `json:"name"`
		} `json:"cipher_suites"`
	} `json:"versions"`
	Certificates []struct {
		Verified bool `json:"verified"`
	} `json:"certificates"`
}

// TestAuditStartsTLSWithEachServer asks each everything. Exim takes twenty connections at
// once and turns others away before TLS, which says nothing of what they would have
// offered: none of its suites may be missing for that.
func TestAuditStartsTLSWithEachServer(t *testing.T) {
	each(t, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		args := connectArgs(s, p, "--json")
		args[0] = "audit"
		out, status := say(t, l, "", args...)
		var r auditReport
		if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 {
			t.Fatalf("exit status %d, %v:\n%s", status, err, out)
		}
		r.check(t, out)
	})
}

// TestProbeAuditsEachServerThatStartsTLS does the same in the event loop, one
// connection after the other.
func TestProbeAuditsEachServerThatStartsTLS(t *testing.T) {
	each(t, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		out, _ := say(t, l, "", "probe", "-q", "--audit", "--allow-special", "--timeout", patience.String(), "--starttls", p.Protocol, "--ca", s.CA,
			"--servername", s.Name, s.Address(p).String())
		var r struct {
			Outcome string      `json:"outcome"`
			Audit   auditReport `json:"audit"`
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.Outcome != "audited" {
			t.Fatalf("%v:\n%s", err, out)
		}
		r.Audit.check(t, out)
	})
}

// check holds a report to what every server here does.
func (r *auditReport) check(t *testing.T, out string) {
	t.Helper()
	if !r.TLS || len(r.NotAsked) > 0 || len(r.Certificates) != 1 || !r.Certificates[0].Verified {
		t.Errorf("TLS %v, not asked %s, certificates %+v", r.TLS, r.NotAsked, r.Certificates)
	}
	for version, suite := range map[string]string{"TLS 1.3": "TLS_AES_256_GCM_SHA384", "TLS 1.2": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"} {
		if !r.has(version, suite) {
			t.Errorf("no %s in %s:\n%s", suite, version, out)
		}
	}
}

func (r *auditReport) has(version, suite string) bool {
	for _, v := range r.Versions {
		if v.Name == version {
			for _, s := range v.Suites {
				if s.Name == suite {
					return true
				}
			}
		}
	}
	return false
}
