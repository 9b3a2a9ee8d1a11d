package handshake_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A key that both sides were given stands for certificates, of either hash, imported
// or not, with a key exchange or alone, and also after a HelloRetryRequest; where one
// of them does not have it the certificate serves, and where the keys differ nothing
// does.
func TestPSKsFromOutsideTLS(t *testing.T) {
	mine := handshake.PSK{Identity: []byte("mine"), Key: bytes.Repeat([]byte{1}, 32)}
	other := handshake.PSK{Identity: []byte("other"), Key: bytes.Repeat([]byte{2}, 32)}
	long := handshake.PSK{Identity: []byte("long"), Key: bytes.Repeat([]byte{3}, 48), Hash: suite.SHA384}
	wrong := handshake.PSK{Identity: []byte("mine"), Key: bytes.Repeat([]byte{4}, 32)}
	imported := func(context string) []handshake.PSK { return handshake.ImportPSK(long, []byte(context)) }
	for name, tc := range map[string]struct {
		client, server []handshake.PSK
		edit           func(c *handshake.Config, s *handshake.ServerConfig)
		used           string // identity; "": a certificate
		alone          bool
		alert          tlsmsg.AlertDescription
	}{
		"one":                 {client: []handshake.PSK{mine}, server: []handshake.PSK{mine}, used: "mine"},
		"the second":          {client: []handshake.PSK{other, mine}, server: []handshake.PSK{mine}, used: "mine"},
		"SHA-384":             {client: []handshake.PSK{long}, server: []handshake.PSK{mine, long}, used: "long"},
		"one that is unknown": {client: []handshake.PSK{mine}, server: []handshake.PSK{other}},
		"none of the client":  {server: []handshake.PSK{other}},
		"another key":         {client: []handshake.PSK{wrong}, server: []handshake.PSK{mine}, alert: tlsmsg.AlertDecryptError},
		"imported":            {client: imported("a"), server: imported("a"), used: string(imported("a")[0].Identity)},
		"of another context":  {client: imported("a"), server: imported("b")},
		"after a retry": {client: []handshake.PSK{mine}, server: []handshake.PSK{mine}, used: "mine",
			edit: func(_ *handshake.Config, s *handshake.ServerConfig) {
				s.Groups, s.Cookie = []tlsmsg.NamedGroup{tlsmsg.GroupSecp521r1}, []byte("once more")
			}},
		"not with the other's hash": {client: []handshake.PSK{long}, server: []handshake.PSK{long},
			edit: func(_ *handshake.Config, s *handshake.ServerConfig) {
				s.CipherSuites = []tlsmsg.CipherSuite{tlsmsg.TLS_AES_128_GCM_SHA256}
			}},
		"alone, where both like it": {client: []handshake.PSK{mine}, server: []handshake.PSK{mine}, used: "mine",
			edit: func(c *handshake.Config, s *handshake.ServerConfig) { c.PSKAlone, s.PSKAlone = true, true }},
		"alone, as the client can do no other": {client: []handshake.PSK{mine}, server: []handshake.PSK{mine}, used: "mine", alone: true,
			edit: func(c *handshake.Config, s *handshake.ServerConfig) {
				c.PSKAlone, s.PSKAlone = true, true
				c.Extensions = []tlsmsg.Extension{tlsmsg.NewExtension(&tlsmsg.PSKKeyExchangeModes{Modes: []tlsmsg.PSKKeyExchangeMode{tlsmsg.PSKModeKE}}, tlsmsg.TypeClientHello)}
			}},
		"alone, which the server does not like": {client: []handshake.PSK{mine}, server: []handshake.PSK{mine},
			edit: func(c *handshake.Config, _ *handshake.ServerConfig) {
				c.PSKAlone = true
				c.Extensions = []tlsmsg.Extension{tlsmsg.NewExtension(&tlsmsg.PSKKeyExchangeModes{Modes: []tlsmsg.PSKKeyExchangeMode{tlsmsg.PSKModeKE}}, tlsmsg.TypeClientHello)}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			a := theAuthority()
			cfg, cw := a.client(t, "")
			cfg.MaxVersion, cfg.PSKs = tlsmsg.VersionTLS13, tc.client
			scfg, sw := a.serverConfig(t, "ecdsa256")
			scfg.MaxVersion, scfg.PSKs, scfg.Tickets = tlsmsg.VersionTLS13, tc.server, true
			sw.Sessions = newSessions()
			if tc.edit != nil {
				tc.edit(&cfg, &scfg)
			}
			for _, resumed := range []bool{false, true} {
				cfg.Random, scfg.Random = randomBytes(), randomBytes()
				p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw}
				err := p.shake()
				var e *handshake.ProtocolError
				if tc.alert != 0 {
					if !errors.As(p.s.Err(), &e) || e.Alert != tc.alert {
						t.Errorf("%v", err)
					}
					return
				}
				if err != nil {
					t.Fatalf("resumed %v: %v", resumed, err)
				}
				c, s := p.c.State(), p.s.State()
				if c.Resumed != resumed || s.Resumed != resumed || c.Verified() == (tc.used != "") || string(c.PSKIdentity) != tc.used ||
					!resumed && (string(s.PSKIdentity) != tc.used || (c.Scheme == 0) != (tc.used != "")) || (c.Group == 0) != tc.alone || s.Group != c.Group {
					t.Errorf("resumed %v\nclient %+v\nserver %+v", resumed, c, s)
				}
				sendBothWays(t, p)
				if cfg.Session = p.c.State().Session; cfg.Session == nil { // whoever offers psk_ke alone is given no ticket
					return
				}
			}
		})
	}
}
