// The certificates that servers show.

package compare

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// serverName is that of every server, which clients send.
const serverName = "peer.example"

// A paper is a certificate with its key.
type paper struct {
	cert, key, both string // files; both has the key, too
	tls             tls.Certificate
}

// papers are all that a server may need.
type papers struct {
	root                string
	pool                *x509.CertPool
	rsa, ecdsa, ed25519 *paper
	dh                  string // a group of 1024 bits that nobody else has
}

func newPapers(t *testing.T) *papers {
	dir := t.TempDir()
	p := &papers{root: filepath.Join(dir, "root.pem"), pool: x509.NewCertPool(), dh: filepath.Join(dir, "dh.pem")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root of a comparison"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	must(t, err)
	root, err = x509.ParseCertificate(der)
	must(t, err)
	p.pool.AddCert(root)
	writePEM(t, p.root, "CERTIFICATE", der)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p.rsa = newPaper(t, filepath.Join(dir, "rsa"), rsaKey, root, key)
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	p.ecdsa = newPaper(t, filepath.Join(dir, "ecdsa"), ecdsaKey, root, key)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	p.ed25519 = newPaper(t, filepath.Join(dir, "ed25519"), edKey, root, key)
	if out, err := exec.Command(program(t, "openssl"), "dhparam", "-out", p.dh, "1024").CombinedOutput(); err != nil {
		t.Fatalf("openssl dhparam: %v\n%s", err, out)
	}
	return p
}

// of are those of a kind: "RSA", "ECDSA", "Ed25519", or "both" of the first two.
func (p *papers) of(kinds string) []*paper {
	return map[string][]*paper{"RSA": {p.rsa}, "ECDSA": {p.ecdsa}, "Ed25519": {p.ed25519}, "both": {p.rsa, p.ecdsa}}[kinds]
}

func newPaper(t *testing.T, path string, key crypto.Signer, root *x509.Certificate, rootKey crypto.Signer) *paper {
	p := &paper{cert: path + ".pem", key: path + ".key", both: path + ".both"}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: serverName}, DNSNames: []string{serverName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if _, ok := key.(*rsa.PrivateKey); ok {
		leaf.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey)
	must(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	cert := writePEM(t, p.cert, "CERTIFICATE", der)
	writePEM(t, p.key, "PRIVATE KEY", raw)
	b, err := os.ReadFile(p.key)
	must(t, err)
	must(t, os.WriteFile(p.both, append(cert, b...), 0o600))
	p.tls = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return p
}

func writePEM(t *testing.T, path, typ string, der []byte) []byte {
	b := pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
	must(t, os.WriteFile(path, b, 0o600))
	return b
}
