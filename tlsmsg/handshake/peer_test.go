package handshake_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// authority is a root and what it has issued, made once for all tests.
type authority struct {
	root  *x509.Certificate
	key   crypto.Signer
	roots *x509.CertPool
	mu    sync.Mutex
	certs map[string]tls.Certificate
}

const serverName = "peer.example"

var theAuthority = sync.OnceValue(func() *authority {
	a := &authority{certs: map[string]tls.Certificate{}, roots: x509.NewCertPool()}
	a.key = newKey("ecdsa256")
	a.root = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, a.root, a.root, a.key.Public(), a.key)
	if err != nil {
		panic(err)
	}
	if a.root, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	a.roots.AddCert(a.root)
	return a
})

// cert returns the certificate for peer.example with a key of a kind: "rsa",
// "ecdsa256", …, made at the first call.
func (a *authority) cert(kind string) tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.certs[kind]; !ok {
		a.certs[kind] = a.issue(newKey(kind), func(*x509.Certificate) {})
	}
	return a.certs[kind]
}

func newKey(kind string) crypto.Signer {
	var key crypto.Signer
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "rsa1024":
		key, err = rsa.GenerateKey(rand.Reader, 1024)
	case "ecdsa256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ecdsa384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ecdsa521":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		panic(err)
	}
	return key
}

// issue makes a leaf, changed by edit.
func (a *authority) issue(key crypto.Signer, edit func(*x509.Certificate)) tls.Certificate {
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"},
		DNSNames: []string{serverName}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	edit(leaf)
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.root, key.Public(), a.key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) server(kind string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.cert(kind)}, MaxVersion: tls.VersionTLS12, ClientCAs: a.roots}
}

func (a *authority) worker() *worker.Worker { return &worker.Worker{Roots: a.roots} }

// credential makes a client certificate of a kind.
func (a *authority) credential(t testing.TB, kind string) (handshake.Credential, crypto.Signer) {
	t.Helper()
	cert := a.cert(kind)
	cred, err := worker.NewCredential(cert.Certificate, cert.PrivateKey.(crypto.Signer))
	if err != nil {
		t.Fatal(err)
	}
	return cred, cert.PrivateKey.(crypto.Signer)
}

// driver moves a client over one end of a stream.
type driver struct {
	c      *handshake.Client
	w      *worker.Worker
	stream io.ReadWriter
	chunk  int // bytes handed over at once; 0: all
}

// flush does the work and sends the output.
func (d *driver) flush() error {
	d.w.Finish(d.c)
	if out := d.c.Next(); len(out) > 0 {
		if _, err := d.stream.Write(out); err != nil {
			return err
		}
	}
	return nil
}

// until moves the client on until done, its end, or the stream's.
func (d *driver) until(done func() bool) error {
	buf := make([]byte, 32<<10)
	for {
		if err := d.flush(); err != nil && d.c.Err() == nil {
			return err
		}
		if d.c.Err() != nil || done() {
			return d.c.Err()
		}
		n, err := d.stream.Read(buf)
		for p := buf[:n]; len(p) > 0; {
			k := len(p)
			if d.chunk > 0 {
				k = min(k, d.chunk)
			}
			d.c.Receive(p[:k])
			d.w.Finish(d.c)
			p = p[k:]
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return err
			}
			d.c.TransportEOF()
			if err := d.flush(); err != nil && d.c.Err() == nil {
				return err
			}
			return d.c.Err()
		}
	}
}

// write sends p as application data.
func (d *driver) write(p []byte) error {
	for len(p) > 0 {
		n := d.c.Write(p)
		if n == 0 {
			return errors.New("the client takes no application data")
		}
		p = p[n:]
		if err := d.flush(); err != nil {
			return err
		}
	}
	return nil
}

// read reads application data until n bytes or the end.
func (d *driver) read(n int) (got []byte, err error) {
	for len(got) < n {
		err = d.until(func() bool { return len(d.c.Peek()) > 0 || d.c.EOF() })
		p := d.c.Peek()
		if len(p) == 0 {
			return got, err
		}
		got = append(got, p...)
		d.c.Discard(len(p))
	}
	return got, nil
}

func (d *driver) handshake() error {
	d.c.Start()
	return d.until(func() bool { return d.c.Stage() == handshake.StageFinished })
}

// goServer serves one connection with crypto/tls in the background: it shakes
// hands and echoes until the client closes.
type goServer struct {
	conn *tls.Conn
	done chan error
}

func serve(t testing.TB, cfg *tls.Config) (net.Conn, *goServer) {
	t.Helper()
	ours, theirs := net.Pipe()
	deadline := time.Now().Add(time.Minute) // nothing waits for it: it ends a test that hangs
	ours.SetDeadline(deadline)
	theirs.SetDeadline(deadline)
	s := &goServer{conn: tls.Server(theirs, cfg), done: make(chan error, 1)}
	go func() {
		defer theirs.Close()
		if err := s.conn.Handshake(); err != nil {
			s.done <- err
			return
		}
		_, err := io.Copy(s.conn, s.conn)
		if err == nil {
			err = s.conn.CloseWrite()
		}
		s.done <- err
	}()
	t.Cleanup(func() { ours.Close() })
	return newQueued(ours), s
}

// queued is a stream whose writes never wait for the reader, as those of a
// socket with room: net.Pipe has no buffer, and the server echoes at once.
type queued struct {
	net.Conn
	queue chan []byte
}

func newQueued(c net.Conn) *queued {
	q := &queued{c, make(chan []byte, 256)}
	go func() {
		for b := range q.queue {
			c.Write(b) // an error is the reader's to learn of
		}
	}()
	return q
}

func (q *queued) Write(p []byte) (int, error) {
	q.queue <- bytes.Clone(p)
	return len(p), nil
}

func randomBytes() (b [32]byte) {
	rand.Read(b[:])
	return b
}
