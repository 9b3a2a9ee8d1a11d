// Weaknesses that follow from what a server agrees to. Nothing is attacked to
// find one: each says from what it was judged.

package audit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A rule finds one weakness: judged says from what, or is empty.
type rule struct {
	id, name, severity, source string
	judged                     func(*Report) string
}

// The severities, least first.
var Severities = []string{"info", "low", "medium", "high", "critical"}

// WeaknessIDs are all that can be found.
func WeaknessIDs() (ids []string) {
	for _, r := range rules {
		ids = append(ids, r.id)
	}
	return ids
}

// WeaknessName is the name of one, and its severity.
func WeaknessName(id string) (name, severity string) {
	for _, r := range rules {
		if r.id == id {
			return r.name, r.severity
		}
	}
	return "", ""
}

var rules = []rule{
	{"ssl2", "SSL 2.0 (DROWN, CVE-2016-0800)", "critical", "RFC 6176", spoken("SSL 2.0")},
	{"ssl3", "SSL 3.0 (POODLE, CVE-2014-3566)", "high", "RFC 7568", spoken("SSL 3.0")},
	{"tls10", "TLS 1.0", "medium", "RFC 8996", spoken("TLS 1.0")},
	{"tls11", "TLS 1.1", "medium", "RFC 8996", spoken("TLS 1.1")},
	{"null_cipher", "suites without encryption", "critical", "RFC 9325, section 4.1", suites(func(k suiteKind, _ string) bool { return k.null })},
	{"anonymous", "suites without authentication of the server", "critical", "RFC 9325, section 4.1", suites(func(k suiteKind, _ string) bool { return k.anon })},
	{"freak", "RSA keys for export (FREAK, CVE-2015-0204)", "high", "RFC 9325, section 4.1", suites(func(k suiteKind, _ string) bool { return k.export && !k.dh })},
	{"logjam_export", "Diffie-Hellman for export (Logjam, CVE-2015-4000)", "high", "RFC 9325, section 4.1", suites(func(k suiteKind, _ string) bool { return k.export && k.dh })},
	{"des", "DES, with keys of 56 bits or fewer", "high", "RFC 9325, section 4.1", suites(func(k suiteKind, _ string) bool { return k.des })},
	{"rc4", "RC4 (CVE-2013-2566, CVE-2015-2808)", "high", "RFC 7465", suites(func(k suiteKind, _ string) bool { return k.rc4 })},
	{"sweet32", "ciphers with blocks of 64 bits (SWEET32, CVE-2016-2183)", "medium", "RFC 9325, section 4.1", suites(func(k suiteKind, _ string) bool { return k.block64 && !k.des })},
	{"md5_mac", "suites whose MAC is MD5", "low", "RFC 9325, section 4.1", suites(func(k suiteKind, _ string) bool { return k.md5 })},
	{"beast", "CBC with a predictable IV (BEAST, CVE-2011-3389)", "low", "RFC 5246, appendix F.3", suites(func(k suiteKind, v string) bool { return k.cbc && (v == "TLS 1.0" || v == "SSL 3.0") })},
	{"lucky13", "CBC with the MAC inside of the encryption (Lucky Thirteen, CVE-2013-0169): only as safe as its implementation", "info", "RFC 7366", lucky13},
	{"static_rsa", "RSA key exchange: no forward secrecy, and what ROBOT and Bleichenbacher's attack need (not tried)", "medium", "RFC 10015", suites(func(k suiteKind, _ string) bool { return k.exchange == "RSA" })},
	{"static_dh", "fixed Diffie-Hellman: no forward secrecy", "medium", "RFC 10015", suites(func(k suiteKind, _ string) bool {
		return k.static && !k.psk && (strings.HasPrefix(k.exchange, "DH_") || strings.HasPrefix(k.exchange, "ECDH_"))
	})},
	{"crime", "compression (CRIME, CVE-2012-4929)", "medium", "RFC 9325, section 3.3", yes(func(f *Features) *bool { return f.Compression }, "the server chose DEFLATE")},
	{"insecure_renegotiation", "renegotiation that is not bound to the connection (CVE-2009-3555)", "medium", "RFC 5746", no(func(f *Features) *bool { return f.SecureRenegotiation }, "no renegotiation_info came in answer")},
	{"client_renegotiation", "clients may renegotiate (CVE-2011-1473)", "low", "RFC 9325, section 3.5", yes(func(f *Features) *bool { return f.ClientRenegotiation }, "a ClientHello inside the connection was answered by a ServerHello")},
	{"heartbeat", "heartbeats are on (Heartbleed, CVE-2014-0160, was in one implementation; not tried)", "info", "RFC 6520", yes(func(f *Features) *bool { return f.Heartbeat }, "the server answered the extension")},
	{"no_fallback_scsv", "no protection against a forced fallback to an older version", "low", "RFC 7507", fallback},
	{"no_extended_master_secret", "no extended_master_secret (Triple Handshake)", "low", "RFC 7627", no(func(f *Features) *bool { return f.ExtendedMaster }, "the extension was not answered")},
	{"early_data", "0-RTT data, which can be replayed", "low", "RFC 9846, section 8", earlyData},
	{"weak_dh", "a Diffie-Hellman group of 1024 bits or fewer (Logjam)", "high", "RFC 9325, section 4.5", groups(func(d DH) bool { return d.Bits <= 1024 })},
	{"short_dh", "a Diffie-Hellman group of fewer than 2048 bits", "medium", "RFC 9325, section 4.5", groups(func(d DH) bool { return d.Bits > 1024 && d.Bits < 2048 })},
	{"common_dh", "a Diffie-Hellman group that many servers share, and small enough to be attacked for all of them at once", "medium", "RFC 7919, section 1", groups(func(d DH) bool { return d.Shared && d.Bits <= 1024 })},
	{"dh_not_prime", "a Diffie-Hellman group whose modulus is no prime", "critical", "RFC 7919, section 1", groups(func(d DH) bool { return d.Prime != nil && !*d.Prime })},
	{"dh_generator", "a Diffie-Hellman group whose generator gives the secret away", "critical", "RFC 7919, section 5.1", groups(func(d DH) bool { return d.Odd == uselessGenerator })},
	{"weak_curve", "an elliptic curve of fewer than 224 bits", "medium", "RFC 9325, section 4.5", weakCurve},
	{"key_reuse", "ephemeral keys that are used again (Raccoon, CVE-2020-1968, for DHE)", "low", "RFC 9325, section 4.4", reused},
	{"short_key", "a certificate whose key is too short", "high", "RFC 9325, section 4.2", certificates(shortKey)},
	{"sha1_certificate", "a certificate signed with SHA-1 or MD5", "high", "RFC 9325, section 4.3", signedBadly},
	{"weak_signature", "signatures with SHA-1 or MD5 in the handshake (SLOTH, CVE-2015-7575)", "low", "RFC 9155", schemes},
	{"not_verified", "a certificate that does not verify", "medium", "RFC 9525", certificates(unverified)},
	{"expires_soon", "a certificate that is about to expire", "low", "RFC 5280, section 4.1.2.5", expiring},
	{"long_ticket", "tickets that live longer than a week", "low", "RFC 9846, section 4.7.1", longTicket},
	{"intolerant", "a server that fails at a ClientHello that it must bear", "low", "RFC 9846, section 4.2.2", intolerant},
}

