package probe

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
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

// One ClientHello reaches a server of either version, and one that asks for another
// hello, at each goal; also where the client that hears the answer is made again.
func TestOneClientHelloOffersBothVersions(t *testing.T) {
	defer func(n int) { fewConns = n }(fewConns)
	l := newWideLab(t)
	serveGo(t, l, "0.0.0.0:1200", &tls.Config{MaxVersion: tls.VersionTLS12})
	serveGo(t, l, "0.0.0.0:1300", &tls.Config{MinVersion: tls.VersionTLS13})
	serveGo(t, l, "0.0.0.0:1301", &tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveP384}})
	serveGo(t, l, "0.0.0.0:1302", &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519}})
	want := map[int]struct{ version, group, retry string }{
		1200: {"TLS 1.2", "x25519", ""}, 1300: {"TLS 1.3", "X25519MLKEM768", ""}, 1301: {"TLS 1.3", "secp384r1", "secp384r1"}, 1302: {"TLS 1.3", "x25519", ""},
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
				var r record13
				check(t, json.Unmarshal(line, &r))
				w := want[r.Port]
				if r.Outcome != goal.Outcome() || r.Version != w.version || goal >= GoalFinished && r.Group != w.group || goal == GoalData && r.Data == "" {
					t.Fatalf("to %v, with %d clients kept: %s", goal, few, line)
				}
				if wrong := r.wrong(goal, w.retry); w.version == "TLS 1.3" && wrong != "" || w.version != "TLS 1.3" && r.KeyShares != nil {
					t.Fatalf("to %v: %s: %s", goal, wrong, line)
				}
			}
			if stats.Results != o.Space.Len() {
				t.Errorf("%d results of %d", stats.Results, o.Space.Len())
			}
		}
	}
}

// record13 is what a record says of TLS 1.3.
type record13 struct {
	Outcome, Version, Group, Data string
	Port                          int
	Scheme                        string   `json:"signature_scheme"`
	Encrypted                     []string `json:"encrypted_extensions"`
	KeyShares                     []struct {
		Group string
		Len   int
	} `json:"key_shares"`
	Retry *struct {
		Group  string
		Cookie bool
	} `json:"hello_retry_request"`
	Tickets []struct {
		Lifetime int `json:"lifetime_hint_s"`
		Len      int `json:"ticket_len"`
	}
}

// wrong says what is wrong with the record of a server of Go's.
func (r *record13) wrong(goal Goal, retry string) string {
	switch {
	case len(r.KeyShares) != 2 || r.KeyShares[0].Group != "X25519MLKEM768" || r.KeyShares[0].Len != 1184+32 || r.KeyShares[1].Group != "x25519" || r.KeyShares[1].Len != 32:
		return "other shares"
	case (r.Retry != nil) != (retry != ""), r.Retry != nil && (r.Retry.Group != retry || r.Retry.Cookie):
		return "another HelloRetryRequest"
	case goal >= GoalFinished && r.Scheme != "ecdsa_secp256r1_sha256":
		return "another signature scheme"
	case goal == GoalFinished && (len(r.Tickets) != 1 || r.Tickets[0].Lifetime != 7*24*3600 || r.Tickets[0].Len < 64):
		return "other tickets"
	}
	return ""
}

// Asked by an encrypted ClientHello that nobody can open, a server says to which keys it
// can be sent one; others say nothing. The same when the client is made again.
func TestWhichKeysAServerHasForAnEncryptedClientHello(t *testing.T) {
	defer func(n int) { fewConns = n }(fewConns)
	l := newWideLab(t)
	papers, err := pki.New(pki.Options{ECH: "public.lab.test"})
	check(t, err)
	key, err := papers.ECH.Key.Bytes()
	check(t, err)
	keys := []tls.EncryptedClientHelloKey{{Config: papers.ECH.Config.Append(nil), PrivateKey: key, SendAsRetry: true}}
	serveGo(t, l, "0.0.0.0:1200", &tls.Config{MaxVersion: tls.VersionTLS12})
	serveGo(t, l, "0.0.0.0:1300", &tls.Config{EncryptedClientHelloKeys: keys})
	serveGo(t, l, "0.0.0.0:1301", &tls.Config{EncryptedClientHelloKeys: keys, CurvePreferences: []tls.CurveID{tls.CurveP384}})
	serveGo(t, l, "0.0.0.0:1302", &tls.Config{})
	for _, few := range []int{256, 0} {
		fewConns = few
		o := options(t, "1200,1300-1302", "198.19.0.0/28")
		o.Goal, o.TLS.MaxVersion, o.TLS.GREASEECH = GoalFinished, tlsmsg.VersionTLS13, true
		out, _ := scan(t, l, o)
		schema.Check(t, out)
		for line := range bytes.Lines(out) {
			var r struct {
				Outcome string
				Port    int
				ECH     struct {
					Configs []struct {
						ID   int    `json:"config_id"`
						Name string `json:"public_name"`
					} `json:"retry_configs"`
					List string `json:"config_list"`
				}
			}
			check(t, json.Unmarshal(line, &r))
			has := len(r.ECH.Configs) == 1 && r.ECH.Configs[0].ID == int(papers.ECH.Config.ConfigID) && r.ECH.Configs[0].Name == "public.lab.test" &&
				r.ECH.List == base64.StdEncoding.EncodeToString(tlsmsg.AppendECHConfigList(nil, []tlsmsg.ECHConfig{papers.ECH.Config}))
			if r.Outcome != "finished" || has != (r.Port == 1300 || r.Port == 1301) {
				t.Fatalf("with %d clients kept: %s", few, line)
			}
		}
	}
}

// A ClientHello of two packets gets through where one in seven is lost, and the client
// that made it is gone: what is made again is what was lost.
func TestAClientHelloOfTwoPacketsGetsThroughABadLink(t *testing.T) {
	defer func(n int) { fewConns = n }(fewConns)
	fewConns = 0
	l := newWideLab(t)
	serveGo(t, l, "0.0.0.0:1300", &tls.Config{MinVersion: tls.VersionTLS13})
	serveGo(t, l, "0.0.0.0:1301", &tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveP384}})
	o := options(t, "1300,1301", "198.19.0.0/26")
	o.Goal, o.Retries, o.Timeout = GoalFinished, 10, MaxTimeout
	o.TLS.MinVersion, o.TLS.MaxVersion = tlsmsg.VersionTLS12, tlsmsg.VersionTLS13
	w := newLossyLink(3, 0.15)
	o.Wrap = w.wrap
	out, _ := scan(t, l, o)
	for line := range bytes.Lines(out) {
		var r record13
		check(t, json.Unmarshal(line, &r))
		if r.Outcome != "finished" || r.Version != "TLS 1.3" {
			t.Errorf("%s", line)
		}
	}
	if w.lost < 100 {
		t.Errorf("%d packets were lost", w.lost)
	}
}
