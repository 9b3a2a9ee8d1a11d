package worker

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Reason says in one word why a chain does not verify.
type Reason string

const (
	Unparseable      Reason = "unparseable"       // the standard library refuses the certificate
	Expired          Reason = "expired"           // its time is over
	NotYetValid      Reason = "not_yet_valid"     // its time has not come
	SelfSigned       Reason = "self_signed"       // the leaf signs itself and is no root of ours
	UnknownAuthority Reason = "unknown_authority" // the chain leads to no root of ours
	WrongName        Reason = "wrong_name"        // the leaf is for other names
	WrongUse         Reason = "wrong_use"         // it may not identify a TLS server
	Invalid          Reason = "invalid"           // anything else
)

// A Verdict says why a chain does not verify.
type Verdict struct {
	Reason Reason // the first in the order: form, name, time, trust
	Text   string // sentences about all that is wrong; text from certificates is escaped
	Err    error  // what crypto/x509 said of the first
}

func (v *Verdict) Error() string { return v.Text }

// Unwrap returns what crypto/x509 said.
func (v *Verdict) Unwrap() error { return v.Err }

// namesShown bounds the names of a certificate that a verdict lists.
const namesShown = 8

func (w *Worker) judge(work handshake.VerifyChainWork) handshake.VerifyChainResult {
	if len(work.Chain) == 0 {
		return handshake.VerifyChainResult{Verdict: &Verdict{Reason: Invalid, Text: "no certificate"}}
	}
	leaf, err := w.Parsed.parse(work.Chain[0])
	if err != nil {
		text := fmt.Sprintf("the certificate does not parse: %s", printable(err.Error()))
		key := digKey(work.Chain[0])
		if key != nil {
			text += " (its public key can be read all the same)"
		}
		return handshake.VerifyChainResult{PublicKey: key, Verdict: &Verdict{Unparseable, text, err}}
	}
	var found []*Verdict
	note := func(v *Verdict) {
		if v != nil {
			found = append(found, v)
		}
	}
	if !work.Client {
		note(wrongName(leaf, work.ServerName))
	}
	now := time.Now()
	if w.Now != nil {
		now = w.Now()
	}
	note(wrongKeyUsage(leaf, work))
	note(outOfTime(leaf, now))
	note(w.trust(leaf, work, now))
	result := handshake.VerifyChainResult{PublicKey: keyOf(leaf)}
	if len(found) > 0 {
		result.Verdict, result.Alert = join(found), found[0].Reason.alert()
	}
	return result
}

// keyOf returns a certificate's public key, also one of an algorithm that
// crypto/x509 does not know, or nil.
func keyOf(cert *x509.Certificate) any {
	if cert.PublicKey != nil {
		return cert.PublicKey
	}
	return digKey(cert.Raw)
}

// parse takes no key that is too long to compute with: a chain may hold a
// modulus of half a million bits, and a signature check with that takes minutes.
func parse(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if bits := suite.RSABits(cert.PublicKey); bits > maxRSABits {
		return nil, fmt.Errorf("an RSA key of %d bits, expected at most %d", bits, maxRSABits)
	}
	return cert, nil
}

// alert is what RFC 5246, section 7.2.2, has for a reason.
func (r Reason) alert() tlsmsg.AlertDescription {
	switch r {
	case Expired, NotYetValid:
		return tlsmsg.AlertCertificateExpired
	case SelfSigned, UnknownAuthority:
		return tlsmsg.AlertUnknownCA
	case WrongUse:
		return tlsmsg.AlertUnsupportedCertificate
	}
	return tlsmsg.AlertBadCertificate
}

// join makes one verdict of many.
func join(found []*Verdict) *Verdict {
	if len(found) == 1 {
		return found[0]
	}
	v := *found[0]
	for _, more := range found[1:] {
		v.Text += "; " + more.Text
	}
	v.Err = &several{v.Err, found}
	return &v
}

// wrongName judges the name alone. Without a name nothing can be verified.
func wrongName(leaf *x509.Certificate, name string) *Verdict {
	if name == "" {
		return &Verdict{WrongName, "there is no server name to check the certificate against", nil}
	}
	host := strings.TrimSuffix(name, ".")
	if err := leaf.VerifyHostname(host); err != nil {
		return &Verdict{WrongName, fmt.Sprintf("the certificate is not for %s but for %s", printable(name), names(leaf)), err}
	}
	return nil
}

// wrongKeyUsage judges what the key may be used for, if the certificate says so
// (RFC 5246, sections 7.4.2 and 7.4.6; RFC 5280, section 4.2.1.3).
func wrongKeyUsage(leaf *x509.Certificate, work handshake.VerifyChainWork) *Verdict {
	switch {
	case leaf.KeyUsage == 0:
	case work.Decrypts && leaf.KeyUsage&x509.KeyUsageKeyEncipherment == 0:
		return &Verdict{WrongUse, "the certificate's keyUsage does not have keyEncipherment, which RSA key exchange needs", nil}
	case !work.Decrypts && !work.Resumed && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return &Verdict{WrongUse, "the certificate's keyUsage does not have digitalSignature, which its signature needs", nil}
	}
	return nil
}

