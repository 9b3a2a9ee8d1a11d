package compare

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/test/golden"
	"github.com/rawshake/rawshake/internal/test/reports"
)

func ptr[T any](v T) *T { return &v }

func texts(list []Change) string {
	var b strings.Builder
	for _, c := range list {
		b.WriteString(c.Text + "\n")
	}
	return b.String()
}

// A server that got much worse: each change in a sentence.
func TestDiff(t *testing.T) {
	golden.Is(t, "worse.txt", texts(Diff(reports.Good(), reports.Terrible())))
}

// What depends on the moment, or on the client, is no change; nor is what one of
// the reports does not know.
func TestWhatIsNoChange(t *testing.T) {
	for name, r := range reports.All() {
		if list := Diff(r, reports.All()[name]); len(list) > 0 {
			t.Errorf("%s differs from itself: %s", name, texts(list))
		}
		var again audit.Report
		b, _ := json.Marshal(r)
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatal(err)
		}
		if list := Diff(&again, r); name != "hostile" && len(list) > 0 {
			t.Errorf("%s differs from what was written of it: %s", name, texts(list))
		}
	}
	for what, change := range map[string]func(r *audit.Report){
		"time, duration, connections": func(r *audit.Report) {
			r.Time, r.DurationMS, r.Connections, r.TCP.RTTMS = r.Time.Add(time.Hour), 1, 2, 99
		},
		"an order that the client decides":  func(r *audit.Report) { slices.Reverse(r.Versions[0].Suites) },
		"the order in which ALPN was found": func(r *audit.Report) { slices.Reverse(r.Features.ALPN) },
		"a feature that is not known":       func(r *audit.Report) { r.Features.Compression, r.Features.ALPN = nil, nil },
		"a version that is not known":       func(r *audit.Report) { r.Versions[1].Offered, r.Versions[1].Suites = nil, nil },
		"lists that are not known":          func(r *audit.Report) { r.Groups, r.Schemes, r.Certificates = nil, nil, nil },
		"suites that were not asked": func(r *audit.Report) {
			r.Versions[1].Suites = r.Versions[1].Suites[:1]
			r.NotAsked = []audit.Gap{{What: "cipher suites of TLS 1.2", Why: "the budget was spent"}}
		},
	} {
		r := reports.Good()
		change(r)
		if list := Diff(reports.Good(), r); len(list) > 0 {
			t.Errorf("%s: %s", what, texts(list))
		}
		if list := Diff(r, reports.Good()); len(list) > 0 {
			t.Errorf("%s, the other way: %s", what, texts(list))
		}
	}
}

// One change is one sentence.
func TestOneChangeIsOneSentence(t *testing.T) {
	for want, change := range map[string]func(r *audit.Report){
		"versions: TLS 1.2 is not accepted any more": func(r *audit.Report) { r.Versions[1].Offered, r.Versions[1].Suites = ptr(false), nil },
		"cipher suites: TLS_AES_128_GCM_SHA256 is not accepted in TLS 1.3 any more": func(r *audit.Report) {
			r.Versions[0].Suites = r.Versions[0].Suites[:2]
		},
		"preference: TLS 1.3 is the server's, and was the client's": func(r *audit.Report) { r.Versions[0].Preference = audit.PreferenceServer },
		"groups: the server's order in TLS 1.3 is secp384r1, secp256r1, x25519, X25519MLKEM768, and was X25519MLKEM768, x25519, secp256r1, secp384r1": func(r *audit.Report) {
			slices.Reverse(r.Groups)
		},
		"features: tickets tls12 lifetime s is 300, and was 7200": func(r *audit.Report) { r.Features.Tickets12.Lifetime = 300 },
		"features: compression is yes, and was no":                func(r *audit.Report) { r.Features.Compression = ptr(true) },
		"certificates: the one of the kind ECDSA is another, valid until 2027-02-09, and was until 2027-02-08": func(r *audit.Report) {
			c := &r.Certificates[0]
			c.SHA256, c.Until = strings.Repeat("d4", 32), ptr(c.Until.Add(24*time.Hour))
		},
		"certificates: the verification of ECDSA is bad: it is not for this name, and was good": func(r *audit.Report) {
			r.Certificates[0].Verified, r.Certificates[0].Error = ptr(false), "it is not for this name"
		},
		"weaknesses: SWEET32 (medium), which it did not have: 3DES is accepted": func(r *audit.Report) {
			r.Weaknesses = []audit.Weakness{{ID: "sweet32", Name: "SWEET32", Severity: "medium", Judged: "3DES is accepted"}}
		},
		"tolerance: grease is not borne, and was borne": func(r *audit.Report) { r.Tolerance[0].OK = false },
		"tls: TLS is no, and was yes":                   func(r *audit.Report) { *r = audit.Report{Host: r.Host, Error: "refused"} },
	} {
		r := reports.Good()
		change(r)
		list := Diff(reports.Good(), r)
		if len(list) != 1 || list[0].Text != want {
			t.Errorf("%d changes, want %s:\n%s", len(list), want, texts(list))
		}
	}
}

// What a server says is harmless in sentences and in JSON.
func TestHostileTextIsHarmless(t *testing.T) {
	r := reports.Hostile()
	for i := range r.Versions {
		r.Versions[i].Name = reports.Terrible().Versions[i].Name
	}
	r.Certificates[0].Kind = "RSA"
	list := Diff(reports.Terrible(), r)
	b, err := json.Marshal(list)
	if err != nil || len(list) < 5 {
		t.Fatal(len(list), err)
	}
	if text := texts(list) + string(b); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == '\u202e' || r == '\u200b' }) || bytes.Contains(b, []byte("<script")) {
		t.Errorf("%q", text)
	}
}
