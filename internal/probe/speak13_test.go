package probe

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/schema"
	"github.com/rawshake/rawshake/tlsmsg"
)

// serveGo has crypto/tls answer on every address of the far host, say a line, and hang up.
func serveGo(t testing.TB, l *lab.Lab, address string, cfg *tls.Config) {
	t.Helper()
	pki, err := pki.New(pki.Options{})
	check(t, err)
	cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{pki.Server.Cert.Raw, pki.CA.Cert.Raw}, PrivateKey: pki.Server.Key}}
	ln, err := l.Far().Listen("tcp", address)
	check(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				s := tls.Server(c, cfg)
				if s.Handshake() == nil {
					var b [4096]byte
					s.Read(b[:])
					s.Write([]byte("HTTP/1.0 200 OK\r\n\r\nhello"))
					s.Close()
				}
			}()
		}
	}()
}

// one ClientHello reaches a server of either version, and one that asks for another
// hello, at each goal; also where the client that hears the answer is made again.
func TestOneClientHelloOffersBothVersions(t *testing.T) {
	defer func(n int) { fewConns = n }(fewConns)
	l := newWideLab(t)
	serveGo(t, l, "0.0.0.0:1200", &tls.Config{MaxVersion: tls.VersionTLS12})
	serveGo(t, l, "0.0.0.0:1300", &tls.Config{MinVersion: tls.VersionTLS13})
	serveGo(t, l, "0.0.0.0:1301", &tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveP384}})
	serveGo(t, l, "0.0.0.0:1302", &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519}})
	want := map[int]struct{ version, group string }{
		1200: {"TLS 1.2", "x25519"}, 1300: {"TLS 1.3", "X25519MLKEM768"}, 1301: {"TLS 1.3", "secp384r1"}, 1302: {"TLS 1.3", "x25519"},
	}
	for _, few := range []int{256, 0} {
		fewConns = few
		for _, goal := range []Goal{GoalHello, GoalCertificate, GoalFinished, GoalData} {
			o := options(t, "1200,1300-1302", "198.19.0.0/28")
			o.Goal, o.Request = goal, []byte("GET / HTTP/1.0\r\n\r\n")
			o.TLS.MinVersion, o.TLS.MaxVersion = tlsmsg.VersionTLS12, tlsmsg.VersionTLS13
			out, stats := scan(t, l, o)
			schema.Check(t, out)
			for line := range bytes.Lines(out) {
				var r struct {
					Outcome, Version, Group, Data string
					Port                          int
				}
				check(t, json.Unmarshal(line, &r))
				if w := want[r.Port]; r.Outcome != goal.Outcome() || r.Version != w.version || goal >= GoalFinished && r.Group != w.group || goal == GoalData && r.Data == "" {
					t.Fatalf("to %v, with %d clients kept: %s", goal, few, line)
				}
			}
			if stats.Results != o.Space.Len() {
				t.Errorf("%d results of %d", stats.Results, o.Space.Len())
			}
		}
	}
}
