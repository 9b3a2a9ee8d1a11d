package lab_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

func startServer(t *testing.T, l *lab.Lab, o service.Options) *service.TLSServer {
	t.Helper()
	o.Listen = l.Far().Addr().String() + ":0"
	srv, err := l.StartTLSServer(o)
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

func TestServerFilesAreReadableHereAndInCommands(t *testing.T) {
	l := newLab(t)
	srv := startServer(t, l, service.Options{})
	for path, want := range map[string][]byte{
		srv.CAFile():         srv.PKI.CA.CertPEM(),
		srv.CertFile():       srv.PKI.Server.CertPEM(),
		srv.KeyFile():        srv.PKI.Server.KeyPEM(),
		srv.ClientCertFile(): srv.PKI.Client.CertPEM(),
		srv.ClientKeyFile():  srv.PKI.Client.KeyPEM(),
	} {
		got, err := os.ReadFile(path)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s here: %q, %v", path, got, err)
		}
		got, err = l.Far().Command("cat", path).Output()
		if err != nil || string(got) != string(want) {
			t.Errorf("%s in a command: %q, %v", path, got, err)
		}
	}
}

func clientConfig(p *pki.PKI, withCert bool) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(p.CA.Cert)
	c := &tls.Config{RootCAs: roots, ServerName: pki.ServerName}
	if withCert {
		c.Certificates = []tls.Certificate{p.Client.TLS()}
	}
	return c
}

// get fetches a page from the near node with Go's own client.
func get(ctx context.Context, l *lab.Lab, addr string, config *tls.Config) (string, error) {
	tcp, err := l.Near().Dial(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer tcp.Close()
	_ = tcp.SetDeadline(time.Now().Add(10 * time.Second))
	conn := tls.Client(tcp, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return "", err
	}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", pki.ServerName)
	reply, err := io.ReadAll(conn)
	if err != nil {
		return "", err
	}
	return string(reply), conn.Close()
}

func TestClientCrossesTheLinkToTheEmbeddedServer(t *testing.T) {
	l := newLab(t)
	for _, key := range []pki.KeyType{pki.ECDSAP256, pki.RSA2048, pki.Ed25519} {
		for _, withCert := range []bool{false, true} {
			t.Run(fmt.Sprint(key, withCert), func(t *testing.T) {
				srv, err := l.StartTLSServer(service.Options{Key: key, ClientKey: key})
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				reply, err := get(t.Context(), l, srv.Addr().String(), clientConfig(srv.PKI, withCert))
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(reply, "HTTP/1.1 200 OK\r\n") || !strings.Contains(reply, "Connection: close\r\n") {
					t.Errorf("reply is %q", reply)
				}
				s, err := srv.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if s.Client.Addr() != l.Near().Addr() {
					t.Errorf("the server saw %v, want an address of near, %v", s.Client, l.Near().Addr())
				}
				if !s.Complete || s.Err != nil || !s.CloseNotify {
					t.Errorf("session: complete %v, close_notify %v, error %v", s.Complete, s.CloseNotify, s.Err)
				}
				if s.State.Version != tls.VersionTLS13 {
					t.Errorf("version %#x, want TLS 1.3", s.State.Version)
				}
				if got := len(s.State.PeerCertificates) > 0; got != withCert {
					t.Errorf("client certificate arrived: %v, want %v", got, withCert)
				}
				if !bytes.HasPrefix(s.Request, []byte("GET / ")) {
					t.Errorf("request is %q", s.Request)
				}
			})
		}
	}
}

// What the interoperability tests stand on: somebody else's server, in the far
// node, with certificates that have no file.
func TestExternalServerServesFromTheFarNode(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no openssl here")
	}
	l := newLab(t)
	srv := startServer(t, l, service.Options{Key: pki.RSA2048})
	addr := l.Far().Addr().String() + ":4433"
	server := l.Far().Command(openssl, "s_server", "-accept", addr, "-tls1_2", "-www",
		"-cert", srv.CertFile(), "-key", srv.KeyFile(), "-CAfile", srv.CAFile(), "-Verify", "1")
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Far().AwaitListener(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	reply, err := get(t.Context(), l, addr, clientConfig(srv.PKI, true))
	if err != nil || !strings.HasPrefix(reply, "HTTP/1.0 200 ok") {
		_ = l.Close()
		t.Errorf("%q, %v; the server said %s", reply, err, said.Bytes())
	}
}
