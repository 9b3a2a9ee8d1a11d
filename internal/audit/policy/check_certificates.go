// Rules about certificates.

package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

// certificateKinds are the keys that a certificate may have.
var certificateKinds = []string{"RSA", "RSASSA-PSS", "ECDSA", "Ed25519", "Ed448", "DSA", "ML-DSA"}

// hashes are those that signatures of certificates are told by.
var hashes = []string{"md2", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"}

const maxDays = 100 * 366

type certificateCheck struct {
	kinds, requireKind, curves []string
	verified                   bool
	maxDays, daysLeft          int
	forbidHash, signatures     []string
}

func (c *certificateCheck) read(r *reader, n *node) {
	signature := func(s string) (string, error) {
		if strings.ContainsAny(s, " ,;") {
			return "", fmt.Errorf("%s is no algorithm such as sha256WithRSAEncryption or ecdsa-with-SHA256", quote(s))
		}
		return s, nil
	}
	r.some(n,
		word{"kinds", func(n *node) { c.kinds = r.choices(n, certificateKinds) }},
		word{"require_kinds", func(n *node) { c.requireKind = r.choices(n, certificateKinds) }},
		word{"curves", func(n *node) { c.curves = r.list(n, parseGroup) }},
		word{"verified", func(n *node) { c.verified = r.onlyTrue(n) }},
		word{"max_days", func(n *node) { c.maxDays = r.number(n, 1, maxDays) }},
		word{"min_days_left", func(n *node) { c.daysLeft = r.number(n, 1, maxDays) }},
		word{"forbid_hashes", func(n *node) { c.forbidHash = r.choices(n, hashes) }},
		word{"signatures", func(n *node) { c.signatures = r.list(n, signature) }},
	)
}

// onlyTrue reads a word that is there or not.
func (r *reader) onlyTrue(n *node) bool {
	if v := r.truth(n); !v && n.text == "false" {
		r.fail(n, "false asks for nothing: leave the word out instead")
	}
	return true
}

// certificatesUnknown says what is not known of the certificates, or nothing.
func (s *subject) certificatesUnknown() string {
	if len(s.Certificates) == 0 {
		return "which certificates the server has is not known"
	}
	return s.gap(allVersions, "certificates", "certificate kind", "certificate by", "server certificate")
}

func (c *certificateCheck) judge(s *subject) (f findings) {
	if why := s.certificatesUnknown(); why != "" {
		f.unsure(why)
	}
	for i := range s.Certificates {
		cert := &s.Certificates[i]
		c.judgeOne(s, cert, &f)
		c.judgeTimes(cert, s.Time, &f)
		c.judgeSignatures(cert, &f)
	}
	for _, kind := range c.requireKind {
		if len(f.unknown) == 0 && !slices.ContainsFunc(s.Certificates, func(x audit.Certificate) bool { return isKind(x.Kind, kind) }) {
			f.bad("the server has no "+kind+" certificate", kind)
		}
	}
	return f
}

// isKind: ML-DSA has several sizes, each a kind of its own in reports.
func isKind(has, want string) bool {
	return has == want || want == "ML-DSA" && strings.HasPrefix(has, "ML-DSA-")
}

// byName reports whether a certificate came with the server's name, or none did:
// the one for clients without a name need not be for it.
func (s *subject) byName(cert *audit.Certificate) bool {
	return cert.Named || !slices.ContainsFunc(s.Certificates, func(c audit.Certificate) bool { return c.Named })
}

func (c *certificateCheck) judgeOne(s *subject, cert *audit.Certificate, f *findings) {
	if len(c.kinds) > 0 && !slices.ContainsFunc(c.kinds, func(k string) bool { return isKind(cert.Kind, k) }) {
		f.bad("the server has a certificate with a key of the kind "+cert.Kind, cert.Kind)
	}
	if len(c.curves) > 0 && strings.HasPrefix(cert.Kind, "EC") {
		curve, err := parseGroup(cert.Curve)
		switch {
		case cert.Curve == "":
			f.unsure("on which curve the key of the " + cert.Kind + " certificate is is not known")
		case err != nil || !slices.Contains(c.curves, curve):
			f.bad("the key of the "+cert.Kind+" certificate is on "+cert.Curve, cert.Curve)
		}
	}
	if c.verified && s.byName(cert) {
		switch truthOf(cert.Verified) {
		case no:
			f.bad("the "+cert.Kind+" certificate does not verify"+reason(cert.Error), cert.SHA256)
		case unknown:
			f.unsure("whether the " + cert.Kind + " certificate verifies is not known" + reason(cert.Error))
		}
	}
}

func reason(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

const day = 24 * time.Hour

func (c *certificateCheck) judgeTimes(cert *audit.Certificate, now time.Time, f *findings) {
	if c.maxDays > 0 {
		switch {
		case cert.From == nil || cert.Until == nil:
			f.unsure("how long the " + cert.Kind + " certificate is valid is not known")
		case cert.Until.Sub(*cert.From) > time.Duration(c.maxDays)*day:
			days := days(cert.Until.Sub(*cert.From))
			f.bad(fmt.Sprintf("the %s certificate is valid for %s, more than %d", cert.Kind, plain.Plural(days, "day"), c.maxDays), fmt.Sprint(days))
		}
	}
	if c.daysLeft > 0 {
		switch {
		case cert.Until == nil || now.IsZero():
			f.unsure("how long the " + cert.Kind + " certificate is valid is not known")
		case cert.Until.Sub(now) < time.Duration(c.daysLeft)*day:
			days := days(cert.Until.Sub(now))
			f.bad(fmt.Sprintf("the %s certificate is valid for %s more, less than %d", cert.Kind, plain.Plural(days, "day"), c.daysLeft), fmt.Sprint(days))
		}
	}
}

// days are the days that have begun, of a time that is not over.
func days(d time.Duration) int { return int(max(d+day-1, 0) / day) }

func (c *certificateCheck) judgeSignatures(cert *audit.Certificate, f *findings) {
	if len(c.signatures) > 0 {
		switch {
		case cert.Signed == "":
			f.unsure("how the " + cert.Kind + " certificate is signed is not known")
		case !slices.ContainsFunc(c.signatures, func(s string) bool { return sameAlgorithm(s, cert.Signed) }):
			f.bad("the "+cert.Kind+" certificate is signed with "+cert.Signed, cert.Signed)
		}
	}
	if len(c.forbidHash) == 0 {
		return
	}
	signed := []audit.ChainEntry{{Subject: cert.Subject, Signed: cert.Signed}}
	if len(cert.Chain) > 0 {
		signed = cert.Chain
	}
	for i, e := range signed {
		hash := hashOf(e.Signed)
		if hash == "" && i == 0 {
			hash = pssHash(cert.Facts)
		}
		switch {
		case e.Self: // nobody verifies its signature
		case hash == "":
			f.unsure("which hash " + e.Subject + " is signed over is not known" + reason(e.Signed))
		case slices.Contains(c.forbidHash, hash):
			f.bad("the certificate "+e.Subject+" is signed with "+e.Signed, e.Signed)
		}
	}
}

// hashOf is the hash of a signature algorithm, by its name.
func hashOf(algorithm string) string {
	s := flat(algorithm)
	if strings.HasPrefix(s, "ed25519") || strings.HasPrefix(s, "ed448") || strings.Contains(s, "mldsa") || strings.Contains(s, "ml-dsa") {
		return "inherent"
	}
	if strings.Contains(s, "sha3") && !strings.Contains(s, "sha384") {
		return "sha3"
	}
	for _, h := range hashes {
		if strings.Contains(s, h) {
			return h
		}
	}
	return ""
}

// pssHash is the hash of a signature of RSASSA-PSS, whose name has none.
func pssHash(facts json.RawMessage) string {
	var says struct {
		PSS struct {
			Hash string `json:"hash"`
		} `json:"signature_pss"`
	}
	if len(facts) == 0 || json.Unmarshal(facts, &says) != nil || says.PSS.Hash == "" {
		return ""
	}
	return hashOf(says.PSS.Hash)
}

func flat(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(s))
}

func sameAlgorithm(a, b string) bool { return flat(a) == flat(b) }
