package handshake_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A ticket of TLS 1.3 leads to a handshake without a certificate, in whose place
// the chain of the first is judged anew; also where the server asks for another
// share, and where the suite is another with the same hash. Where the hash is
// another's, the handshake is a full one.
func TestSessionsOfTLS13AreResumedWithGo(t *testing.T) {
	server := theAuthority().server("ecdsa256")
	server.MaxVersion = tls.VersionTLS13
	visit := func(t *testing.T, cfg handshake.Config, groups ...tls.CurveID) handshake.State {
		t.Helper()
		server := server.Clone()
		server.CurvePreferences = groups
		stream, s := serve(t, server)
		cfg.Random, cfg.ServerName, cfg.MinVersion, cfg.MaxVersion = randomBytes(), serverName, tlsmsg.VersionTLS12, tlsmsg.VersionTLS13
		d := &driver{c: handshake.NewClient(cfg), w: theAuthority().worker(), stream: stream}
		if err := d.handshake(); err != nil {
			t.Fatalf("%v (server: %v)", err, <-s.done)
		}
		exchangeData(t, d, s, 16)
		return d.c.State()
	}
	server.SetSessionTicketKeys([][32]byte{{1}})
	for name, tc := range map[string]struct {
		then   []tlsmsg.CipherSuite
		groups []tls.CurveID
		age    uint32
		full   bool
	}{
		"the same":        {nil, nil, 0, false},
		"another share":   {nil, []tls.CurveID{tls.CurveP384}, 0, false},
		"another suite":   {[]tlsmsg.CipherSuite{tlsmsg.TLS_CHACHA20_POLY1305_SHA256}, nil, 0, false},
		"both":            {[]tlsmsg.CipherSuite{tlsmsg.TLS_CHACHA20_POLY1305_SHA256}, []tls.CurveID{tls.CurveP384}, 0, false},
		"another hash":    {[]tlsmsg.CipherSuite{tlsmsg.TLS_AES_256_GCM_SHA384}, nil, 0, true},
		"an old ticket":   {nil, nil, 604800 * 1000, true},
		"a young one yet": {nil, nil, 1000, false},
	} {
		t.Run(name, func(t *testing.T) {
			first := visit(t, handshake.Config{CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_AES_128_GCM_SHA256}})
			if first.Resumed || first.Session == nil || len(first.Session.PSK) != 32 || len(first.Chain) == 0 {
				t.Fatalf("%+v", first)
			}
			session := *first.Session
			session.Age = tc.age
			cfg := handshake.Config{CipherSuites: tc.then, Session: &session}
			again := visit(t, cfg, tc.groups...)
			if again.Resumed == tc.full || !again.Verified() || len(again.Chain) != len(first.Chain) || !bytes.Equal(again.Chain[0], first.Chain[0]) || again.Session == nil {
				t.Errorf("resumed %v, verified %v, session %v", again.Resumed, again.Verified(), again.Session != nil)
			}
		})
	}
}

func TestSessionsOfTLS13AreResumedWithOpenSSL(t *testing.T) {
	for name, args := range map[string][]string{"plain": {"-tls1_3"}, "a cookie": {"-stateless"}, "P-384": {"-groups", "P-384"}} {
		server := startOpenSSL(t, theAuthority().cert("rsa"), args...)
		for _, id := range suite.IDs13() {
			t.Run(fmt.Sprintf("%s/%v", name, id), func(t *testing.T) {
				cfg := config13(tlsmsg.VersionTLS12)
				cfg.CipherSuites = []tlsmsg.CipherSuite{id}
				for turn := range 3 {
					got := server.visit(t, cfg)
					if got.Resumed != (turn > 0) || !got.Verified() || got.Session == nil {
						t.Fatalf("turn %d: %+v", turn, got)
					}
					cfg.Session = got.Session
				}
			})
		}
	}
}
