package interop

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// By default a scan goes to the certificate and to Finished with hosts of TLS 1.3 alone, and
// in the same way with those that know no more than 1.2; one that offers 1.2 alone does not.
func TestProbeSpeaksTLS13(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *probeHost){
		"openssl": func(t *testing.T, h *probeHost) {
			h.tickets = 2
			peers13[0].start(t, h.l.Far(), h.f, false)
		},
		"gnutls": func(t *testing.T, h *probeHost) { peers13[1].start(t, h.l.Far(), h.f, false) },
		"a retry": func(t *testing.T, h *probeHost) {
			h.retry = map[string]any{"group": "secp384r1"}
			startPeer(t, h.l.Far(), needProgram(t, "openssl"), "s_server", "-tls1_3", "-www", "-groups", "P-384", "-accept", fmt.Sprint(peerPort), "-cert", h.f.cert, "-key", h.f.key)
		},
		"the lab's": func(t *testing.T, h *probeHost) {
			startPeer(t, h.l.Far(), program, "lab", "serve", "tls", "--min-version", "1.3", "--max-version", "1.3", "--listen", fmt.Sprintf(":%d", peerPort))
		},
		"the lab's of 1.2": func(t *testing.T, h *probeHost) {
			h.version = "TLS 1.2"
			startPeer(t, h.l.Far(), program, "lab", "serve", "tls", "--max-version", "1.2", "--listen", fmt.Sprintf(":%d", peerPort))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newProbeHost(t)
			start(t, h)
			for _, until := range []string{"hello", "certificate", "finished"} {
				args := []string{"-q", "--allow-special", "--until", until, "--ca", h.f.ca, h.at()}
				p := runProbe(t, h.l, "", args...)
				for _, r := range p.records(t) {
					if r["outcome"] != until || r["version"] != h.version {
						t.Errorf("until %s: %v\n%s", until, r, p.err)
					}
					if h.retry != nil && fmt.Sprint(r["hello_retry_request"]) != fmt.Sprint(h.retry) {
						t.Errorf("until %s: %v, want a HelloRetryRequest for %v", until, r, h.retry)
					}
					if h.tickets > 0 && until == "finished" && strings.Count(fmt.Sprint(r["tickets"]), "lifetime_hint_s:7200") != h.tickets {
						t.Errorf("%v, want %d tickets for two hours", r, h.tickets)
					}
				}
			}
			p := runProbe(t, h.l, "", "-q", "--allow-special", "--max-version", "1.2", h.at())
			for _, r := range p.records(t) {
				if old := h.version == "TLS 1.2"; (r["outcome"] == "certificate") != old || r["key_shares"] != nil || r["version"] == "TLS 1.3" {
					t.Errorf("offered TLS 1.2 alone: %v", r)
				}
			}
		})
	}
}

// probeHost is a lab whose far host is one target.
type probeHost struct {
	l       *lab.Lab
	f       files
	version string // that it is to choose
	retry   any    // what it asks for; nil: whatever
	tickets int    // that it gives; 0: whatever
}

func newProbeHost(t *testing.T) *probeHost {
	l := newLab(t)
	return &probeHost{l: l, f: newFiles(t, l.Far(), pki.ECDSAP256, ""), version: "TLS 1.3"}
}

func (h *probeHost) at() string { return hostPort(h.l.Far(), peerPort) }
