// Package live makes real connections in a lab and gives their transcripts, for
// tests of what is shown. Only tests use it.
package live

import (
	"crypto/x509"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/badlink"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// New makes a lab that ends with the test. The test binary must run by
// [netns.RunTests].
func New(t testing.TB) *lab.Lab {
	t.Helper()
	l, err := lab.New(t.Context(), lab.Isolated())
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Options are those of a connection that succeeds: to the server, with its CA
// trusted, a client certificate, and a request for a page.
func Options(t testing.TB, server *service.TLSServer) connect.Options {
	t.Helper()
	client := server.PKI.Client.TLS()
	credential, err := worker.NewCredential(client.Certificate, server.PKI.Client.Key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.PKI.CA.Cert)
	o := connect.Options{
		Remote: server.Addr(), Goal: goal.Data, Timeout: 10 * time.Second,
		Worker:  &worker.Worker{Roots: roots},
		Request: strings.NewReader("GET / HTTP/1.1\r\nHost: " + pki.ServerName + "\r\nConnection: close\r\n\r\n"),
		Output:  io.Discard, Recorder: transcript.NewRecorder(0, nil),
	}
	o.Worker.Signers = append(o.Worker.Signers, server.PKI.Client.Key)
	o.TLS = handshake.Config{ServerName: pki.ServerName, Credentials: []handshake.Credential{credential}}
	return o
}

// Connect makes the connection from the lab's near side.
func Connect(t testing.TB, l *lab.Lab, o connect.Options) *transcript.Transcript {
	t.Helper()
	err := l.Near().Do(func() error {
		_, err := connect.Run(t.Context(), o)
		return err
	})
	if err != nil {
		t.Logf("the connection ended with: %v", err)
	}
	return o.Recorder.Transcript()
}

// A Case is one kind of connection.
type Case struct {
	Name   string
	Server service.Options
	Adjust func(*connect.Options)
}

// Cases are connections of every kind that shows other fields than the rest.
var Cases = []Case{
	{"client certificate", service.Options{}, nil},
	{"thirteen steps", service.Options{ClientAuth: service.NoClientAuth}, nil},
	{"rsa and cbc", service.Options{Key: pki.RSA2048, CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA}}, func(o *connect.Options) {
		o.TLS.CipherSuites = []tlsmsg.CipherSuite{tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA}
	}},
	{"chacha and alpn", service.Options{CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}, ALPN: []string{"http/1.1"}}, func(o *connect.Options) {
		o.TLS.ALPN = []string{"http/1.1"}
		o.TLS.GREASE = true
		o.TLS.SessionTicket = true
	}},
	{"an old version", service.Options{MinVersion: tlsmsg.VersionTLS10, MaxVersion: tlsmsg.VersionTLS10, Key: pki.RSA2048}, func(o *connect.Options) {
		o.TLS.MinVersion, o.TLS.MaxVersion = tlsmsg.VersionTLS10, tlsmsg.VersionTLS12
	}},
	{"tcp alone", service.Options{}, func(o *connect.Options) { o.Goal = goal.TCP }},
	{"a bad certificate", service.Options{Fault: pki.Expired}, nil},
	{"a bad link", service.Options{Body: []byte(strings.Repeat("rawshake ", 8000))}, func(o *connect.Options) {
		o.Dialer.Wrap = func(l link.Link) link.Link {
			return badlink.Wrap(l, badlink.Impairment{Seed: 7, Loss: 0.1, Duplicate: 0.1, Reorder: 0.2, Delay: time.Millisecond})
		}
	}},
}

// Each runs a test with the transcript of each case.
func Each(t *testing.T, test func(*testing.T, *transcript.Transcript)) {
	for _, c := range Cases {
		t.Run(c.Name, func(t *testing.T) { test(t, Run(t, c)) })
	}
}

// Run makes the connection of one case.
func Run(t testing.TB, c Case) *transcript.Transcript {
	t.Helper()
	l := New(t)
	server, err := l.StartTLSServer(c.Server)
	if err != nil {
		t.Fatal(err)
	}
	o := Options(t, server)
	if c.Adjust != nil {
		c.Adjust(&o)
	}
	return Connect(t, l, o)
}