// names lists what a leaf is for.
func names(leaf *x509.Certificate) string {
	var list []string
	for _, n := range leaf.DNSNames {
		list = append(list, printable(n))
	}
	for _, ip := range leaf.IPAddresses {
		list = append(list, net.IP(ip).String())
	}
	switch {
	case len(list) == 0 && leaf.Subject.CommonName != "":
		return "no name in subjectAltName (its common name, " + printable(leaf.Subject.CommonName) + ", does not count)"
	case len(list) == 0:
		return "no name at all"
	case len(list) > namesShown:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:namesShown], ", "), len(list)-namesShown)
	}
	return strings.Join(list, ", ")
}

func outOfTime(cert *x509.Certificate, now time.Time) *Verdict {
	expired := x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired}
	switch {
	case now.After(cert.NotAfter):
		return &Verdict{Expired, "the certificate expired on " + when(cert.NotAfter), expired}
	case now.Before(cert.NotBefore):
		return &Verdict{NotYetValid, "the certificate is not valid before " + when(cert.NotBefore), expired}
	}
	return nil
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

// trust is untrusted, unless it is known already.
func (w *Worker) trust(leaf *x509.Certificate, work handshake.VerifyChainWork, now time.Time) *Verdict {
	if w.Verdicts == nil {
		v, _ := w.untrusted(leaf, work, now)
		return v
	}
	key := keyOfChain(work.Chain, w.Roots, work.Client)
	if v, ok := w.Verdicts.find(key, now); ok {
		return v
	}
	v, involved := w.untrusted(leaf, work, now)
	w.Verdicts.keep(key, v, now, nextChange(now, involved))
	return v
}

// untrusted judges the chain to a root, as of a moment at which the leaf is
// in its time, for the leaf's own time was judged already. It returns the
// certificates on whose times the verdict depends, too.
func (w *Worker) untrusted(leaf *x509.Certificate, work handshake.VerifyChainWork, now time.Time) (*Verdict, []*x509.Certificate) {
	at := now
	switch {
	case now.After(leaf.NotAfter):
		at = leaf.NotAfter
	case now.Before(leaf.NotBefore):
		at = leaf.NotBefore
	}
	opts := x509.VerifyOptions{Roots: w.Roots, CurrentTime: at}
	if len(work.Chain) > 1 {
		opts.Intermediates = x509.NewCertPool()
	}
	use := "server"
	if work.Client {
		use, opts.KeyUsages = "client", []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	involved := []*x509.Certificate{leaf}
	var bad error // of the first intermediate that does not parse
	for _, der := range work.Chain[1:] {
		cert, err := w.Parsed.parse(der)
		if err != nil {
			bad = err
			continue
		}
		opts.Intermediates.AddCert(cert)
		involved = append(involved, cert)
	}
	chains, err := leaf.Verify(opts)
	for _, c := range chains {
		involved = append(involved, c[len(c)-1])
	}
	if err == nil {
		return nil, involved
	}
	v := explain(leaf, err, at, use)
	if bad != nil {
		v.Text += "; a certificate of the chain does not parse: " + printable(bad.Error())
	}
	return v, involved
}

func explain(leaf *x509.Certificate, err error, at time.Time, use string) *Verdict {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var roots x509.SystemRootsError
	selfSigned := bytes.Equal(leaf.RawIssuer, leaf.RawSubject) && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && invalid.Cert != leaf:
		v := outOfTime(invalid.Cert, at)
		if v == nil {
			break
		}
		v.Text = strings.Replace(v.Text, "the certificate", "the chain's certificate of "+printable(invalid.Cert.Subject.String()), 1)
		return v
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return &Verdict{WrongUse, "the certificate is not meant for a TLS " + use, err}
	case errors.As(err, &roots):
		return &Verdict{UnknownAuthority, "this system's root certificates cannot be read: name some with --ca", err}
	case errors.As(err, &unknown) && selfSigned:
		return &Verdict{SelfSigned, "the certificate is self-signed and not among the trusted roots", err}
	case errors.As(err, &unknown):
		return &Verdict{UnknownAuthority, "no trusted root signs for its issuer, " + printable(leaf.Issuer.String()), err}
	}
	return &Verdict{Invalid, printable(err.Error()), err}
}

// printable escapes what a terminal might obey.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < ' ' || r == 0x7F || r >= 0x80 && r <= 0x9F || r == 0xFFFD || r >= 0x2028 && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			fmt.Fprintf(&b, "\\x%02x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