// weaknesses are those that a report shows.
func weaknesses(r *Report) []Weakness {
	list := []Weakness{}
	for _, rule := range rules {
		if judged := rule.judged(r); judged != "" {
			list = append(list, Weakness{ID: rule.id, Name: rule.name, Severity: rule.severity, Judged: judged, Source: rule.source})
		}
	}
	return list
}

func spoken(name string) func(*Report) string {
	return func(r *Report) string {
		for _, v := range r.Versions {
			if v.Name == name && v.Offered != nil && *v.Offered {
				return fmt.Sprintf("the server agreed to %s, with %s among others", name, firstName(v.Suites))
			}
		}
		return ""
	}
}

func firstName(list []Suite) string {
	if len(list) == 0 {
		return "no suite"
	}
	return list[0].Name
}

// maxNamed bounds the names in one sentence.
const maxNamed = 4

// suites finds agreed suites of a kind.
func suites(wrong func(k suiteKind, version string) bool) func(*Report) string {
	return func(r *Report) string {
		var names []string
		for _, v := range r.Versions {
			for _, s := range v.Suites {
				if v.ID != uint16(tlsmsg.VersionSSL20) && wrong(kindOf(tlsmsg.CipherSuite(s.ID)), v.Name) {
					names = append(names, s.Name+" in "+v.Name)
				}
			}
		}
		return listed("the server agreed to", names)
	}
}

