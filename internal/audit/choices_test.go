package audit_test

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/scripted"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A fallback is asked for wherever there is something to fall back to: down to SSL 3.0,
// for whose sake RFC 7507 was written.
func TestAFallbackIsAskedForDownToSSL30(t *testing.T) {
	for _, best := range []tlsmsg.Version{tlsmsg.VersionTLS12, tlsmsg.VersionTLS10} {
		for _, knows := range []bool{false, true} {
			s := scripted.Sound(scripted.ChainOf(papers(t).RSA))
			s.SCSV = knows
			s.Suites = map[tlsmsg.Version][]tlsmsg.CipherSuite{
				best:                {tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA},
				tlsmsg.VersionSSL30: {tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA},
			}
			r := audit.Run(t.Context(), auditing(t, s.Serve))
			if got := r.Features.FallbackSCSV; got == nil || *got != knows {
				t.Errorf("%v, and it knows the signal: %v; the report says %v", best, knows, got)
			}
		}
	}
}

// The certificate without a server name is asked for, whichever versions there are: of
// TLS 1.3 alone by a handshake, since it comes encrypted.
func TestTheCertificateWithoutANameIsFoundInEveryVersion(t *testing.T) {
	p := papers(t)
	of := func(cert []byte, key any) tls.Certificate {
		return tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}
	}
	named, other := of(p.ECDSA.Cert.Raw, p.ECDSA.Key), of(p.RSA.Cert.Raw, p.RSA.Key)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := &tls.Config{MinVersion: version, MaxVersion: version, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName == pki.ServerName {
				return &named, nil
			}
			return &other, nil
		}}
		r := audit.Run(t.Context(), auditing(t, func(conn net.Conn) {
			c := tls.Server(conn, cfg)
			defer c.Close()
			if c.Handshake() == nil {
				_, _ = c.Read(make([]byte, 1))
			}
		}))
		kinds := map[string]string{}
		for _, c := range r.Certificates {
			kinds[c.Kind] = map[bool]string{true: "named "}[c.Named] + map[bool]string{true: "unnamed"}[c.Default]
		}
		if len(kinds) != 2 || kinds["ECDSA"] != "named " || kinds["RSA"] != "unnamed" {
			t.Errorf("%s: %v", tls.VersionName(version), kinds)
		}
	}
}
