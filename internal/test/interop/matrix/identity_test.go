package matrix

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
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

const serverName = "peer.example"

// kinds are those of certificates, by their keys.
var kinds = []string{"RSA", "RSA-PSS", "P-256", "P-384", "P-521", "Ed25519"}

// authority is a root and a leaf of each kind, for client and server alike.
type authority struct {
	roots    *x509.CertPool
	rootPath string
	byKind   map[string]*identity
}

// identity is a certificate and its key, in all the forms that they are needed.
type identity struct {
	certPath, keyPath string
	cred              handshake.ServerCredential
	key               crypto.Signer
	tls               tls.Certificate
}

func newAuthority(t *testing.T) *authority {
	dir := t.TempDir()
	a := &authority{roots: x509.NewCertPool(), rootPath: filepath.Join(dir, "root.pem"), byKind: map[string]*identity{}}
	key := newKey(t, "P-256")
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "matrix root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	must(t, err)
	root, err = x509.ParseCertificate(der)
	must(t, err)
	a.roots.AddCert(root)
	writePEM(t, a.rootPath, "CERTIFICATE", der)
	rootKey := filepath.Join(dir, "root.key")
	writeKey(t, rootKey, key)
	for _, kind := range kinds {
		id := &identity{certPath: filepath.Join(dir, kind+".pem"), keyPath: filepath.Join(dir, kind+".key")}
		if kind == "RSA-PSS" { // which crypto/x509 does not make
			makePSS(t, id, a.rootPath, rootKey)
		} else {
			makeLeaf(t, id, kind, root, key)
		}
		id.load(t)
		a.byKind[kind] = id
	}
	return a
}

func newKey(t *testing.T, kind string) (key crypto.Signer) {
	var err error
	switch kind {
	case "RSA":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "P-521":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	must(t, err)
	return key
}

func makeLeaf(t *testing.T, id *identity, kind string, root *x509.Certificate, rootKey crypto.Signer) {
	key := newKey(t, kind)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: kind}, DNSNames: []string{serverName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if kind == "RSA" {
		leaf.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey)
	must(t, err)
	writePEM(t, id.certPath, "CERTIFICATE", der)
	writeKey(t, id.keyPath, key)
	id.tls = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func makePSS(t *testing.T, id *identity, root, rootKey string) {
	openssl := program(t, "openssl")
	for _, args := range [][]string{
		{"genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", id.keyPath},
		{"req", "-x509", "-new", "-key", id.keyPath, "-CA", root, "-CAkey", rootKey, "-out", id.certPath, "-days", "1",
			"-subj", "/CN=RSA-PSS", "-addext", "subjectAltName=DNS:" + serverName, "-addext", "basicConstraints=CA:FALSE",
			"-addext", "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=serverAuth,clientAuth"},
	} {
		if out, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
}

// load makes our credential of the files.
func (id *identity) load(t *testing.T) {
	key, err := worker.ParsePKCS8(readPEM(t, id.keyPath))
	must(t, err)
	id.key = key
	id.cred, err = worker.NewServerCredential([][]byte{readPEM(t, id.certPath)}, key)
	must(t, err)
}

func writeKey(t *testing.T, path string, key crypto.Signer) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	writePEM(t, path, "PRIVATE KEY", der)
}

func writePEM(t *testing.T, path, typ string, der []byte) {
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600))
}

func readPEM(t *testing.T, path string) []byte {
	b, err := os.ReadFile(path)
	must(t, err)
	block, _ := pem.Decode(b)
	if block == nil {
		t.Fatal(fmt.Errorf("%s: no PEM block", path))
	}
	return block.Bytes
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// program finds a peer's program. Where the tests are the gate it must be there.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed: scripts/setup.sh installs it", name)
	}
	return path
}
