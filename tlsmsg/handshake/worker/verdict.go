// Verdicts on chains: every fault that was found, with a reason for programs
// and for people.

package worker

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A Reason says in one word what is wrong with a chain. The words are for
// programs too, and do not change.
type Reason string

const (
	Unparseable      Reason = "unparseable"                 // the standard library refuses the certificate
	WrongName        Reason = "wrong_name"                  // the leaf is for other names
	WrongKeyUsage    Reason = "wrong_key_usage"             // keyUsage does not let the key do what it does
	Expired          Reason = "expired"                     // its validity has ended
	NotYetValid      Reason = "not_yet_valid"               // its validity has not begun
	WrongUse         Reason = "wrong_use"                   // extendedKeyUsage: not for a TLS server, or client
	UnknownCritical  Reason = "unknown_critical_extension"  // a critical extension that is not understood
	NotCA            Reason = "not_a_ca"                    // it signs a certificate and may not
	PathTooLong      Reason = "path_too_long"               // pathLenConstraint
	NameNotPermitted Reason = "name_not_permitted"          // nameConstraints
	WeakKey          Reason = "weak_key"                    // too small, or with an exponent that makes no RSA key
	UnusableKey      Reason = "unusable_key"                // of a kind that is not taken here
	WeakSignature    Reason = "weak_signature"              // MD2, MD5 or SHA-1
	UnknownSignature Reason = "unknown_signature_algorithm" // or a key that it cannot be checked with
	BadSignature     Reason = "bad_signature"               // it does not verify
	SelfSigned       Reason = "self_signed"                 // the leaf signs itself and is not a trusted root
	UnknownAuthority Reason = "unknown_authority"           // the chain leads to no trusted root
	Revoked          Reason = "revoked"                     // its CA has revoked it
	Invalid          Reason = "invalid"                     // anything else
)

// Checks are what a verdict is made of: the certificate's form and strength, its
// names, its time, what it may be used for, whether a trusted root signs for it,
// and whether it was revoked.
var Checks = []string{"form", "name", "time", "usage", "trust", "revocation"}

// Check returns which of the checks fails for a reason.
func (r Reason) Check() string {
	switch r {
	case WrongName, NameNotPermitted:
		return "name"
	case Expired, NotYetValid:
		return "time"
	case WrongKeyUsage, WrongUse, UnknownCritical:
		return "usage"
	case NotCA, PathTooLong, BadSignature, SelfSigned, UnknownAuthority, WeakSignature, UnknownSignature:
		return "trust"
	case Revoked:
		return "revocation"
	}
	return "form"
}

// A Fault is one thing that is wrong with a chain.
type Fault struct {
	Reason  Reason
	Text    string // one clause; text from certificates is escaped
	Subject string // of the certificate that it is about; empty: the leaf
	Err     error  // what crypto/x509 said, or nil
}

// Error returns Text.
func (f *Fault) Error() string { return f.Text }

// Unwrap returns what crypto/x509 said.
func (f *Fault) Unwrap() error { return f.Err }

// A Verdict says why a chain does not verify: every fault that was found, each
// of which errors.As finds. Their order is form, name, the leaf's own validity,
// trust from the leaf to the root, revocation.
type Verdict struct {
	Reason Reason // of the first
	Text   string // of all
	Faults []*Fault
}

// Error returns Text.
func (v *Verdict) Error() string { return v.Text }

// Unwrap returns the faults.
func (v *Verdict) Unwrap() []error {
	list := make([]error, len(v.Faults))
	for i, f := range v.Faults {
		list[i] = f
	}
	return list
}

// Reasons lists what is wrong in words for programs, each once.
func (v *Verdict) Reasons() []string {
	var list []string
	for _, f := range v.Faults {
		if !slices.Contains(list, string(f.Reason)) {
			list = append(list, string(f.Reason))
		}
	}
	return list
}

