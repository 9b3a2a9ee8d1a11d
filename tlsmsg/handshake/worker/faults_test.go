package worker_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

var rsaKey = func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}()

// issueKey is issue with keys of the caller's choice.
func issueKey(t *testing.T, name string, pub crypto.PublicKey, parent *x509.Certificate, by crypto.Signer, edit func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), BasicConstraintsValid: true}
	edit(c)
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, by)
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, der)
}

func parsed(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// resign signs what RSA and SHA-256 sign with another algorithm, the last arc of
// whose identifier is given, and a digest of which the signature is made.
func resign(t *testing.T, c *x509.Certificate, arc byte, h crypto.Hash) *x509.Certificate {
	t.Helper()
	oid := []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1}
	tbs := bytes.ReplaceAll(c.RawTBSCertificate, append(bytes.Clone(oid), 11), append(bytes.Clone(oid), arc))
	d := h.New()
	d.Write(tbs)
	sig, err := rsa.SignPKCS1v15(rand.Reader, rsaKey, h, d.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		TBS asn1.RawValue
		Alg pkix.AlgorithmIdentifier
		Sig asn1.BitString
	}{asn1.RawValue{FullBytes: tbs},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, int(arc)}, Parameters: asn1.NullRawValue},
		asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}})
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, der)
}

// forge breaks a signature.
func forge(t *testing.T, c *x509.Certificate) *x509.Certificate {
	t.Helper()
	der := bytes.Clone(c.Raw)
	der[len(der)-1] ^= 1
	return parsed(t, der)
}

