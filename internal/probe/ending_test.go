package probe

import (
	"crypto/tls"
	"encoding/json"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/schema"
)

func TestARecordTellsOfOCSPAndSCTs(t *testing.T) {
	l := newWideLab(t)
	pki, err := pki.New(pki.Options{})
	check(t, err)
	ln, err := l.Far().Listen("tcp", "0.0.0.0:443")
	check(t, err)
	defer ln.Close()
	cfg := &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{pki.Server.Cert.Raw}, PrivateKey: pki.Server.Key,
		OCSPStaple: make([]byte, 471), SignedCertificateTimestamps: [][]byte{make([]byte, 120), make([]byte, 119)}}}}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { tls.Server(c, cfg).Handshake(); c.Close() }()
		}
	}()
	o := options(t, "443", "198.19.0.1")
	o.Goal = GoalFinished
	out, _ := scan(t, l, o)
	schema.Check(t, out)
	var r struct {
		Outcome string
		OCSP    int `json:"ocsp_response_len"`
		SCTs    int
	}
	check(t, json.Unmarshal(out, &r))
	if r.OCSP != 471 || r.SCTs != 2 {
		t.Errorf("%+v in %s", r, out)
	}
}
