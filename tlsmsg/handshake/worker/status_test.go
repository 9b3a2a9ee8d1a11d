package worker_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// A stapled "revoked" is a verdict where the issuer, or who may speak for it,
// signed it for this certificate and this time, and nothing else is.
func TestOnlyTheIssuersRevocationIsAVerdict(t *testing.T) {
	root := issueKey(t, "root", rsaKey.Public(), nil, rsaKey, ca)
	named := func(c *x509.Certificate) { c.DNSNames, c.SerialNumber = []string{"a.example"}, big.NewInt(77) }
	leaf := issueKey(t, "leaf", key.Public(), root, rsaKey, named)
	stranger := issueKey(t, "root", key.Public(), nil, key, ca)
	delegate := issueKey(t, "responder", key.Public(), root, rsaKey, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning} })
	other := issueKey(t, "responder", key.Public(), root, rsaKey, func(*x509.Certificate) {})
	old := issueKey(t, "responder", key.Public(), root, rsaKey, func(c *x509.Certificate) {
		c.ExtKeyUsage, c.NotAfter = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, now.Add(-time.Minute)
	})
	respond := func(responder *x509.Certificate, by crypto.Signer, edit func(*ocsp.Response)) []byte {
		r := ocsp.Response{Status: ocsp.Revoked, SerialNumber: leaf.SerialNumber, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour),
			RevokedAt: now.Add(-2 * time.Hour), RevocationReason: ocsp.KeyCompromise}
		if responder != root && responder != stranger {
			r.Certificate = responder
		}
		if edit != nil {
			edit(&r)
		}
		der, err := ocsp.CreateResponse(root, responder, r, by)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	w := worker.Worker{Roots: pool, Now: func() time.Time { return now }}
	for _, tc := range []struct {
		name     string
		response []byte
		want     handshake.CertificateStatus
		says     string
	}{
		{"revoked", respond(root, rsaKey, nil), handshake.StatusRevoked, "revoked on 2030-06-01 10:00:00 UTC (keyCompromise)"},
		{"revoked, says a delegate", respond(delegate, key, nil), handshake.StatusRevoked, "revoked on"},
		{"revoked, without an end", respond(root, rsaKey, func(r *ocsp.Response) { r.NextUpdate = time.Time{} }), handshake.StatusRevoked, "revoked on"},
		{"good", respond(root, rsaKey, func(r *ocsp.Response) { r.Status = ocsp.Good }), handshake.StatusGood, "is not revoked"},
		{"unknown", respond(root, rsaKey, func(r *ocsp.Response) { r.Status = ocsp.Unknown }), handshake.StatusUnknown, "does not know"},
		{"another's key", respond(stranger, key, nil), handshake.StatusUnusable, "does not count"},
		{"not a responder", respond(other, key, nil), handshake.StatusUnusable, "may not sign"},
		{"a responder of the past", respond(old, key, nil), handshake.StatusUnusable, "may not sign"},
		{"another certificate", respond(root, rsaKey, func(r *ocsp.Response) { r.SerialNumber = big.NewInt(78) }), handshake.StatusUnusable, "does not count"},
		{"of the past", respond(root, rsaKey, func(r *ocsp.Response) { r.NextUpdate = now.Add(-time.Minute) }), handshake.StatusUnusable, "good until"},
		{"of the future", respond(root, rsaKey, func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = now.Add(time.Hour), now.Add(2*time.Hour) }), handshake.StatusUnusable, "to come"},
		{"try later", ocsp.TryLaterErrorResponse, handshake.StatusUnusable, "try later"},
		{"nothing", nil, handshake.StatusUnusable, "does not count"},
		{"anything", []byte("anything"), handshake.StatusUnusable, "does not count"},
	} {
		for _, before := range []error{nil, &worker.Verdict{Reason: worker.WrongName, Text: "wrong name", Faults: []*worker.Fault{{Reason: worker.WrongName, Text: "wrong name"}}}} {
			for _, chain := range [][][]byte{{leaf.Raw}, {leaf.Raw, root.Raw}} {
				r := w.Do(handshake.VerifyStatusWork{Chain: chain, Response: tc.response, Verdict: before}).(handshake.VerifyStatusResult)
				if r.Status != tc.want || !strings.Contains(r.Text, tc.says) {
					t.Errorf("%s: %s: %s", tc.name, r.Status, r.Text)
				}
				var v *worker.Verdict
				revoked := errors.As(r.Verdict, &v) && v.Faults[len(v.Faults)-1].Reason == worker.Revoked
				if revoked != (tc.want == handshake.StatusRevoked) || !revoked && r.Verdict != before || before != nil && v.Reason != worker.WrongName {
					t.Errorf("%s after %v: %v", tc.name, before, r.Verdict)
				}
			}
		}
	}
	r := new(worker.Worker).Do(handshake.VerifyStatusWork{Chain: [][]byte{stranger.Raw}, Response: respond(root, rsaKey, nil)}).(handshake.VerifyStatusResult)
	if r.Status != handshake.StatusUnusable {
		t.Errorf("a response for a certificate of another issuer: %+v", r)
	}
}
