package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/test/golden"
	"github.com/rawshake/rawshake/internal/test/reports"
)

// told is a verdict as text, for the golden files.
func told(v audit.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: conforms %v\n", v.Policy, v.Conforms)
	for _, x := range v.Violations {
		fmt.Fprintf(&b, "%s %s: %s [%s] (%s) %d lines\n", x.Level, x.Rule, x.What, x.Value, x.Source, len(x.Mend))
	}
	for _, x := range v.Unjudged {
		fmt.Fprintf(&b, "unjudged %s: %s\n", x.What, x.Why)
	}
	return b.String()
}

// Each policy's verdict on each report is as it was read and found right.
func TestVerdicts(t *testing.T) {
	for _, report := range []string{"good", "terrible", "unknown"} {
		var b strings.Builder
		for _, name := range List() {
			p, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(told(Judge(p, reports.All()[report])) + "\n")
		}
		golden.Is(t, report+".txt", b.String())
	}
}

// What a report does not know is unjudged by every rule, and conforms to no
// policy; only TLS 1.0's absence from a report of nothing is not "absent".
func TestWhatIsUnknownConformsToNothing(t *testing.T) {
	for _, r := range []*audit.Report{reports.Unknown(), {}, {TLS: true}, {Error: "refused"}} {
		for _, name := range List() {
			p, _ := Load(name)
			v := Judge(p, r)
			if v.Conforms || len(v.Violations) > 0 || len(v.Unjudged) != len(p.Rules) {
				t.Errorf("%s: conforms %v, %d violations, %d of %d unjudged", name, v.Conforms, len(v.Violations), len(v.Unjudged), len(p.Rules))
			}
		}
	}
}

// Hostile texts change nothing but texts: no rule panics over them, and none is
// kept by a server whose suites have no name that is known.
func TestHostileReportsDoNotConform(t *testing.T) {
	for _, name := range List() {
		p, _ := Load(name)
		if v := Judge(p, reports.Hostile()); v.Conforms {
			t.Errorf("%s: conforms", name)
		}
	}
}