// Each returns a verdict for each fault, one after the other.
func (v *Verdict) Each() []*Verdict {
	list := make([]*Verdict, len(v.Faults))
	for i, f := range v.Faults {
		list[i] = &Verdict{f.Reason, f.Text, []*Fault{f}}
	}
	return list
}

// verdictOf makes one verdict of the faults that were found, or returns nil if
// there are none.
func verdictOf(found []*Fault) *Verdict {
	if len(found) == 0 {
		return nil
	}
	v := &Verdict{Reason: found[0].Reason, Faults: found}
	texts := make([]string, len(found))
	for i, f := range found {
		texts[i] = f.Text
	}
	v.Text = strings.Join(texts, "; ")
	return v
}

func (w *Worker) judge(work handshake.VerifyChainWork) handshake.VerifyChainResult {
	if len(work.Chain) == 0 {
		return handshake.VerifyChainResult{Verdict: verdictOf([]*Fault{{Reason: Invalid, Text: "no certificate"}})}
	}
	now := w.now()
	leaf, err := w.Parsed.parse(work.Chain[0])
	if err != nil {
		return unread(work.Chain[0], err, now)
	}
	var found []*Fault
	note := func(f *Fault) {
		if f != nil {
			found = append(found, f)
		}
	}
	if !work.Client {
		note(wrongName(leaf, work.ServerName))
	}
	note(unusableKey(leaf.Raw, keyOf(leaf)))
	note(wrongKeyUsage(leaf, work))
	note(outOfTime(leaf, now))
	found = append(found, w.trust(leaf, work, now)...)
	result := handshake.VerifyChainResult{PublicKey: keyOf(leaf)}
	if v := verdictOf(found); v != nil {
		result.Verdict, result.Alert = v, v.Reason.alert()
	}
	if result.PublicKey == nil { // whatever else is wrong
		result.Alert = UnusableKey.alert()
	}
	return result
}

// unread judges a leaf that crypto/x509 refuses, by what can be read of it.
func unread(cert []byte, err error, now time.Time) handshake.VerifyChainResult {
	text := "the certificate does not parse: " + plain(err)
	key := digKey(cert)
	if key != nil {
		text += " (its public key can be read all the same)"
	}
	found := []*Fault{{Reason: Unparseable, Text: text, Err: err}}
	if f := unusableKey(cert, key); f != nil {
		found = append(found, f)
	}
	says := der.Describe(cert)
	if f := outside(says.NotBefore.Time, says.NotAfter.Time, now); f != nil {
		found = append(found, f)
	}
	result := handshake.VerifyChainResult{PublicKey: key, Verdict: verdictOf(found)}
	if slices.ContainsFunc(found, func(f *Fault) bool { return f.Reason == UnusableKey }) {
		result.Alert = UnusableKey.alert()
	}
	return result
}

// plain returns what crypto/x509 says, without its name, escaped.
func plain(err error) string { return printable(strings.TrimPrefix(err.Error(), "x509: ")) }

// keyOf returns a certificate's public key, also one of an algorithm that
// crypto/x509 does not know, or nil. A key of a kind that signs nothing here is
// none, whatever crypto/x509 makes of it.
func keyOf(cert *x509.Certificate) any {
	if suite.KnownKey(cert.PublicKey) {
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

// alert returns the alert for a reason (RFC 5246, section 7.2.2).
func (r Reason) alert() tlsmsg.AlertDescription {
	switch r {
	case Expired, NotYetValid:
		return tlsmsg.AlertCertificateExpired
	case SelfSigned, UnknownAuthority, NotCA, PathTooLong:
		return tlsmsg.AlertUnknownCA
	case WrongUse, WrongKeyUsage, UnusableKey:
		return tlsmsg.AlertUnsupportedCertificate
	case UnknownCritical, UnknownSignature, NameNotPermitted:
		return tlsmsg.AlertCertificateUnknown
	case Revoked:
		return tlsmsg.AlertCertificateRevoked
	}
	return tlsmsg.AlertBadCertificate
}

// printable escapes what a terminal might interpret.
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
