package worker

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/test/oddcert"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

func selfSigned(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(0x1122334455667788), Subject: pkix.Name{CommonName: "a"}, DNSNames: []string{"a.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// negative makes the serial number negative, which crypto/x509 refuses.
func negative(t testing.TB, der []byte) []byte {
	t.Helper()
	serial := []byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}
	i := bytes.Index(der, serial)
	if i < 0 {
		t.Fatal("no serial number")
	}
	der = bytes.Clone(der)
	der[i] |= 0x80
	return der
}

func testKeys(t testing.TB) []crypto.Signer {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return []crypto.Signer{r, e, ed}
}

func TestTheKeyOfACertificateThatDoesNotParseIsRead(t *testing.T) {
	for _, key := range testKeys(t) {
		der := negative(t, selfSigned(t, key))
		if _, err := x509.ParseCertificate(der); err == nil {
			t.Fatal("it parses")
		}
		r := (&Worker{}).judge(handshake.VerifyChainWork{Chain: [][]byte{der}, ServerName: "a.example"})
		pub, ok := r.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		if !ok || !pub.Equal(key.Public()) {
			t.Errorf("%T: key %v", key, r.PublicKey)
		}
		v, ok := r.Verdict.(*Verdict)
		if !ok || v.Reason != Unparseable || !strings.Contains(v.Text, "serial") || !strings.Contains(v.Text, "can be read all the same") {
			t.Errorf("%T: verdict %v", key, r.Verdict)
		}
	}
	r := (&Worker{}).judge(handshake.VerifyChainWork{Chain: [][]byte{[]byte("garbage")}, ServerName: "a.example"})
	if r.PublicKey != nil || r.Verdict == nil {
		t.Errorf("garbage: %+v", r)
	}
}

// pssOf makes the SubjectPublicKeyInfo of a key that is tied to PSS.
func pssOf(t testing.TB, key *rsa.PublicKey, parameters string) []byte {
	t.Helper()
	wrap := func(tag byte, content ...[]byte) []byte {
		b := bytes.Join(content, nil)
		return append([]byte{tag, 0x82, byte(len(b) >> 8), byte(len(b))}, b...) // longer than it need be
	}
	return wrap(tagSequence,
		wrap(tagSequence, wrap(tagOID, oidPSS), []byte(parameters)),
		wrap(tagBitString, []byte{0}, x509.MarshalPKCS1PublicKey(key)))
}

func TestKeysForPSSAreReadWithTheirHash(t *testing.T) {
	key := testKeys(t)[0].Public().(*rsa.PublicKey)
	sha256 := "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
	for name, tc := range map[string]struct {
		parameters string
		hash       crypto.Hash
		bad        bool
	}{
		"none":         {parameters: ""},
		"SHA-256":      {parameters: "\x30\x11\xa0\x0f" + sha256, hash: crypto.SHA256},
		"the default":  {parameters: "\x30\x00", hash: crypto.SHA1},
		"cut off":      {parameters: "\x30\x11\xa0\x0f", bad: true},
		"another hash": {parameters: strings.Replace("\x30\x11\xa0\x0f"+sha256, "\x02\x01\x05", "\x02\x09\x05", 1), bad: true},
	} {
		got, ok := parseRSA(pssOf(t, key, tc.parameters)).(*suite.PSSPublicKey)
		if tc.bad {
			if ok {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if !ok || !got.Equal(&suite.PSSPublicKey{RSA: key, Hash: tc.hash}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestNumbersThatAreNoRSAKeyAreNotRead(t *testing.T) {
	good := testKeys(t)[0].Public().(*rsa.PublicKey)
	for name, key := range map[string]*rsa.PublicKey{
		"even modulus":  {N: new(big.Int).Sub(good.N, big.NewInt(1)), E: 65537},
		"huge modulus":  {N: new(big.Int).SetBit(new(big.Int).Lsh(good.N, maxRSABits), 0, 1), E: 65537},
		"exponent 1":    {N: good.N, E: 1},
		"exponent 4":    {N: good.N, E: 4},
		"exponent 2^31": {N: good.N, E: 1<<31 + 1},
	} {
		if got := parseRSA(pssOf(t, key, "")); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A key that would take minutes to compute with is not computed with, wherever
// in the chain it stands.
func TestAKeyTooLongToComputeWithIsRefused(t *testing.T) {
	signer := testKeys(t)[1]
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 500_000), 0, 1), E: 65537}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "huge"}, DNSNames: []string{"a.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, huge, signer)
	if err != nil {
		t.Fatal(err)
	}
	r := (&Worker{Roots: x509.NewCertPool()}).judge(handshake.VerifyChainWork{Chain: [][]byte{der}, ServerName: "a.example"})
	if r.PublicKey != nil || r.Verdict == nil || !strings.Contains(r.Verdict.Error(), "an RSA key of 500001 bits") {
		t.Errorf("%T, %v", r.PublicKey, r.Verdict)
	}
	r = (&Worker{Roots: x509.NewCertPool()}).judge(handshake.VerifyChainWork{Chain: [][]byte{selfSigned(t, signer), der}, ServerName: "a.example"})
	if r.PublicKey == nil || r.Verdict == nil || !strings.Contains(r.Verdict.Error(), "an RSA key of 500001 bits") {
		t.Errorf("%T, %v", r.PublicKey, r.Verdict)
	}
}

func FuzzDigKey(f *testing.F) {
	for _, key := range testKeys(f) {
		der := selfSigned(f, key)
		f.Add(der)
		f.Add(negative(f, der))
	}
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := x509.ParseCertificate(der)
		key := digKey(der)
		if err != nil || cert.PublicKey == nil {
			return
		}
		pub, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		if ok && suite.RSABits(cert.PublicKey) <= maxRSABits && (key == nil || !pub.Equal(key)) {
			t.Errorf("crypto/x509 reads %v, the walk %v", cert.PublicKey, key)
		}
	})
}

// A key of a kind that no signature can be checked with is said to be that,
// with its kind, whether or not crypto/x509 reads the certificate.
func TestAKeyOfAKindThatIsNotTakenIsNamed(t *testing.T) {
	want := map[string]string{"Ed448": "Ed448", "ML-DSA-65": "ML-DSA-65", "GOST R 34.10-2012": "GOST", "DSA": "DSA", "SM2": "SM2", "secp256k1": "secp256k1",
		"unknown algorithm": "1.3.6.1.4.1.99999.3", "unknown curve": "1.3.6.1.4.1.99999.2", "curve by its numbers": "explicit"}
	for _, k := range oddcert.Kinds() {
		r := (&Worker{Roots: x509.NewCertPool()}).judge(handshake.VerifyChainWork{Chain: [][]byte{k.DER}, ServerName: "odd.lab.test"})
		v, ok := r.Verdict.(*Verdict)
		if !ok {
			t.Errorf("%s: verdict %v", k.Name, r.Verdict)
			continue
		}
		text, unusable := want[k.Name]
		i := slices.IndexFunc(v.Faults, func(f *Fault) bool { return f.Reason == UnusableKey })
		if unusable && (i < 0 || !strings.Contains(v.Faults[i].Text, text)) {
			t.Errorf("%s: %v", k.Name, v)
		}
		if i >= 0 && r.PublicKey != nil {
			t.Errorf("%s: %v, and a key: %v", k.Name, v, r.PublicKey)
		}
		delete(want, k.Name)
	}
	if len(want) > 0 {
		t.Errorf("no such kinds: %v", want)
	}
}