// only judges a report by one rule.
func only(t *testing.T, check string, r *audit.Report) audit.Verdict {
	t.Helper()
	p, err := Parse("x.yaml", []byte("name: x\nrules:\n"+rule+check+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return Judge(p, r)
}

func ptr[T any](v T) *T { return &v }

// Each check tells what is so, what is not, and what is not known.
func TestEachCheckHasThreeAnswers(t *testing.T) {
	good, bad, open := reports.Good(), reports.Terrible(), reports.Unknown()
	for check, want := range map[string]string{
		"versions: {forbid: [TLS 1.0]}":                                                              "ok wrong open",
		"versions: {allow: [1.2, 1.3]}":                                                              "ok wrong open",
		"versions: {require: [TLS 1.3]}":                                                             "ok wrong open",
		"versions: {require_one: [TLS 1.1, TLS 1.2]}":                                                "ok ok open",
		"cipher_suites: {forbid: [RC4-MD5]}":                                                         "ok wrong open",
		"cipher_suites: {forbid: [SSL_CK_RC4_128_WITH_MD5]}":                                         "ok wrong open",
		"cipher_suites: {forbid_kinds: [no_aead]}":                                                   "ok wrong open",
		"cipher_suites: {forbid_kinds: [cbc_without_encrypt_then_mac]}":                              "ok wrong open",
		"cipher_suites: {versions: [TLS 1.3], forbid_kinds: [rc4]}":                                  "ok ok open",
		"cipher_suites: {versions: [TLS 1.2], require: [0xC02B]}":                                    "ok wrong open",
		"cipher_suites: {versions: [TLS 1.2], require_one: [0xC013, ECDHE-ECDSA-AES128-GCM-SHA256]}": "ok ok open",
		"preference: {by: client}":                                                                   "ok wrong open",
		"preference: {by: server}":                                                                   "wrong ok open",
		"groups: {forbid_kinds: [binary]}":                                                           "ok wrong open",
		"groups: {allow: [x25519, P-256, P-384, X25519MLKEM768]}":                                    "ok wrong open",
		"groups: {require_kinds: [hybrid]}":                                                          "ok wrong open",
		"groups: {versions: [TLS 1.2], forbid_kinds: [hybrid]}":                                      "ok ok open",
		"signature_schemes: {forbid_kinds: [sha1, md5]}":                                             "ok wrong open",
		"signature_schemes: {allow: [ecdsa_secp256r1_sha256]}":                                       "ok wrong open",
		"keys: {rsa: 2048}":                                                                          "ok wrong open",
		"keys: {ec: 384}":                                                                            "wrong ok open",
		"keys: {dh: 2048}":                                                                           "ok wrong open",
		"dh_primes: {forbid: [composite]}":                                                           "ok wrong open",
		"dh_primes: {forbid: [shared]}":                                                              "ok wrong open",
		"certificates: {kinds: [ECDSA]}":                                                             "ok wrong open",
		"certificates: {require_kinds: [ECDSA]}":                                                     "ok wrong open",
		"certificates: {verified: true}":                                                             "ok wrong open",
		"certificates: {max_days: 90}":                                                               "ok wrong open",
		"certificates: {min_days_left: 14}":                                                          "ok wrong open",
		"certificates: {forbid_hashes: [md5]}":                                                       "ok wrong open",
		"certificates: {signatures: [ecdsa-with-sha384]}":                                            "ok wrong open",
		"certificates: {curves: [P-256]}":                                                            "ok ok open",
		"features: {compression: false}":                                                             "ok wrong open",
		"features: {ocsp_stapling: true, heartbeat: true}":                                           "wrong wrong open",
		"features: {early_data: false}":                                                              "ok ok open",
		"features: {fallback_scsv: true}":                                                            "ok wrong open",
		"features: {alpn: true}":                                                                     "ok wrong open",
		"features: {encrypt_then_mac: true}":                                                         "ok wrong open", // a server without CBC needs none
		"tickets: {max_lifetime: 86400}":                                                             "ok wrong open",
		"tickets: {none: true}":                                                                      "wrong wrong open",
		"tickets: {versions: [TLS 1.3], once: true}":                                                 "ok ok open",
		"weaknesses: {forbid_from: medium}":                                                          "ok wrong open",
		"weaknesses: {forbid: [sweet32]}":                                                            "ok wrong open",
		"weaknesses: {forbid_from: critical, except: [ssl2]}":                                        "ok ok open",
	} {
		var got []string
		for _, r := range []*audit.Report{good, bad, open} {
			switch v := only(t, check, r); {
			case len(v.Violations) > 0 && !v.Conforms && len(v.Unjudged) == 0:
				got = append(got, "wrong")
			case len(v.Unjudged) == 1 && !v.Conforms:
				got = append(got, "open")
			case v.Conforms:
				got = append(got, "ok")
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", check, strings.Join(got, " "), want)
		}
	}
}

// A rule that should hold, and does not, is told and takes nothing away.
func TestARuleThatShouldHoldIsNoReasonNotToConform(t *testing.T) {
	v := only(t, "level: should, versions: {forbid: [TLS 1.2]}", reports.Good())
	if !v.Conforms || len(v.Violations) != 1 || v.Violations[0].Level != Should {
		t.Errorf("%+v", v)
	}
}

// A server of TLS 1.3 alone is not asked for what TLS 1.3 does not have.
func TestWhatTLS13DoesNotHaveIsNotMissed(t *testing.T) {
	r := reports.Good()
	r.Versions = slices.DeleteFunc(r.Versions, func(v audit.Version) bool { return v.Name == "TLS 1.2" })
	r.Versions = append(r.Versions, audit.Version{Name: "TLS 1.2", ID: 0x0303, Offered: ptr(false)})
	f := &r.Features
	f.Compression, f.SecureRenegotiation, f.ClientRenegotiation, f.ExtendedMaster, f.EncryptThenMAC, f.FallbackSCSV, f.ResumesID, f.Downgrade, f.Tickets12 = nil, nil, nil, nil, nil, nil, nil, nil, nil
	for _, name := range List() {
		p, _ := Load(name)
		if v := Judge(p, r); name != "old" && (!v.Conforms || len(v.Unjudged) > 0) {
			t.Errorf("%s", told(v))
		}
	}
}

// A gap about suites leaves rules about suites open, unless what was found breaks
// them already.
func TestAGapLeavesItsRulesOpen(t *testing.T) {
	r := reports.Good()
	r.NotAsked = []audit.Gap{{What: "cipher_suites of TLS 1.2", Why: "the budget was spent"}}
	if v := only(t, "cipher_suites: {forbid_kinds: [rc4]}", r); v.Conforms || len(v.Unjudged) != 1 || v.Unjudged[0].What != "a" || !strings.Contains(v.Unjudged[0].Why, "the budget was spent") {
		t.Errorf("%+v", v)
	}
	if v := only(t, "cipher_suites: {forbid: [0x1302]}", r); len(v.Violations) != 1 || len(v.Unjudged) != 0 {
		t.Errorf("%+v", v)
	}
	if v := only(t, "keys: {ec: 224}", r); !v.Conforms {
		t.Errorf("%+v", v)
	}
}

// A signature of RSASSA-PSS has its hash among its parameters.
func TestTheHashOfPSSIsFound(t *testing.T) {
	r := reports.Good()
	c := &r.Certificates[0]
	c.Chain = nil
	for facts, want := range map[string]int{`{"signature_pss":{"hash":"sha256"}}`: 0, `{"signature_pss":{"hash":"sha1"}}`: 1, `{}`: 2} {
		c.Signed, c.Facts = "rsassaPss", []byte(facts)
		if v := only(t, "certificates: {forbid_hashes: [sha1]}", r); len(v.Violations)+2*len(v.Unjudged) != want {
			t.Errorf("%s: %+v", facts, v)
		}
	}
}

// The lines that mend keep the policy's own rules.
func TestTheLinesThatMendConform(t *testing.T) {
	for _, name := range List() {
		p, _ := Load(name)
		for _, r := range p.Rules {
			for server, line := range p.Mend(r) {
				if !slices.Contains(servers, server) || line == "" || strings.Contains(line, "\n") {
					t.Errorf("%s, %s: %s: %q", name, r.ID, server, line)
				}
			}
			if slices.Contains([]string{"versions", "cipher_suites", "groups"}, r.Check) && len(p.Mend(r)) < 3 {
				t.Errorf("%s, %s has %d lines that mend", name, r.ID, len(p.Mend(r)))
			}
		}
	}
	p, err := Parse("x.yaml", []byte("name: x\nrules:\n"+rule+"cipher_suites: {forbid: [ECDHE-RSA-AES128-GCM-SHA256], forbid_kinds: [discouraged]}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if line := p.Mend(p.Rules[0])["nginx"]; line != "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;" {
		t.Error(line)
	}
}

// Time is said in days that have begun.
func TestDays(t *testing.T) {
	for d, want := range map[time.Duration]int{-time.Hour: 0, 0: 0, time.Hour: 1, 24 * time.Hour: 1, 25 * time.Hour: 2} {
		if got := days(d); got != want {
			t.Errorf("%v: %d, want %d", d, got, want)
		}
	}
}

// The certificate for clients without a server's name need not be for the name.
func TestTheCertificateWithoutANameNeedNotVerify(t *testing.T) {
	r := reports.Good()
	other := r.Certificates[0]
	other.Named, other.Verified, other.Error = false, ptr(false), "it is for another name"
	r.Certificates = append(r.Certificates, other)
	if v := only(t, "certificates: {verified: true}", r); !v.Conforms {
		t.Errorf("%+v", v)
	}
	r.Certificates = r.Certificates[1:]
	if v := only(t, "certificates: {verified: true}", r); v.Conforms {
		t.Error("a server with one certificate that does not verify conforms")
	}
}