// Each thing that is wrong is told for what it is, of the certificate that it is
// wrong with, and nothing that follows from it is told as well.
func TestAVerdictTellsEachFaultAndNoOther(t *testing.T) {
	named := func(c *x509.Certificate) { c.DNSNames = []string{"a.example"} }
	rsaCA := issueKey(t, "root", rsaKey.Public(), nil, rsaKey, ca)
	byRSA := func(name string, parent *x509.Certificate, edits ...func(*x509.Certificate)) *x509.Certificate {
		return issueKey(t, name, key.Public(), parent, rsaKey, func(c *x509.Certificate) {
			named(c)
			for _, e := range edits {
				e(c)
			}
		})
	}
	smallKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	odd := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4, 5}, Critical: true, Value: []byte{5, 0}}
	hours := func(from, to int) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = now.Add(time.Duration(from)*time.Hour), now.Add(time.Duration(to)*time.Hour)
		}
	}
	under := func(edit func(*x509.Certificate)) []*x509.Certificate { // a leaf under an intermediate under the root
		between := issueKey(t, "between", rsaKey.Public(), rsaCA, rsaKey, func(c *x509.Certificate) { ca(c); edit(c) })
		return []*x509.Certificate{byRSA("leaf", between), between}
	}
	young := issueKey(t, "root", rsaKey.Public(), nil, rsaKey, func(c *x509.Certificate) { ca(c); hours(-1, 5)(c) })
	oldRoot := issueKey(t, "old", rsaKey.Public(), nil, rsaKey, func(c *x509.Certificate) { ca(c); hours(-9, -1)(c) })
	oldCA := issueKey(t, "between", rsaKey.Public(), oldRoot, rsaKey, func(c *x509.Certificate) { ca(c); hours(-8, -2)(c) })
	smallRoot := issueKey(t, "small", smallKey.Public(), nil, smallKey, ca)
	narrow := issueKey(t, "narrow", rsaKey.Public(), nil, rsaKey, func(c *x509.Certificate) { ca(c); c.MaxPathLen, c.MaxPathLenZero = 0, true })
	below := issueKey(t, "below", rsaKey.Public(), narrow, rsaKey, ca)
	rootWith := func(name string, edit func(*x509.Certificate)) *x509.Certificate {
		return issueKey(t, name, rsaKey.Public(), nil, rsaKey, func(c *x509.Certificate) { ca(c); edit(c) })
	}
	noCA := rootWith("no CA", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 })
	oddRoot := rootWith("odd", func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{odd} })
	clientRoot := rootWith("clients", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	namedRoot := rootWith("named", func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"b.example"} })
	plain := byRSA("leaf", rsaCA)
	chain := func(list ...*x509.Certificate) []*x509.Certificate { return list }

	for _, tc := range []struct {
		name  string
		chain []*x509.Certificate
		root  *x509.Certificate
		want  []worker.Reason
		says  []string
		not   string
	}{
		{"leaf older than its CA", chain(byRSA("leaf", young, hours(-9, -3))), young, []worker.Reason{worker.Expired},
			[]string{"the certificate expired on 2030-06-01 09:00:00 UTC"}, "not valid before"},
		{"leaf, intermediate and root expired", chain(byRSA("leaf", oldCA, hours(-7, -3)), oldCA), oldRoot,
			[]worker.Reason{worker.Expired, worker.Expired, worker.Expired},
			[]string{"the certificate expired on 2030-06-01 09:00", "CN=between expired on 2030-06-01 10:00", "CN=old expired on 2030-06-01 11:00"}, "no trusted root"},
		{"SHA-1", chain(resign(t, plain, 5, crypto.SHA1)), rsaCA, []worker.Reason{worker.WeakSignature}, []string{"signed with SHA-1"}, "no trusted root"},
		{"MD5", chain(resign(t, plain, 4, crypto.MD5)), rsaCA, []worker.Reason{worker.WeakSignature}, []string{"signed with MD5"}, "no trusted root"},
		{"SHA-1, and the root is a stranger", chain(resign(t, plain, 5, crypto.SHA1)), smallRoot,
			[]worker.Reason{worker.WeakSignature, worker.UnknownAuthority}, []string{"SHA-1", "no trusted root signs for its issuer, CN=root"}, ""},
		{"intermediate signed with SHA-1", func() []*x509.Certificate {
			c := under(func(*x509.Certificate) {})
			return chain(c[0], resign(t, c[1], 5, crypto.SHA1))
		}(), rsaCA, []worker.Reason{worker.WeakSignature}, []string{"CN=between is signed with SHA-1"}, ""},
		{"unknown algorithm", chain(resign(t, plain, 99, crypto.SHA256)), rsaCA, []worker.Reason{worker.UnknownSignature},
			[]string{"1.2.840.113549.1.1.99"}, "no trusted root"},
		{"wrong signature", chain(forge(t, plain)), rsaCA, []worker.Reason{worker.BadSignature},
			[]string{"does not verify with the key of the trusted root CN=root"}, ""},
		{"wrong signature under an intermediate", func() []*x509.Certificate {
			c := under(func(*x509.Certificate) {})
			return chain(forge(t, c[0]), c[1])
		}(), rsaCA, []worker.Reason{worker.BadSignature}, []string{"does not verify with the key of CN=between"}, ""},
		{"critical extension", chain(byRSA("leaf", rsaCA, func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{odd} })), rsaCA,
			[]worker.Reason{worker.UnknownCritical}, []string{"1.2.3.4.5"}, ""},
		{"critical extension with a name", chain(byRSA("leaf", rsaCA, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Critical: true, Value: []byte{5, 0}}}
		})), rsaCA, []worker.Reason{worker.UnknownCritical}, []string{"tlsFeature (1.3.6.1.5.5.7.1.24)"}, ""},
		{"critical extension of a CA", under(func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{odd} }), rsaCA,
			[]worker.Reason{worker.UnknownCritical}, []string{"CN=between has a critical extension"}, ""},
		{"for clients", chain(byRSA("leaf", rsaCA, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })), rsaCA,
			[]worker.Reason{worker.WrongUse}, []string{"not meant for a TLS server (extendedKeyUsage: clientAuth)"}, ""},
		{"CA for clients", under(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), rsaCA,
			[]worker.Reason{worker.WrongUse}, []string{"CN=between is not meant for"}, ""},
		{"keyUsage of the leaf", chain(byRSA("leaf", rsaCA, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement })), rsaCA,
			[]worker.Reason{worker.WrongKeyUsage}, []string{"does not have digitalSignature"}, ""},
		{"keyUsage of a CA", under(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }), rsaCA,
			[]worker.Reason{worker.WrongKeyUsage}, []string{"CN=between may not sign"}, ""},
		{"no CA", under(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 }), rsaCA,
			[]worker.Reason{worker.NotCA}, []string{"CN=between is none of a CA"}, ""},
		{"names", under(func(c *x509.Certificate) {
			c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"b.example"}, true
		}), rsaCA,
			[]worker.Reason{worker.NameNotPermitted}, []string{"CN=between"}, ""},
		{"path", chain(byRSA("leaf", below), below), narrow, []worker.Reason{worker.PathTooLong}, []string{"CN=narrow"}, ""},
		{"path, and the root was sent", chain(byRSA("leaf", below), below, narrow), narrow, []worker.Reason{worker.PathTooLong}, []string{"CN=narrow"}, "not among"},
		{"root expired, and sent", chain(byRSA("leaf", oldRoot), oldRoot), oldRoot, []worker.Reason{worker.Expired}, []string{"CN=old expired"}, "not among"},
		{"root that is no CA", chain(byRSA("leaf", noCA)), noCA, []worker.Reason{worker.NotCA}, []string{"CN=no CA"}, "signature"},
		{"root that is no CA, and was sent", chain(byRSA("leaf", noCA), noCA), noCA, []worker.Reason{worker.NotCA}, []string{"CN=no CA"}, "not among"},
		{"root of unknown extensions", chain(byRSA("leaf", oddRoot)), oddRoot, []worker.Reason{worker.UnknownCritical}, []string{"CN=odd"}, "signature"},
		{"root for clients", chain(byRSA("leaf", clientRoot)), clientRoot, []worker.Reason{worker.WrongUse}, []string{"CN=clients"}, "signature"},
		{"root of other names", chain(byRSA("leaf", namedRoot)), namedRoot, []worker.Reason{worker.NameNotPermitted}, []string{"CN=named"}, "signature"},
		{"small key of an intermediate", func() []*x509.Certificate {
			small := issueKey(t, "between", smallKey.Public(), rsaCA, rsaKey, ca)
			return chain(issueKey(t, "leaf", key.Public(), small, smallKey, named), small)
		}(), rsaCA, []worker.Reason{worker.WeakKey}, []string{"CN=between has an RSA key of 1024 bits, expected at least 2048"}, ""},
		{"small key of the root", chain(issueKey(t, "leaf", key.Public(), smallRoot, smallKey, named), smallRoot), smallRoot,
			[]worker.Reason{worker.WeakKey}, []string{"CN=small has an RSA key of 1024 bits"}, ""},
		{"several of an intermediate", under(func(c *x509.Certificate) { hours(-9, -2)(c); c.KeyUsage = x509.KeyUsageCRLSign }), rsaCA,
			[]worker.Reason{worker.Expired, worker.WrongKeyUsage}, []string{"CN=between expired", "CN=between may not sign"}, ""},
		{"nothing", under(func(*x509.Certificate) {}), rsaCA, nil, nil, ""},
	} {
		pool := x509.NewCertPool()
		pool.AddCert(tc.root)
		w := worker.Worker{Roots: pool, Now: func() time.Time { return now }}
		work := handshake.VerifyChainWork{ServerName: "a.example"}
		for _, c := range tc.chain {
			work.Chain = append(work.Chain, c.Raw)
		}
		verdict := w.Do(work).(handshake.VerifyChainResult).Verdict
		var v *worker.Verdict
		var got []worker.Reason
		if errors.As(verdict, &v) {
			for _, f := range v.Faults {
				got = append(got, f.Reason)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, expected %q: %v", tc.name, got, tc.want, verdict)
			continue
		}
		for _, want := range tc.says {
			if !strings.Contains(verdict.Error(), want) {
				t.Errorf("%s: %q, expected %q in it", tc.name, verdict, want)
			}
		}
		if tc.not != "" && strings.Contains(verdict.Error(), tc.not) {
			t.Errorf("%s: %q, expected no %q in it", tc.name, verdict, tc.not)
		}
	}
}

// With a lower bound a smaller key is good: the bound is the leaf's.
func TestTheKeysOfAChainHaveTheLeafsBound(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	root := issueKey(t, "root", small.Public(), nil, small, ca)
	leaf := issueKey(t, "leaf", (*ecdsa.PrivateKey)(key).Public(), root, small, func(c *x509.Certificate) { c.DNSNames = []string{"a.example"} })
	pool := x509.NewCertPool()
	pool.AddCert(root)
	for _, memory := range []*worker.Verdicts{nil, new(worker.Verdicts)} {
		w := worker.Worker{Roots: pool, Verdicts: memory, Now: func() time.Time { return now }}
		for bits, good := range map[int]bool{0: false, 1024: true, 1025: false, 2048: false} {
			work := handshake.VerifyChainWork{Chain: [][]byte{leaf.Raw}, ServerName: "a.example", MinRSABits: bits}
			if v := w.Do(work).(handshake.VerifyChainResult).Verdict; (v == nil) != good {
				t.Errorf("at least %d bits: %v", bits, v)
			}
		}
	}
}
