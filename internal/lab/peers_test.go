package lab_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/tlsmsg"
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

func TestCertificateFaultsAreWhatTheySay(t *testing.T) {
	l := newLab(t)
	verdict := func(fault pki.Fault) (*x509.Certificate, error) {
		srv := startServer(t, l, service.Options{Fault: fault})
		_, err := get(t.Context(), l, srv.Addr().String(), clientConfig(srv.PKI, false))
		return srv.PKI.Server.Cert, err
	}
	var invalid x509.CertificateInvalidError
	if _, err := verdict(pki.Expired); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		t.Errorf("expired: %v", err)
	}
	var unknown x509.UnknownAuthorityError
	if _, err := verdict(pki.SelfSigned); !errors.As(err, &unknown) {
		t.Errorf("self-signed: %v", err)
	}
	var name x509.HostnameError
	if cert, err := verdict(pki.WrongName); !errors.As(err, &name) {
		t.Errorf("wrong name: %v", err)
	} else if cert.VerifyHostname(l.Far().Addr().String()) == nil {
		t.Error("wrong name: the certificate fits the server's address")
	}
	if cert, err := verdict(pki.Escapes); err != nil || !strings.Contains(cert.Subject.CommonName, "\x1b[31m") {
		t.Errorf("escapes: name %q, %v; want a certificate that verifies", cert.Subject.CommonName, err)
	}
	if cert, err := verdict(""); err != nil || cert.VerifyHostname(l.Far().Addr().String()) != nil {
		t.Errorf("no fault: %v", err)
	}
}

func TestServerSpeaksOneVersionOnly(t *testing.T) {
	l := newLab(t)
	srv := startServer(t, l, service.Options{MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13})
	config := clientConfig(srv.PKI, false)
	config.MaxVersion = tls.VersionTLS12
	_, err := get(t.Context(), l, srv.Addr().String(), config)
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("a TLS 1.2 client got %v, want the alert protocol_version", err)
	}
}

func TestRequireClientRefusesAnEmptyCertificate(t *testing.T) {
	l := newLab(t)
	srv := startServer(t, l, service.Options{ClientAuth: service.RequireClient})
	if _, err := get(t.Context(), l, srv.Addr().String(), clientConfig(srv.PKI, false)); err == nil {
		t.Error("a client without a certificate was served")
	}
	if s, err := srv.Next(t.Context()); err != nil || s.Err == nil || s.Complete {
		t.Errorf("session %+v, %v; want a refused one", s, err)
	}
	if _, err := get(t.Context(), l, srv.Addr().String(), clientConfig(srv.PKI, true)); err != nil {
		t.Error(err)
	}
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

func TestPeersThatSpeakNoTLS(t *testing.T) {
	l := newLab(t)
	start := func(kind service.Kind) *lab.Peer {
		p, err := l.StartPeer(kind)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	// say sends a line and returns what comes back until the end.
	say := func(p *lab.Peer, patience time.Duration) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c, err := l.Near().Dial(ctx, "tcp", p.Addr().String())
		if err != nil {
			return "", err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, "hello\n")
		got, err := io.ReadAll(c)
		return string(got), err
	}
	const long, short = 10 * time.Second, 300 * time.Millisecond

	if _, err := say(start(service.Closed), long); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("closed port: %v, want ECONNREFUSED", err)
	}
	var dial *net.OpError
	if _, err := say(start(service.Silent), short); !errors.As(err, &dial) || dial.Op != "dial" || !dial.Timeout() {
		t.Errorf("silent port: %v, want a dial that times out", err)
	}
	if got, err := say(start(service.Mute), short); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("mute peer: %q, %v; want nothing until the deadline", got, err)
	}
	if got, err := say(start(service.HTTP), long); got != service.PlainReply || err != nil {
		t.Errorf("plain HTTP: %q, %v", got, err)
	}
	if got, err := say(start(service.Hangup), long); got != "" || err != nil {
		t.Errorf("hangup: %q, %v; want a clean end", got, err)
	}
}
