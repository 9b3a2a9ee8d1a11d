package probe

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/test/oddcert"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// serveOdd gives each address of 198.19.0.0/24 another kind of odd certificate,
// by the address's last octet.
func serveOdd(t *testing.T, l *lab.Lab, kinds []oddcert.Kind) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	ln, err := l.Far().Listen("tcp", "0.0.0.0:443")
	check(t, err)
	t.Cleanup(func() { ln.Close() })
	serve := func(c net.Conn) {
		defer c.Close()
		kind := kinds[int(c.LocalAddr().(*net.TCPAddr).IP.To4()[3])%len(kinds)]
		cfg := handshake.ServerConfig{MaxVersion: tlsmsg.VersionTLS13, Credentials: []handshake.ServerCredential{{Credential: handshake.Credential{
			Chain: [][]byte{kind.DER}, Schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256}, Curve: tlsmsg.GroupSecp256r1}}}}
		_ = tlsconn.Server(c, cfg, &worker.Worker{Signers: []crypto.Signer{key}}).Handshake(t.Context())
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
}

// A server with an odd certificate is described as one with a good one: what the
// certificate says, and what is wrong with it.
func TestServersWithOddCertificatesAreDescribed(t *testing.T) {
	l := newWideLab(t)
	kinds := oddcert.Kinds()
	serveOdd(t, l, kinds)
	for name, change := range map[string]func(*Options){
		"TLS 1.2":         func(o *Options) { o.TLS.MaxVersion = tlsmsg.VersionTLS12 },
		"TLS 1.3":         func(o *Options) { o.TLS.MinVersion, o.TLS.MaxVersion = tlsmsg.VersionTLS13, tlsmsg.VersionTLS13 },
		"to its Finished": func(o *Options) { o.TLS.MaxVersion, o.Goal = tlsmsg.VersionTLS12, GoalFinished },
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, "443", "198.19.0.0/24")
			o.Name = "odd.lab.test"
			change(&o)
			out, _ := scan(t, l, o)
			readRecords(t, out) // checks them against the schema
			described := 0
			for line := range bytes.Lines(out) {
				var r struct {
					Addr, Outcome string
					Chain         []struct {
						Serial, SHA256, PublicKey string
						Anomalies                 []struct{ Code, Part string }
					}
					Reasons []string `json:"certificate_reasons"`
				}
				check(t, json.Unmarshal(line, &r))
				kind := kinds[int(net.ParseIP(r.Addr).To4()[3])%len(kinds)]
				if len(r.Chain) == 0 {
					t.Errorf("%s: %s", kind.Name, line)
					continue
				}
				described++
				found := kind.Anomaly == ""
				for _, a := range r.Chain[0].Anomalies {
					found = found || der.Anomaly(a.Code) == kind.Anomaly
				}
				if !found {
					t.Errorf("%s: no %s in %s", kind.Name, kind.Anomaly, line)
				}
				if o.Goal == GoalCertificate && r.Outcome != "certificate" || o.Goal == GoalFinished && len(r.Reasons) == 0 {
					t.Errorf("%s: %s", kind.Name, line)
				}
			}
			if described != 256 {
				t.Errorf("%d are described", described)
			}
		})
	}
}
