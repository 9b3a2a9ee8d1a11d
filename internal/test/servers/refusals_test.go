package servers

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
)

// A refusal is how a handshake fails with a server: the reason's code, words of the error
// and of what it means, and the exit status.
type refusal struct {
	code, says, means string
	status            int
}

// TestServersWithoutTLSAreNamed has each refuse STARTTLS in its own way.
func TestServersWithoutTLSAreNamed(t *testing.T) {
	special := map[string]refusal{
		"nntp": {"starttls_refused", `refuses STARTTLS: "580 `, "cannot begin it now", 6}, // INN offers what it has not
		// InspIRCd says nothing to what it does not know before a client has registered.
		"irc": {"starttls_silent", "the answer of the IRC server to STARTTLS", "may have no STARTTLS", 5},
	}
	each(t, Options{WithoutTLS: true}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		want, ok := special[p.Protocol]
		if !ok {
			want = refusal{"starttls_not_offered", " does not offer ", "TLS is not set up", 6}
		}
		refused(t, l, s, p, want)
	})
}

// TestServersWithoutAKeyAreNamed has them offer TLS that they cannot begin. The others do
// not start, or do not offer it.
func TestServersWithoutAKeyAreNamed(t *testing.T) {
	kinds := map[string]refusal{
		"postfix": {"starttls_refused", `refuses STARTTLS: "454 `, "cannot begin it now", 6},
		"exim":    {"starttls_refused", `refuses STARTTLS: "454 `, "cannot begin it now", 6},
		"inn":     {"starttls_refused", `refuses STARTTLS: "580 `, "cannot begin it now", 6},
		"xrdp":    {"starttls_refused", "SSL_CERT_NOT_ON_SERVER", "cannot begin it now", 6},
		"courier": {"closed_early", "close_notify before the handshake was done", "agreed to begin TLS and did not", 6},
	}
	for _, d := range All {
		want, ok := kinds[d.Name]
		if !ok {
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			visit(t, d, Options{NoKey: true}, func(t *testing.T, l *lab.Lab, s *Running, p Port) { refused(t, l, s, p, want) })
		})
	}
}

// TestADomainThatIsNotTheServersIsNamed is XMPP's own refusal: the stream is for a domain.
func TestADomainThatIsNotTheServersIsNamed(t *testing.T) {
	for _, d := range All {
		if d.Name != "prosody" {
			continue
		}
		visit(t, d, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
			s.Name = "other.lab.test"
			refused(t, l, s, p, refusal{"starttls_refused", "refuses the opening of the stream: host-unknown", "does not serve this domain", 6})
		})
	}
}

// refused has connect and probe tell a refusal alike.
func refused(t *testing.T, l *lab.Lab, s *Running, p Port, want refusal) {
	t.Helper()
	timeout := patience.String()
	if want.code == "starttls_silent" {
		timeout = "2s"
	}
	r, status := connect(t, l, s, p, "--timeout", timeout)
	if status != want.status {
		t.Errorf("exit status %d, want %d", status, want.status)
	}
	check := func(who string, r result) {
		t.Helper()
		if len(r.Reasons) == 0 || r.Reasons[0].Code != want.code || !strings.Contains(r.Error, want.says) || !strings.Contains(r.Reasons[0].Means, want.means) {
			t.Errorf("%s says %+v\nwant %+v", who, r, want)
		}
	}
	check("connect", r)
	check("probe", probe(t, l, s, p, "--timeout", timeout))
}
