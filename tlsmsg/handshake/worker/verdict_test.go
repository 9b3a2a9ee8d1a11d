package worker_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

var (
	now = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	key = func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return k
	}()
)

// issue makes a certificate; a nil parent signs itself.
func issue(t *testing.T, name string, parent *x509.Certificate, edit func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), BasicConstraintsValid: true}
	if edit != nil {
		edit(c)
	}
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

func ca(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }

func TestVerdictsSayWhatIsWrong(t *testing.T) {
	root := issue(t, "root", nil, ca)
	between := issue(t, "between", root, ca)
	old := issue(t, "old between", root, func(c *x509.Certificate) { ca(c); c.NotAfter = now.Add(-time.Minute) })
	stranger := issue(t, "a \x1b[31m stranger", nil, ca)
	named := func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = []string{"a.example", "*.b.example"}, []net.IP{net.IPv4(198, 18, 0, 1)}
	}
	good := issue(t, "leaf", root, named)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	with := func(parent *x509.Certificate, edit func(*x509.Certificate)) *x509.Certificate {
		return issue(t, "leaf", parent, func(c *x509.Certificate) { named(c); edit(c) })
	}
	for _, tc := range []struct {
		name, server string
		chain        []*x509.Certificate
		reason       worker.Reason // "": it verifies
		want         []string
	}{
		{"good", "a.example", []*x509.Certificate{good}, "", nil},
		{"good, dot at the end", "a.example.", []*x509.Certificate{good}, "", nil},
		{"good, wildcard", "x.b.example", []*x509.Certificate{good}, "", nil},
		{"good, address", "198.18.0.1", []*x509.Certificate{good}, "", nil},
		{"good, over an intermediate", "a.example", []*x509.Certificate{with(between, func(*x509.Certificate) {}), between}, "", nil},
		{"wrong name", "c.example", []*x509.Certificate{good}, worker.WrongName,
			[]string{"not for c.example but for a.example, *.b.example, 198.18.0.1"}},
		{"no name asked for", "", []*x509.Certificate{good}, worker.WrongName, []string{"no server name"}},
		{"no name in it", "a.example", []*x509.Certificate{issue(t, "a.example", root, nil)}, worker.WrongName,
			[]string{"common name, a.example, does not count"}},
		{"expired", "a.example", []*x509.Certificate{with(root, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) })},
			worker.Expired, []string{"expired on 2030-06-01 11:59:00 UTC"}},
		{"not yet", "a.example", []*x509.Certificate{with(root, func(c *x509.Certificate) { c.NotBefore = now.Add(time.Minute) })},
			worker.NotYetValid, []string{"not valid before 2030-06-01 12:01:00 UTC"}},
		{"self-signed", "a.example", []*x509.Certificate{with(nil, func(*x509.Certificate) {})}, worker.SelfSigned, []string{"self-signed"}},
		{"stranger", "a.example", []*x509.Certificate{with(stranger, func(*x509.Certificate) {}), stranger}, worker.UnknownAuthority,
			[]string{`CN=a \x1b[31m stranger`}},
		{"intermediate left out", "a.example", []*x509.Certificate{with(between, func(*x509.Certificate) {})}, worker.UnknownAuthority,
			[]string{"CN=between"}},
		{"intermediate expired", "a.example", []*x509.Certificate{with(old, func(*x509.Certificate) {}), old}, worker.Expired,
			[]string{"CN=old between", "expired on"}},
		{"wrong use", "a.example", []*x509.Certificate{with(root, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		})}, worker.WrongUse, []string{"not meant for a TLS server"}},
		{"everything", "c.example", []*x509.Certificate{with(nil, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) })},
			worker.WrongName, []string{"not for c.example", "; the certificate expired", "; the certificate is self-signed"}},
	} {
		w := worker.Worker{Roots: pool, Now: func() time.Time { return now }}
		work := handshake.VerifyChainWork{ServerName: tc.server}
		for _, c := range tc.chain {
			work.Chain = append(work.Chain, c.Raw)
		}
		result := w.Do(work).(handshake.VerifyChainResult)
		if result.PublicKey == nil || !key.PublicKey.Equal(result.PublicKey) {
			t.Errorf("%s: public key %v", tc.name, result.PublicKey)
		}
		var v *worker.Verdict
		if !errors.As(result.Verdict, &v) {
			if tc.reason != "" || result.Verdict != nil {
				t.Errorf("%s: verdict %v, expected %q", tc.name, result.Verdict, tc.reason)
			}
			continue
		}
		if v.Reason != tc.reason || strings.Contains(v.Text, "\x1b") {
			t.Errorf("%s: %s %q, expected %q", tc.name, v.Reason, v.Text, tc.reason)
		}
		for _, want := range tc.want {
			if !strings.Contains(v.Text, want) {
				t.Errorf("%s: %q, expected %q in it", tc.name, v.Text, want)
			}
		}
	}
}

func TestACertificateThatDoesNotParseHasNoKeyButAReason(t *testing.T) {
	for _, chain := range [][][]byte{nil, {{}}, {[]byte("no DER")}, {{0x30, 0x80}}} {
		result := new(worker.Worker).Do(handshake.VerifyChainWork{Chain: chain, ServerName: "a.example"}).(handshake.VerifyChainResult)
		if result.PublicKey != nil || result.Verdict == nil {
			t.Errorf("%q: %+v", chain, result)
		}
	}
}

func TestACredentialNeedsTheLeafsOwnKey(t *testing.T) {
	leaf := issue(t, "client", nil, nil)
	cred, err := worker.NewCredential([][]byte{leaf.Raw}, key)
	if err != nil || len(cred.Schemes) == 0 || len(cred.Issuers) != 1 {
		t.Errorf("%+v, %v", cred, err)
	}
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if _, err := worker.NewCredential([][]byte{leaf.Raw}, other); err == nil {
		t.Error("another key was taken")
	}
	if _, err := worker.NewCredential(nil, key); err == nil {
		t.Error("an empty chain was taken")
	}
}
