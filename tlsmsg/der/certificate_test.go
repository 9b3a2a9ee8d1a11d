package der_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/test/oddcert"
	"github.com/rawshake/rawshake/tlsmsg/der"
)

// certificate makes one with every extension that has names here.
func certificate(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	validated, err := x509.OIDFromInts([]uint64{2, 23, 140, 1, 2, 1})
	if err != nil {
		t.Fatal(err)
	}
	site := &url.URL{Scheme: "https", Host: "lab.test"}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(77), NotBefore: time.Unix(1e9, 0), NotAfter: time.Date(2051, 1, 1, 0, 0, 0, 0, time.UTC),
		Subject:  pkix.Name{CommonName: "gräf.lab.test", Organization: []string{"rawshake lab"}, Country: []string{"DE"}},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, MaxPathLen: 1, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, SubjectKeyId: []byte{1, 2, 3}, AuthorityKeyId: []byte{4, 5},
		DNSNames: []string{"a.lab.test", "b.lab.test"}, IPAddresses: []net.IP{net.IPv4(198, 18, 0, 1)}, URIs: []*url.URL{site},
		EmailAddresses: []string{"me@lab.test"}, OCSPServer: []string{"http://ocsp.lab.test"},
		CRLDistributionPoints: []string{"http://crl.lab.test/a"},
		Policies:              []x509.OID{validated},
		PermittedDNSDomains:   []string{"lab.test"},
	}
	b, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readable checks that each byte is in one leaf, and that none is undecoded.
func readable(t *testing.T, tree *field.Node, size int) {
	t.Helper()
	next := 0
	for leaf := range tree.Leaves() {
		if leaf.Offset != next {
			t.Fatalf("%s begins at byte %d, want %d", leaf.Name, leaf.Offset, next)
		}
		next += leaf.Length
		if leaf.Name == "undecoded" {
			t.Errorf("at byte %d: %s", leaf.Offset, leaf.Meaning)
		}
	}
	if next != size {
		t.Errorf("the leaves end at byte %d, want %d", next, size)
	}
}

// meanings lists what the leaves mean, each with the name of what holds it.
func meanings(n *field.Node, list map[string][]string) map[string][]string {
	for _, child := range n.Children {
		if child.Leaf() && child.Meaning != "" {
			list[n.Name] = append(list[n.Name], child.Meaning)
		}
		meanings(child, list)
	}
	return list
}

func TestCertificateIsBrokenDownToItsLastByte(t *testing.T) {
	b := certificate(t)
	tree := der.Certificate(b)
	readable(t, tree, len(b))
	said := meanings(tree, map[string][]string{})
	for name, want := range map[string]string{
		"serialNumber": "77", "number": "v3", "notBefore": "2001-09-09 01:46:40 UTC", "notAfter": "2051-01-01 00:00:00 UTC",
		"dNSName": "a.lab.test", "iPAddress": "198.18.0.1", "uniformResourceIdentifier": "http://ocsp.lab.test",
		"rfc822Name": "me@lab.test", "cA": "true", "pathLenConstraint": "1", "bits": "digitalSignature, keyCertSign",
		"purposes": "serverAuth, 1.3.6.1.5.5.7.3.1", "policyIdentifier": "domainValidated, 2.23.140.1.2.1",
		"value": "gräf.lab.test", "extnID": "subjectAltName, 2.5.29.17", "oid": "secp256r1, 1.2.840.10045.3.1.7",
	} {
		found := false
		for _, s := range append(said[name], said["parameters"]...) {
			found = found || strings.HasPrefix(s, want)
		}
		if !found {
			t.Errorf("%s means %q, want %q among them", name, said[name], want)
		}
	}
	if tree.Find("signatureValue", "bits", "ECDSASignature", "numbers", "r") == nil {
		t.Error("the signature is not opened")
	}
}

// The certificates that this system trusts are by many hands.
func TestSystemsCertificatesAreReadable(t *testing.T) {
	bundle, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	n := 0
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		n++
		tree := der.Certificate(block.Bytes)
		readable(t, tree, len(block.Bytes))
		for attribute, want := range map[string]string{"subject": cert.Subject.CommonName, "issuer": cert.Issuer.CommonName} {
			list := tree.Find("tbsCertificate", attribute)
			if list == nil || want != "" && !strings.Contains(strings.Join(meanings(list, map[string][]string{})["value"], "\n"), want) {
				t.Errorf("%s of %q is not there", attribute, want)
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d certificates", n)
	}
}

func TestNestingWithoutEndEndsSomewhere(t *testing.T) {
	b := []byte{}
	for range 500 {
		if len(b) < 128 {
			b = append([]byte{0x30, byte(len(b))}, b...)
		} else {
			b = append([]byte{0x30, 0x82, byte(len(b) >> 8), byte(len(b))}, b...)
		}
	}
	for _, tree := range []*field.Node{der.OCSPResponse(b), der.Certificate(b), der.Name(b)} {
		next := 0
		for leaf := range tree.Leaves() {
			next += leaf.Length
		}
		if next != len(b) {
			t.Errorf("%s covers %d bytes of %d", tree.Name, next, len(b))
		}
	}
}

func FuzzEveryByteIsInOneLeaf(f *testing.F) {
	f.Add(certificate(f))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0})
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Add([]byte{0x1f, 0x81, 0x01, 0})
	for _, k := range oddcert.Kinds() {
		if len(k.DER) < 4096 {
			f.Add(k.DER)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, found := range der.Describe(b).Anomalies {
			if found.Anomaly.Text() == "" {
				t.Fatalf("%s has no text", found.Anomaly)
			}
		}
		for _, read := range []func([]byte) *field.Node{der.Certificate, der.Name, der.OCSPResponse, der.ECDSASignature, der.SCT} {
			tree, next := read(b), 0
			for leaf := range tree.Leaves() {
				if leaf.Offset != next || leaf.Length < 0 {
					t.Fatalf("%s: %s at byte %d, want %d", tree.Name, leaf.Name, leaf.Offset, next)
				}
				next += leaf.Length
			}
			if next != len(b) {
				t.Fatalf("%s covers %d bytes of %d", tree.Name, next, len(b))
			}
		}
	})
}