func listed(words string, names []string) string {
	switch n := len(names); {
	case n == 0:
		return ""
	case n > maxNamed:
		return fmt.Sprintf("%s %s and %d more", words, strings.Join(names[:maxNamed], ", "), n-maxNamed)
	}
	return words + " " + strings.Join(names, ", ")
}

func yes(of func(*Features) *bool, judged string) func(*Report) string {
	return func(r *Report) string {
		if b := of(&r.Features); b != nil && *b {
			return judged
		}
		return ""
	}
}

func no(of func(*Features) *bool, judged string) func(*Report) string {
	return func(r *Report) string {
		if b := of(&r.Features); b != nil && !*b {
			return judged
		}
		return ""
	}
}

func lucky13(r *Report) string {
	if b := r.Features.EncryptThenMAC; b != nil && *b {
		return ""
	}
	return suites(func(k suiteKind, _ string) bool { return k.cbc })(r)
}

// fallback matters only if there is something worse to fall back to.
func fallback(r *Report) string {
	if b := r.Features.FallbackSCSV; b == nil || *b {
		return ""
	}
	for _, v := range r.Versions {
		if v.Offered != nil && *v.Offered && v.ID < uint16(tlsmsg.VersionTLS12) {
			return "a ClientHello with TLS_FALLBACK_SCSV for a lower version was accepted"
		}
	}
	return ""
}

func earlyData(r *Report) string {
	if n := r.Features.EarlyData; n != nil && *n > 0 {
		return fmt.Sprintf("a ticket allows %d bytes of it", *n)
	}
	return ""
}

func groups(wrong func(DH) bool) func(*Report) string {
	return func(r *Report) string {
		var names []string
		for _, d := range r.DH {
			if wrong(d) {
				name := d.Name
				if name == "" {
					name = "one of its own"
				}
				names = append(names, fmt.Sprintf("a group of %d bits (%s)", d.Bits, name))
			}
		}
		return listed("the server used", names)
	}
}

func reused(r *Report) string {
	if b := r.Features.KeyReuse; b != nil && *b {
		return "the same public key came in several connections"
	}
	return ""
}

func schemes(r *Report) string {
	var names []string
	for _, s := range r.Schemes {
		if strings.Contains(s.Name, "sha1") || strings.Contains(s.Name, "md5") {
			names = append(names, s.Name)
		}
	}
	return listed("the server signed with", names)
}

// weakCurve looks at curves by the size in their names.
func weakCurve(r *Report) string {
	var names []string
	for _, g := range r.Groups {
		digits := strings.TrimPrefix(strings.TrimPrefix(g.Name, "sect"), "secp")
		if bits, err := strconv.Atoi(digits[:min(3, len(digits))]); digits != g.Name && err == nil && bits < 224 {
			names = append(names, g.Name)
		}
	}
	return listed("the server agreed on a key in", names)
}

func longTicket(r *Report) string {
	const week = 7 * 24 * 3600
	for _, t := range []*Tickets{r.Features.Tickets12, r.Features.Tickets13} {
		if t != nil && t.Lifetime > week {
			return fmt.Sprintf("a lifetime of %d s", t.Lifetime)
		}
	}
	return ""
}

func intolerant(r *Report) string {
	var names []string
	for _, t := range r.Tolerance {
		if !t.OK {
			names = append(names, t.How)
		}
	}
	return listed("it failed at", names)
}
