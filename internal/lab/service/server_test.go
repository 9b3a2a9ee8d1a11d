package service_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/tlsmsg"
)

func clientConfig(p *pki.PKI, withCert bool) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(p.CA.Cert)
	c := &tls.Config{RootCAs: roots, ServerName: pki.ServerName}
	if withCert {
		c.Certificates = []tls.Certificate{p.Client.TLS()}
	}
	return c
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// A seen is what a server's session says whoever's TLS it is.
type seen struct {
	complete, closeNotify, failed bool
	request                       string
	alert                         tlsmsg.AlertDescription
}

// served has a client talk to a server, and says what that saw.
func served[S any](t *testing.T, s *service.Server[S], err error, client func(*tls.Conn), config func(*pki.PKI) *tls.Config) seen {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tcp, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	_ = tcp.SetDeadline(time.Now().Add(time.Minute))
	client(tls.Client(tcp, config(s.PKI)))
	_ = tcp.Close()
	ses, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return seen{ses.Complete, ses.CloseNotify, ses.Err != nil, string(ses.Request), ses.Alert}
}

// Both servers tell the same of the same client.
func TestBothServersSeeTheSame(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	get := func(c *tls.Conn) {
		fmt.Fprint(c, request)
		if reply, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(reply), "HTTP/1.1 200 OK\r\n") {
			t.Errorf("reply %q, %v", reply, err)
		}
		_ = c.Close()
	}
	leave := func(c *tls.Conn) {
		if err := c.Handshake(); err != nil {
			t.Error(err)
		}
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
	fail := func(c *tls.Conn) {
		err := c.Handshake()
		if err == nil { // of TLS 1.3: the server may refuse it yet
			_, err = c.Read(make([]byte, 1))
		}
		if err == nil {
			t.Error("the server refuses nothing")
		}
	}
	for name, c := range map[string]struct {
		o      service.Options
		cert   bool
		client func(*tls.Conn)
		want   seen
	}{
		"a page":                   {service.Options{}, false, get, seen{complete: true, closeNotify: true, request: request}},
		"a page for a known one":   {service.Options{ClientAuth: service.RequireClient}, true, get, seen{complete: true, closeNotify: true, request: request}},
		"no request":               {service.Options{}, false, leave, seen{complete: true, closeNotify: true}},
		"a certificate too old":    {service.Options{Fault: pki.Expired}, false, fail, seen{failed: true, alert: tlsmsg.AlertBadCertificate}},
		"nobody where one must be": {service.Options{ClientAuth: service.RequireClient}, false, fail, seen{failed: true}},
		"another version":          {service.Options{MaxVersion: tlsmsg.VersionTLS11}, false, fail, seen{failed: true}},
	} {
		t.Run(name, func(t *testing.T) {
			config := func(p *pki.PKI) *tls.Config { return clientConfig(p, c.cert) }
			theirs, err := service.NewTLSServer(listen(t), c.o)
			a := served(t, theirs, err, c.client, config)
			ours, err := service.NewOurServer(listen(t), c.o)
			b := served(t, ours, err, c.client, config)
			if a != b || a != c.want {
				t.Errorf("crypto/tls saw %+v, ours %+v, want %+v", a, b, c.want)
			}
		})
	}
}

// What a server's TLS has not is refused by name, and not left out in silence.
func TestOptionsOfTheOtherServerAreRefused(t *testing.T) {
	wrong, err := service.ParseServerFault("stop certificate")
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]service.Options{"session IDs": {SessionIDs: true}, "a fault": {Wrong: wrong}, "nonsense": {ClientAuth: "perhaps"},
		"early data": {EarlyData: true}, "key updates": {KeyUpdate: true}, "late questions": {ClientAuth: service.LaterClient}} {
		if s, err := service.NewTLSServer(listen(t), o); err == nil {
			_ = s.Close()
			t.Errorf("crypto/tls takes %s", name)
		}
	}
	for name, o := range map[string]service.Options{"a key log": {KeyLog: io.Discard}, "nonsense": {ClientAuth: "perhaps"}} {
		if s, err := service.NewOurServer(listen(t), o); err == nil {
			_ = s.Close()
			t.Errorf("ours takes %s", name)
		}
	}
	for _, s := range []service.Service{{Kind: service.CryptoTLS, SessionIDs: true}, {Kind: service.CryptoTLS, HandshakeFault: "stop certificate"}} {
		if s.Check() == nil {
			t.Errorf("a topology may say %+v", s)
		}
	}
}
