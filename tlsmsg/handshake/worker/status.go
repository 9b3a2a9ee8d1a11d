// Stapled OCSP responses, and what they say about a chain.

package worker

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// maxClockSkew is how far a CA's clock may be ahead of ours.
const maxClockSkew = 5 * time.Minute

// status reads a stapled OCSP response. It counts if the leaf's issuer or a
// responder authorized by it signed it, and if it is current (RFC 6960, section
// 3.2). Only "revoked" changes the verdict.
func (w *Worker) status(work handshake.VerifyStatusWork) handshake.VerifyStatusResult {
	result := handshake.VerifyStatusResult{Status: handshake.StatusUnusable, Verdict: work.Verdict}
	response, err := w.readStatus(work)
	if err != nil {
		result.Text = "the stapled OCSP response does not count: " + plain(err)
		return result
	}
	result.Text = "of " + when(response.ThisUpdate)
	switch response.Status {
	case ocsp.Good:
		result.Status = handshake.StatusGood
		result.Text = "the stapled OCSP response " + result.Text + " says that the certificate is not revoked"
	case ocsp.Revoked:
		result.Status = handshake.StatusRevoked
		result.Text = fmt.Sprintf("the certificate was revoked on %s (%s), as its CA says in the stapled OCSP response %s",
			when(response.RevokedAt), revocationReason(response.RevocationReason), result.Text)
		result.Verdict = verdictOf(append(faultsOf(work.Verdict), &Fault{Reason: Revoked, Text: result.Text}))
	default:
		result.Status = handshake.StatusUnknown
		result.Text = "the stapled OCSP response " + result.Text + " says that the CA does not know the certificate"
	}
	return result
}

func faultsOf(verdict error) []*Fault {
	var v *Verdict
	switch {
	case verdict == nil:
		return nil
	case errors.As(verdict, &v):
		return slices.Clone(v.Faults)
	}
	return []*Fault{{Reason: Invalid, Text: verdict.Error(), Err: verdict}}
}

// readStatus returns a response that counts.
func (w *Worker) readStatus(work handshake.VerifyStatusWork) (*ocsp.Response, error) {
	leaf, err := w.Parsed.parse(work.Chain[0])
	if err != nil {
		return nil, errors.New("the certificate does not parse")
	}
	now := w.now()
	issuer := w.issuerOf(leaf, work.Chain, now)
	if issuer == nil {
		return nil, errors.New("the certificate's issuer is not known")
	}
	response, err := ocsp.ParseResponseForCert(work.Response, leaf, issuer)
	var refused ocsp.ResponseError
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("the CA's responder answered %v", refused.Status)
	case err != nil:
		return nil, err
	}
	if by := response.Certificate; by != nil && !bytes.Equal(by.Raw, issuer.Raw) {
		if !slices.Contains(by.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || now.Before(by.NotBefore) || now.After(by.NotAfter) {
			return nil, errors.New("its signer may not sign it (RFC 6960, section 4.2.2.2)")
		}
	}
	switch {
	case response.ThisUpdate.After(now.Add(maxClockSkew)):
		return nil, errors.New("it is of " + when(response.ThisUpdate) + ", which is to come")
	case !response.NextUpdate.IsZero() && now.After(response.NextUpdate):
		return nil, errors.New("it was good until " + when(response.NextUpdate))
	}
	return response, nil
}

// issuerOf finds the certificate whose key signed the leaf: one that was sent,
// or a trusted root.
func (w *Worker) issuerOf(leaf *x509.Certificate, sent [][]byte, now time.Time) *x509.Certificate {
	c := &chain{leaf: leaf, roots: w.Roots, now: now}
	for _, der := range sent[1:] {
		if cert, err := w.Parsed.parse(der); err == nil {
			c.sent = append(c.sent, cert)
		}
	}
	for _, p := range c.candidates(leaf, nil) {
		if signs(p, leaf) {
			return p
		}
	}
	if path, err := c.relaxed(); err == nil && len(path) > 1 {
		return path[1]
	}
	return nil
}

// revocationReasons are CRLReason's names (RFC 5280, section 5.3.1).
var revocationReasons = map[int]string{
	ocsp.Unspecified: "no reason given", ocsp.KeyCompromise: "keyCompromise", ocsp.CACompromise: "cACompromise",
	ocsp.AffiliationChanged: "affiliationChanged", ocsp.Superseded: "superseded",
	ocsp.CessationOfOperation: "cessationOfOperation", ocsp.CertificateHold: "certificateHold",
	ocsp.RemoveFromCRL: "removeFromCRL", ocsp.PrivilegeWithdrawn: "privilegeWithdrawn", ocsp.AACompromise: "aACompromise",
}

func revocationReason(n int) string {
	if name, ok := revocationReasons[n]; ok {
		return name
	}
	return fmt.Sprintf("reason %d", n)
}
