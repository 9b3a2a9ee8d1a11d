package service_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/tlsmsg"
)

func startOurs(t *testing.T, o service.Options) *service.OurServer {
	t.Helper()
	srv, err := service.NewOurServer(listen(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	return srv
}

// shake does a handshake with a server, and asks for a page.
func shake(t *testing.T, srv *service.OurServer, config *tls.Config, patience time.Duration) error {
	t.Helper()
	tcp, err := net.Dial("tcp", srv.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	_ = tcp.SetDeadline(time.Now().Add(patience))
	c := tls.Client(tcp, config)
	if err := c.Handshake(); err != nil {
		return err
	}
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if reply, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(reply), "HTTP/1.1 200 OK\r\n") {
		return fmt.Errorf("%q, %w", reply, err)
	}
	return c.Close()
}

// An independent client is served by our own server as by any other.
func TestOurServerServesAnIndependentClient(t *testing.T) {
	for name, o := range map[string]service.Options{
		"defaults":    {},
		"RSA":         {Key: pki.RSA2048, CipherSuites: []tlsmsg.CipherSuite{0xC030}},
		"client auth": {ClientAuth: service.RequireClient, Tickets: true},
		"P-521":       {Key: pki.ECDSAP521},
		"both":        {MaxVersion: tlsmsg.VersionTLS13},
		"TLS 1.3":     {MinVersion: tlsmsg.VersionTLS13, ClientAuth: service.RequireClient, Key: pki.RSA2048, Tickets: true},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startOurs(t, o)
			if err := shake(t, srv, clientConfig(srv.PKI, o.ClientAuth != ""), time.Minute); err != nil {
				t.Fatal(err)
			}
			s, err := srv.Next(t.Context())
			if err != nil || !s.Complete || s.Err != nil || !s.CloseNotify || !strings.HasPrefix(string(s.Request), "GET / ") {
				t.Errorf("session %+v, %v", s, err)
			}
			if got := len(s.State.Chain) > 0; got != (o.ClientAuth != "") {
				t.Errorf("client certificate arrived: %v", got)
			}
		})
	}
}

// Each fault is what an independent client calls by its name.
func TestOurServerDoesWrongAsItIsTold(t *testing.T) {
	for text, want := range map[string]string{
		"stop certificate":                    "i/o timeout",
		"close certificate":                   "EOF",
		"reset certificate":                   "connection reset",
		"skip certificate":                    "unexpected",
		"repeat certificate":                  "unexpected",
		"reorder certificate":                 "unexpected",
		"corrupt server_key_exchange":         "invalid signature",
		"corrupt finished":                    "Finished message",
		"break finished":                      "bad record MAC",
		"alert handshake_failure certificate": "handshake failure",
		"alert internal_error server_hello":   "internal error",
		"alert access_denied finished":        "access denied",
	} {
		t.Run(text, func(t *testing.T) {
			m, err := service.ParseServerFault(text)
			if err != nil {
				t.Fatal(err)
			}
			srv := startOurs(t, service.Options{Key: pki.RSA2048, Wrong: m, CipherSuites: []tlsmsg.CipherSuite{0xC02F}})
			patience := time.Minute
			if m.Act == service.Stop { // it is the silence that is waited for
				patience = 200 * time.Millisecond
			}
			err = shake(t, srv, clientConfig(srv.PKI, false), patience)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the client says %v, want something about %q", err, want)
			}
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() != (m.Act == service.Stop) {
				t.Errorf("timeout: %v", err)
			}
			if errors.Is(err, syscall.ECONNRESET) != (m.Act == service.ResetAt) {
				t.Errorf("reset: %v", err)
			}
		})
	}
	srv := startOurs(t, service.Options{Wrong: serverFault(t, "warn user_canceled server_key_exchange")})
	if err := shake(t, srv, clientConfig(srv.PKI, false), time.Minute); err != nil {
		t.Errorf("a warning ended the handshake: %v", err)
	}
}

func serverFault(t *testing.T, text string) service.ServerFault {
	t.Helper()
	m, err := service.ParseServerFault(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
