package tlsconn_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

const name = "server.test"

// A pki is a server's certificate, which signs itself.
type pki struct {
	der  []byte
	key  crypto.Signer
	pool *x509.CertPool
}

func newPKI(t testing.TB, until time.Time) *pki {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p := &pki{der, key, x509.NewCertPool()}
	p.pool.AddCert(cert)
	return p
}

func good(t testing.TB) *pki { return newPKI(t, time.Now().Add(48*time.Hour)) }

// client and server are ours.
func (p *pki) client(stream net.Conn) *tlsconn.Conn {
	return tlsconn.Client(stream, handshake.Config{ServerName: name}, p.trusting())
}

func (p *pki) trusting() *worker.Worker { return &worker.Worker{Roots: p.pool} }

func (p *pki) serverConfig(t testing.TB) (handshake.ServerConfig, *worker.Worker) {
	t.Helper()
	cred, err := worker.NewServerCredential([][]byte{p.der}, p.key)
	if err != nil {
		t.Fatal(err)
	}
	return handshake.ServerConfig{Credentials: []handshake.ServerCredential{cred}, ALPN: []string{"http/1.1"}},
		&worker.Worker{Signers: []crypto.Signer{p.key}}
}

func (p *pki) server(t testing.TB, stream net.Conn) *tlsconn.Conn {
	cfg, w := p.serverConfig(t)
	return tlsconn.Server(stream, cfg, w)
}

// client13 and server13 are ours, of TLS 1.3 and of TLS 1.2.
func (p *pki) client13(stream net.Conn) *tlsconn.Conn {
	return tlsconn.Client(stream, handshake.Config{ServerName: name, MaxVersion: tlsmsg.VersionTLS13}, p.trusting())
}

func (p *pki) server13(t testing.TB, stream net.Conn) *tlsconn.Conn {
	cfg, w := p.serverConfig(t)
	cfg.MaxVersion = tlsmsg.VersionTLS13 // without tickets: who closes without reading one resets the kernel's connection
	return tlsconn.Server(stream, cfg, w)
}

// theirs is what crypto/tls is configured with.
func (p *pki) theirs() *tls.Config {
	return &tls.Config{ServerName: name, RootCAs: p.pool, MaxVersion: tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{p.der}, PrivateKey: p.key}}}
}

// streams returns both ends of a TCP connection over loopback.
func streams(t testing.TB) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if a, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}
