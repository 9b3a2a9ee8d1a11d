package der_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/test/oddcert"
	"github.com/rawshake/rawshake/tlsmsg/der"
)

// Each odd certificate is named for what is odd in it, and is broken down to
// its last byte.
func TestWhatIsOddInACertificateIsNamed(t *testing.T) {
	kinds := oddcert.Kinds()
	if len(kinds) < 52 {
		t.Errorf("only %d kinds", len(kinds))
	}
	for _, k := range kinds {
		says := der.Describe(k.DER)
		if k.Anomaly != "" && !slices.Contains(says.Anomalies, der.Found{Anomaly: k.Anomaly, Part: k.Part}) {
			t.Errorf("%s: %q, want %s of %q", k.Name, says.Anomalies, k.Anomaly, k.Part)
		}
		if k.Name == "plain" && len(says.Anomalies) > 0 {
			t.Errorf("plain: %q", says.Anomalies)
		}
		next := 0
		for leaf := range der.Certificate(k.DER).Leaves() {
			if leaf.Offset != next {
				t.Errorf("%s: %s begins at byte %d, want %d", k.Name, leaf.Name, leaf.Offset, next)
			}
			next += leaf.Length
		}
		if next != len(k.DER) {
			t.Errorf("%s: the leaves end at byte %d of %d", k.Name, next, len(k.DER))
		}
	}
}

// Every anomaly is made by one of the kinds, or is a rule of its own here.
func TestEveryAnomalyIsMade(t *testing.T) {
	made := make(map[der.Anomaly]bool)
	for _, k := range oddcert.Kinds() {
		for _, f := range der.Describe(k.DER).Anomalies {
			made[f.Anomaly] = true
		}
	}
	for _, a := range der.Anomalies() {
		if !made[a] {
			t.Errorf("no kind of certificate is %s", a)
		}
		if a.Text() == "" || a.Source() == "" {
			t.Errorf("%s has no text or no source", a)
		}
	}
}

// openssl asks OpenSSL about a certificate.
func openssl(t *testing.T, cert []byte, args ...string) (string, bool) {
	t.Helper()
	cmd := exec.Command("openssl", append([]string{"x509", "-inform", "DER", "-noout"}, args...)...)
	cmd.Stdin = bytes.NewReader(cert)
	out, err := cmd.Output()
	return string(out), err == nil
}

// What OpenSSL reads of a certificate is what is read here.
func TestOddCertificatesAreReadAsByOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	read := 0
	for _, k := range oddcert.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			text, ok := openssl(t, k.DER, "-text")
			if !ok {
				t.Skip("OpenSSL does not read it")
			}
			read++
			says := der.Describe(k.DER)
			compareKey(t, text, says)
			parts, _ := openssl(t, k.DER, "-subject", "-issuer", "-serial", "-dates", "-ext", "subjectAltName",
				"-nameopt", "oid,utf8,sep_multiline,space_eq,lname", "-dateopt", "iso_8601")
			names, rest, _ := strings.Cut(parts, "serial=")
			compareNames(t, names, says)
			compareNumbers(t, "serial="+rest, says)
			_, names, _ = strings.Cut(rest, "X509v3")
			compareAlternatives(t, names, says)
		})
	}
	if read < 52 {
		t.Errorf("OpenSSL reads only %d", read)
	}
}

func compareNames(t *testing.T, out string, says *der.Description) {
	t.Helper()
	subject, issuer, _ := strings.Cut(out, "issuer=")
	for what, name := range map[string]der.DistinguishedName{subject: says.Subject, issuer: says.Issuer} {
		out := strings.TrimPrefix(what, "subject=")
		var want []string
		for _, set := range name {
			for _, a := range set {
				want = append(want, a.Value)
			}
		}
		got := 0
		for _, value := range want {
			if strings.Contains(out, " = "+value) || strings.ContainsRune(value, 0xfffd) {
				got++
			}
		}
		if got != len(want) || strings.Count(out, " = ") != len(want) {
			t.Errorf("a name of %q, OpenSSL: %q", want, out)
		}
	}
}

func compareNumbers(t *testing.T, out string, says *der.Description) {
	t.Helper()
	field := func(name string) string {
		for line := range strings.Lines(out) {
			if rest, ok := strings.CutPrefix(line, name+"="); ok {
				return strings.TrimSpace(rest)
			}
		}
		return ""
	}
	serial := strings.ToLower(field("serial"))
	sign, digits := "", serial
	if rest, ok := strings.CutPrefix(serial, "-"); ok {
		sign, digits = "-", rest
	}
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		digits = "0"
	}
	if says.Serial != sign+digits {
		t.Errorf("serial %s, OpenSSL: %s", says.Serial, serial)
	}
	for name, m := range map[string]der.Moment{"notBefore": says.NotBefore, "notAfter": says.NotAfter} {
		at, err := time.Parse("2006-01-02 15:04:05Z", field(name))
		if err == nil && !m.Equal(at) || err != nil && !m.IsZero() && !strings.Contains(field(name), "Bad time") {
			t.Errorf("%s: %v (%q), OpenSSL: %q", name, m.Time, m.Text, field(name))
		}
	}
}

var (
	keySize     = regexp.MustCompile(`Public-Key: \((\d+) bit`)
	keyExponent = regexp.MustCompile(`Exponent: (\d+)`)
	keyCurve    = regexp.MustCompile(`ASN1 OID: (\S+)`)
)

// openSSLCurves are its other names.
var openSSLCurves = map[string]string{"prime256v1": "secp256r1", "SM2": "sm2p256v1"}

func compareKey(t *testing.T, text string, says *der.Description) {
	t.Helper()
	if m := keySize.FindStringSubmatch(text); m != nil && m[1] != fmt.Sprint(says.Key.Bits) {
		t.Errorf("a key of %d bits, OpenSSL: %s", says.Key.Bits, m[1])
	}
	if m := keyExponent.FindStringSubmatch(text); m != nil && (says.Key.Exponent == nil || m[1] != says.Key.Exponent.String()) {
		t.Errorf("exponent %v, OpenSSL: %s", says.Key.Exponent, m[1])
	}
	if m := keyCurve.FindStringSubmatch(text); m != nil && says.Key.Curve != m[1] && says.Key.Curve != openSSLCurves[m[1]] {
		t.Errorf("curve %s, OpenSSL: %s", says.Key.Curve, m[1])
	}
	if says.Key.Kind == "" || len(says.Key.Raw) == 0 {
		t.Error("no key is read")
	}
}

func compareAlternatives(t *testing.T, out string, says *der.Description) {
	t.Helper()
	if strings.Contains(out, "<") || slices.ContainsFunc(says.Names("dNSName"), func(n string) bool { return strings.Contains(n, "\x00") }) {
		return // it does not open it, or has no text for it
	}
	if got, want := strings.Count(out, "DNS:"), len(says.Names("dNSName")); got != want {
		t.Errorf("%d names, OpenSSL: %d", want, got)
	}
	for _, n := range says.Names("dNSName") {
		if !strings.Contains(out, "DNS:"+n) && !strings.Contains(n, "ä") {
			t.Errorf("name %q, OpenSSL: %q", n, out)
		}
	}
	if got, want := strings.Count(out, "IP Address:"), len(says.Names("iPAddress")); got != want {
		t.Errorf("%d addresses, OpenSSL: %d", want, got)
	}
}
