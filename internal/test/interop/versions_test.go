package interop

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// One ClientHello offers TLS 1.3 and 1.2, and connect goes on with whichever the
// server takes, unless a flag chooses.
func TestConnectGoesOnWithTheVersionThatTheServerTakes(t *testing.T) {
	l := newLab(t)
	p, err := pki.New(pki.Options{Addresses: addresses(l.Far())})
	if err != nil {
		t.Fatal(err)
	}
	ca := writeFile(t, "ca.pem", p.CA.CertPEM())
	for name, c := range map[string]struct {
		low, high uint16 // of the server
		flags     []string
		version   string // empty: none in common
	}{
		"both":              {tls.VersionTLS12, tls.VersionTLS13, nil, "TLS 1.3"},
		"1.3 alone":         {tls.VersionTLS13, tls.VersionTLS13, nil, "TLS 1.3"},
		"1.2 alone":         {tls.VersionTLS12, tls.VersionTLS12, nil, "TLS 1.2"},
		"1.1 alone":         {tls.VersionTLS10, tls.VersionTLS11, nil, ""},
		"all, and 1.0":      {tls.VersionTLS10, tls.VersionTLS13, []string{"--min-version", "1.0"}, "TLS 1.3"},
		"1.0 alone, asked":  {tls.VersionTLS10, tls.VersionTLS10, []string{"--min-version", "1.0"}, "TLS 1.0"},
		"both, 1.2 at most": {tls.VersionTLS12, tls.VersionTLS13, []string{"--max-version", "1.2"}, "TLS 1.2"},
		"both, legacy":      {tls.VersionTLS12, tls.VersionTLS13, []string{"--legacy"}, "TLS 1.2"},
		"both, suite of 1.2": {tls.VersionTLS12, tls.VersionTLS13,
			[]string{"--ciphers", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}, "TLS 1.2"},
		"both, suite of 1.3": {tls.VersionTLS12, tls.VersionTLS13, []string{"--ciphers", "TLS_CHACHA20_POLY1305_SHA256"}, "TLS 1.3"},
		"1.2, suite of 1.3":  {tls.VersionTLS12, tls.VersionTLS12, []string{"--ciphers", "TLS_AES_128_GCM_SHA256"}, ""},
		"both, suites of both": {tls.VersionTLS12, tls.VersionTLS12,
			[]string{"--ciphers", "TLS_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}, "TLS 1.2"},
		"both, 1.3 at least":  {tls.VersionTLS12, tls.VersionTLS13, []string{"--min-version", "1.3"}, "TLS 1.3"},
		"both, a fallback":    {tls.VersionTLS12, tls.VersionTLS13, []string{"--fallback-scsv"}, ""},
		"1.2, and a fallback": {tls.VersionTLS12, tls.VersionTLS12, []string{"--fallback-scsv"}, "TLS 1.2"},
	} {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{Certificates: []tls.Certificate{p.Server.TLS()}, MinVersion: c.low, MaxVersion: c.high}
			at := serve(t, l, func(tcp *net.TCPConn) {
				s := tls.Server(tcp, config)
				_, _ = io.Copy(io.Discard, s)
				_ = s.Close()
			})
			r := rawshake(t, l.Near(), append([]string{"connect", "--json", "--ca", ca, at}, c.flags...)...)
			if c.version == "" {
				r.want(t, 6)
				return
			}
			if res := entries(t, r.want(t, 0).stdout); res[len(res)-1].Version != c.version {
				t.Errorf("version %q, want %q", res[len(res)-1].Version, c.version)
			}
		})
	}
}

// A client of TLS 1.3 is done before the server has read its certificate: what
// the server says of that afterwards is the outcome.
func TestAServerOfTLS13ThatRefusesTheClientAfterwardsIsHeard(t *testing.T) {
	for _, p := range peers13 {
		t.Run(p.name, func(t *testing.T) {
			l := newLab(t)
			f := newFiles(t, l.Far(), pki.ECDSAP256, "")
			unknown := newFiles(t, l.Far(), pki.ECDSAP256, "")
			p.start(t, l.Far(), f, true)
			at := hostPort(l.Far(), peerPort)
			for _, link := range []string{"auto", "kernel"} {
				rawshake(t, l.Near(), "connect", "--link", link, "--ca", f.ca, at).want(t, 6).says(t, "client_certificate_required", "--cert")
				rawshake(t, l.Near(), "connect", "--link", link, "--ca", f.ca, "--cert", unknown.clientCert, "--key", unknown.clientKey, at).want(t, 6).says(t, "alert")
				rawshake(t, l.Near(), "connect", "--link", link, "--ca", f.ca, "--cert", f.clientCert, "--key", f.clientKey, at).want(t, 0)
			}
		})
	}
}
