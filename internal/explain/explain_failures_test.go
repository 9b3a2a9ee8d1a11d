package explain

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/goal"
)

// failures are what each capture of a failed connection must tell: the outcome,
// the reason's code, what it names, and the way out.
var failures = []struct{ name, outcome, code, names, remedy string }{
	{"client-certificate-required", goal.Alert, "client_certificate_required", "CertificateRequest", "CN=Six CA"},
	{"certificate-expired", goal.Alert, "certificate_expired", "2021-01-01", "Renew"},
	{"certificate-wrong-name", goal.Unverified, "certificate_wrong_name", "not for wrong.test but for good.test", "--servername"},
	{"stall-after-server-hello", goal.Timeout, "stalled", "after the server's ServerHello", "log"},
	{"version-refused", goal.Alert, "version_refused", "at most TLS 1.2", "TLS 1.3"},
	{"name-unknown", goal.Alert, "name_unknown", "nobody.test", "--servername"},
}

func failureRoots(t *testing.T) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(captures, "fail-ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

// Each failure that clients meet is diagnosed from its capture alone: the
// outcome, the reason, the frames that show it, and the remedy; in the view
// and, briefly, in the list.
func TestAFailureIsExplainedFromItsCapture(t *testing.T) {
	roots := failureRoots(t)
	for _, tc := range failures {
		for _, o := range []Options{{Roots: roots}, {}} { // the client's own reaction is evidence, whoever the roots are
			out, r := explained(t, "fail-"+tc.name+".pcap", "ladder", o, false)
			result := r.Transcript.Result()
			if result.OK || result.Outcome != tc.outcome || len(result.Reasons) == 0 {
				t.Errorf("%s: %q with %d reasons, want %q", tc.name, result.Outcome, len(result.Reasons), tc.outcome)
				continue
			}
			reason := result.Reasons[0]
			said := reason.What + " " + reason.Means
			if reason.Code != tc.code || !strings.Contains(said, tc.names) || !strings.Contains(reason.Remedy, tc.remedy) || len(reason.Frames) == 0 {
				t.Errorf("%s: %+v", tc.name, reason)
			}
			if !strings.Contains(out, "why: ") || !strings.Contains(out, "do:  ") {
				t.Errorf("%s: the ladder does not tell why:\n%s", tc.name, out)
			}
			listed := r.Matching[0].Result
			if listed == nil || listed.Outcome != tc.outcome || listed.Reasons[0].Code != tc.code {
				t.Errorf("%s: the list has %+v", tc.name, listed)
			}
		}
	}
}

// Roots other than the client's are not a reason for its failure, and a client
// that accepts a chain shows that nothing is wrong with it.
func TestAChainThatTheClientTookIsNoReason(t *testing.T) {
	for _, file := range []string{"tls12-curl-nginx.pcapng", "tls12-go-client.pcapng", "fail-version-refused.pcap", "fail-client-certificate-required.pcap"} {
		_, r := explained(t, file, "ladder", Options{}, true)
		for _, reason := range r.Transcript.Result().Reasons {
			if strings.HasPrefix(reason.Code, "certificate_") {
				t.Errorf("%s: %+v", file, reason)
			}
		}
	}
}

// The list has the outcome of each connection, however many there are.
func TestTheListSaysWhatCameOfEach(t *testing.T) {
	for _, stream := range []bool{false, true} {
		_, r := explained(t, "many.pcapng", "ladder", Options{}, stream)
		for _, s := range r.Matching {
			if s.Result == nil || !s.Result.OK {
				t.Errorf("stream %v, connection %d: %+v", stream, s.Number, s.Result)
			}
		}
	}
}
