// Certificates of all kinds, by one CA.

package scripted

import (
	"bytes"
	"crypto"
	_ "crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// Papers are a CA, and what it has signed for [pki.ServerName].
type Papers struct {
	Roots *x509.CertPool
	ECDSA pki.Credential
	RSA   pki.Credential

	ca pki.Credential
}

// NewPapers makes them.
func NewPapers(t testing.TB) *Papers {
	t.Helper()
	p := issue(t, pki.Options{})
	papers := &Papers{Roots: x509.NewCertPool(), ECDSA: p.Server, ca: p.CA}
	papers.Roots.AddCert(p.CA.Cert)
	papers.RSA = papers.Issue(t, pki.Options{ServerKey: pki.RSA2048})
	return papers
}

// Issue has the same CA sign another.
func (p *Papers) Issue(t testing.TB, o pki.Options) pki.Credential {
	t.Helper()
	o.Issuer = &p.ca
	return issue(t, o).Server
}

func issue(t testing.TB, o pki.Options) *pki.PKI {
	t.Helper()
	p, err := pki.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ChainOf is a certificate for a [Server].
func ChainOf(c pki.Credential) Chain {
	return Chain{Chain: [][]byte{c.Cert.Raw}, ECDSA: c.Cert.PublicKeyAlgorithm == x509.ECDSA}
}

// Signed is a certificate of an RSA key, signed with that key and SHA-1 or MD5:
// crypto/x509 makes none any more. Its issuer is another than its subject.
func (p *Papers) Signed(t testing.TB, h crypto.Hash) Chain {
	t.Helper()
	arc := map[crypto.Hash]int{crypto.SHA1: 5, crypto.MD5: 4}[h]
	self := issue(t, pki.Options{ServerKey: pki.RSA2048, Fault: pki.SelfSigned}).Server
	template := *self.Cert
	parent := *self.Cert
	parent.Subject = pkix.Name{CommonName: "an old CA"}
	parent.RawSubject = nil
	template.SignatureAlgorithm, template.AuthorityKeyId = x509.SHA256WithRSA, nil
	raw, err := x509.CreateCertificate(rand.Reader, &template, &parent, self.Key.Public(), self.Key)
	if err != nil {
		t.Fatal(err)
	}
	old, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	prefix := []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1}
	tbs := bytes.ReplaceAll(old.RawTBSCertificate, append(bytes.Clone(prefix), 11), append(bytes.Clone(prefix), byte(arc)))
	digest := h.New()
	digest.Write(tbs)
	signature, err := rsa.SignPKCS1v15(rand.Reader, self.Key.(*rsa.PrivateKey), h, digest.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	raw, err = asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: tbs},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, arc}, Parameters: asn1.NullRawValue},
		asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		t.Fatal(err)
	}
	return Chain{Chain: [][]byte{raw}}
}

// CA is the CA's certificate, as --ca reads it.
func (p *Papers) CA() []byte { return p.ca.CertPEM() }
