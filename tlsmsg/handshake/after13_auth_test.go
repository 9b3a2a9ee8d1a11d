package handshake_test

import (
	"errors"
	"net"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A server may ask for a certificate at any time after the handshake, and again, of a
// client that lets it, between data and key updates; what comes of it is as in a
// handshake.
func TestClientsAreAuthenticatedAfterTheHandshake(t *testing.T) {
	for name, tc := range map[string]struct {
		offer      bool
		credential string
		want       bool
	}{
		"a certificate":                     {true, "ecdsa384", true},
		"none":                              {true, "", false},
		"a client that may not be asked":    {false, "ecdsa384", false},
		"a certificate that does not serve": {true, "ed25519", false},
	} {
		t.Run(name, func(t *testing.T) {
			a := theAuthority()
			cfg, cw := a.client(t, tc.credential)
			cfg.MaxVersion, cfg.PostHandshakeAuth = tlsmsg.VersionTLS13, tc.offer
			scfg, sw := a.serverConfig(t, "rsa")
			scfg.MaxVersion = tlsmsg.VersionTLS13
			if name == "a certificate that does not serve" {
				scfg.SignatureSchemes = []tlsmsg.SignatureScheme{tlsmsg.SchemeRSAPSSRSAESHA256}
			}
			p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw, chunk: 7}
			if err := p.shake(); err != nil {
				t.Fatal(err)
			}
			if p.s.State().Judged || p.s.RequestCertificate(nil) {
				t.Error("judged, or asked without a context")
			}
			for round := range byte(3) {
				if asked := p.s.RequestCertificate([]byte{round, 1}); asked != tc.offer {
					t.Fatalf("asked %v", asked)
				}
				if tc.offer && p.s.RequestCertificate([]byte{round, 2}) {
					t.Error("asked twice at once")
				}
				p.run()
				if s, c := p.s.State(), p.c.State(); s.Verified() != tc.want || (c.Credential == 0) != tc.want {
					t.Errorf("round %d: server %+v\nclient %+v", round, s, c)
				}
				p.c.UpdateKeys(true)
				p.run()
				if got := string(p.say(p.s, p.c, []byte("data"))); got != "data" {
					t.Errorf("round %d: %q, %v", round, got, errOf(p))
				}
			}
			sendBothWays(t, p)
		})
	}
}

func TestOpenSSLsClientIsAuthenticatedAfterTheHandshake(t *testing.T) {
	a := theAuthority()
	cfg, w := a.serverConfig(t, "ecdsa256")
	cert, key := certFiles(t, a.cert("ecdsa384"))
	cfg.MaxVersion = tlsmsg.VersionTLS13
	var s *handshake.Server
	asked := false
	cfg.Events = func(e handshake.Event) {
		if m, ok := e.(handshake.MessageEvent); ok && m.Dir == handshake.In && m.Content == tlsmsg.ContentApplicationData && !asked {
			asked = true
		}
	}
	s = handshake.NewServer(cfg)
	said := sClientBy(t, func(stream net.Conn) error {
		return echoBy(s, w, stream, func() {
			if asked && !s.State().CertificateRequested && !s.RequestCertificate([]byte("context")) {
				t.Error("it could not be asked")
			}
		})
	}, "", "-tls1_3", "-enable_pha", "-cert", cert, "-key", key)
	if st := s.State(); !st.Verified() {
		t.Errorf("%+v\n%s", st, said)
	}
}

func TestOpenSSLAuthenticatesOursAfterTheHandshake(t *testing.T) {
	a := theAuthority()
	addr, typed, lines := operatedOpenSSL(t, a.cert("rsa"), "-tls1_3")
	cfg, w := a.client(t, "ecdsa384")
	cfg.MaxVersion, cfg.PostHandshakeAuth = tlsmsg.VersionTLS13, true
	d := &driver{w: w, stream: dialPeer(t, addr), c: handshake.NewClient(cfg)}
	if err := d.handshake(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := typed.Write([]byte("c\n")); err != nil {
			t.Fatal(err)
		}
		if err := d.until(func() bool { return d.c.State().Credential == 0 }); err != nil {
			t.Fatal(err)
		}
		if err := d.write([]byte("heard\n")); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() && lines.Text() != "heard" {
		}
	}
}

// A ChangeCipherSpec means something once the handshake is done: nothing good, also
// while a client proves who it is.
func TestNoChangeCipherSpecComesAfterTheHandshake(t *testing.T) {
	f := newFakeClient13(t)
	f.later = true
	cfg, w := f.config()
	f.upTo(cfg, w, "")
	if !f.s.RequestCertificate([]byte{1}) {
		t.Fatal(f.s.Err())
	}
	chain := &tlsmsg.Certificate{RequestContext: []byte{1}, Chain: theAuthority().cert("ecdsa256").Certificate}
	f.feed(f.record(tlsmsg.ContentHandshake, tlsmsg.Append(nil, chain, f.ctx)))
	if f.s.Err() != nil {
		t.Fatal(f.s.Err())
	}
	f.feed(f.record(tlsmsg.ContentChangeCipherSpec, []byte{1}))
	var e *handshake.ProtocolError
	if !errors.As(f.s.Err(), &e) || e.Alert != tlsmsg.AlertUnexpectedMessage {
		t.Error(f.s.Err())
	}
}
