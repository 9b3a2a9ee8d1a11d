package pki_test

import (
	"crypto/x509"
	"net/netip"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// verdict is what an independent client thinks of the server's certificate.
func verdict(p *pki.PKI) error {
	roots := x509.NewCertPool()
	roots.AddCert(p.CA.Cert)
	_, err := p.Server.Cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: pki.ServerName})
	return err
}

// Each fault is what an independent client calls by its name, with every kind of
// key; without one the certificate is good, for the address too.
func TestFaultsAreWhatTheySay(t *testing.T) {
	address := netip.MustParseAddr("198.18.0.2")
	want := map[pki.Fault]string{
		pki.Expired:      "has expired",
		pki.NotYetValid:  "not yet valid",
		pki.SelfSigned:   "unknown authority",
		pki.UnknownCA:    "unknown authority",
		pki.WrongName:    "valid for other.lab.test",
		pki.WrongUse:     "incompatible key usage",
		pki.BadSignature: "verification failure",
		pki.Escapes:      "",
		"":               "",
	}
	for _, fault := range append(pki.Faults, "") {
		words, ok := want[fault]
		if !ok {
			t.Errorf("nobody says what %s is", fault)
		}
		for _, key := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.ECDSAP521, pki.RSA2048, pki.Ed25519} {
			p, err := pki.New(pki.Options{ServerKey: key, Fault: fault, Addresses: []netip.Addr{address}})
			if err != nil {
				t.Fatal(err)
			}
			switch err := verdict(p); {
			case words == "" && err != nil, words != "" && (err == nil || !strings.Contains(err.Error(), words)):
				t.Errorf("%s, %s: %v, want something about %q", fault, key, err, words)
			}
			if good := p.Server.Cert.VerifyHostname(address.String()) == nil; good != (fault != pki.WrongName) {
				t.Errorf("%s, %s: for the server's address: %v", fault, key, good)
			}
			if escapes := strings.Contains(p.Server.Cert.Subject.CommonName, "\x1b[31m"); escapes != (fault == pki.Escapes) {
				t.Errorf("%s, %s: the subject is %q", fault, key, p.Server.Cert.Subject.CommonName)
			}
		}
	}
	if _, err := pki.New(pki.Options{Fault: "rusty"}); err == nil {
		t.Error("a fault that there is not is taken")
	}
	if _, err := pki.New(pki.Options{ServerKey: "iron"}); err == nil {
		t.Error("a key that there is not is taken")
	}
}
