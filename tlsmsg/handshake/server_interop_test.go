package handshake_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

var allKinds = []string{"rsa", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"}

// fitsKind reports whether a suite's server signs with a kind of key.
func fitsKind(id tlsmsg.CipherSuite, kind string) bool {
	return (suite.Lookup(id).Authentication == suite.AuthRSA) == (kind == "rsa")
}

func TestOurClientAndOurServerAcrossSuitesGroupsAndKeys(t *testing.T) {
	a := theAuthority()
	for _, kind := range allKinds {
		for _, id := range suite.IDs() {
			if !fitsKind(id, kind) || suite.Lookup(id).KeyExchange != tlsmsg.KeyExchangeECDHE {
				continue
			}
			for _, group := range suite.Groups() {
				for _, ems := range []bool{true, false} {
					for _, client := range []string{"", "rsa", "ecdsa384", "ed25519"} {
						t.Run(fmt.Sprintf("%s/%v/%v/ems=%v/client=%s", kind, id, group, ems, client), func(t *testing.T) {
							cfg, cw := a.client(t, client)
							cfg.CipherSuites, cfg.Groups = []tlsmsg.CipherSuite{id}, suite.Groups()
							cfg.ALPN = []string{"h2", "http/1.1"}
							scfg, sw := a.serverConfig(t, kind)
							scfg.ALPN, scfg.Groups = []string{"http/1.1"}, []tlsmsg.NamedGroup{group}
							if client != "" {
								scfg.ClientAuth = handshake.ClientAuthRequire
							}
							if !ems {
								scfg.Omit = []tlsmsg.ExtensionType{tlsmsg.ExtensionExtendedMasterSecret}
							}
							p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw}
							if err := p.shake(); err != nil {
								t.Fatal(err)
							}
							c, s := p.c.State(), p.s.State()
							if s.CipherSuite != id || s.Group != group || s.ALPN != "http/1.1" || s.ExtendedMasterSecret != ems ||
								c.CipherSuite != id || c.Group != group || c.ALPN != s.ALPN || c.ExtendedMasterSecret != ems ||
								c.ServerRandom != s.ServerRandom || c.ClientRandom != s.ClientRandom || c.Scheme != s.Scheme ||
								p.s.ServerName() != serverName || !s.SecureRenegotiation || s.Verified() != (client != "") {
								t.Errorf("client %+v\nserver %+v", c, s)
							}
							for _, size := range []int{1, 40000} {
								data := bytes.Repeat([]byte{'x'}, size)
								if got := p.say(p.c, p.s, data); !bytes.Equal(got, data) {
									t.Errorf("client to server: %d bytes of %d", len(got), size)
								}
								if got := p.say(p.s, p.c, data); !bytes.Equal(got, data) {
									t.Errorf("server to client: %d bytes of %d", len(got), size)
								}
							}
							p.c.CloseWrite()
							p.run()
							p.s.CloseWrite()
							p.run()
							if !p.s.EOF() || !p.c.EOF() || p.s.Err() != nil || p.c.Err() != nil {
								t.Errorf("after both closed: %v, %v", p.s.Err(), p.c.Err())
							}
						})
					}
				}
			}
		}
	}
}

// goClient shakes hands with a server over a pipe, sends and reads back.
func goClient(t *testing.T, cfg *tls.Config, s *handshake.Server, finish func(net.Conn) error) (tls.ConnectionState, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	done := make(chan error, 1)
	go func() {
		defer theirs.Close()
		done <- finish(theirs)
	}()
	conn := tls.Client(ours, cfg)
	err := conn.Handshake()
	if err == nil {
		sent := bytes.Repeat([]byte("0123456789"), 100)
		got := make([]byte, len(sent))
		wrote := make(chan error, 1)
		go func() { // a pipe has no buffer, and the echo of one record meets the next
			_, err := conn.Write(sent)
			wrote <- err
		}()
		_, err = io.ReadFull(conn, got)
		if err == nil {
			err = <-wrote
		}
		if err == nil && !bytes.Equal(sent, got) {
			t.Error("the echo is not what was sent")
		}
		conn.CloseWrite()
		if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
			t.Errorf("after close_notify: %q, %v", rest, err)
		}
	}
	state := conn.ConnectionState()
	ours.Close()
	if serverErr := <-done; serverErr != nil && err == nil {
		t.Errorf("server: %v", serverErr)
	}
	return state, err
}

// The curve does not matter to RSA key exchange: one will do.
func TestGoClientsAcrossVersionsSuitesGroupsAndKeys(t *testing.T) {
	a := theAuthority()
	curves := map[tlsmsg.NamedGroup]tls.CurveID{tlsmsg.GroupX25519: tls.X25519, tlsmsg.GroupSecp256r1: tls.CurveP256,
		tlsmsg.GroupSecp384r1: tls.CurveP384, tlsmsg.GroupSecp521r1: tls.CurveP521}
	for _, version := range []tlsmsg.Version{tlsmsg.VersionTLS12, tlsmsg.VersionTLS11, tlsmsg.VersionTLS10} {
		for _, kind := range allKinds {
			for _, id := range suite.IDs() {
				s := suite.Lookup(id).For(version)
				if s == nil || !goSpeaks(id, tlsmsg.VersionTLS12) || s.FitsKey(a.public(kind)) != nil {
					continue
				}
				for group, curve := range curves {
					if s.KeyExchange == tlsmsg.KeyExchangeRSA && group != tlsmsg.GroupX25519 {
						continue
					}
					for _, client := range []string{"", "rsa", "ecdsa256", "ed25519"} {
						if client == "ed25519" && version < tlsmsg.VersionTLS12 {
							continue
						}
						t.Run(fmt.Sprintf("%v/%s/%v/%v/client=%s", version, kind, id, group, client), func(t *testing.T) {
							cfg, w := a.serverConfig(t, kind)
							cfg.ALPN, cfg.MinVersion = []string{"h2"}, tlsmsg.VersionTLS10
							goCfg := &tls.Config{RootCAs: a.roots, ServerName: serverName, MinVersion: tls.VersionTLS10, MaxVersion: uint16(version),
								CipherSuites: []uint16{uint16(id)}, CurvePreferences: []tls.CurveID{curve}, NextProtos: []string{"h3", "h2"}}
							if version < tlsmsg.VersionTLS12 {
								cfg.MaxVersion = version // else Go takes the mark for a downgrade
							}
							if kind == "ecdsa384" || kind == "ecdsa521" || kind == "ecdsa256" {
								goCfg.CurvePreferences = append(goCfg.CurvePreferences, curves[cfg.Credentials[0].Curve])
								cfg.Groups = []tlsmsg.NamedGroup{group}
							}
							if client != "" {
								cfg.ClientAuth = handshake.ClientAuthRequire
								goCfg.Certificates = []tls.Certificate{a.cert(client)}
							}
							s := handshake.NewServer(cfg)
							got, err := goClient(t, goCfg, s, func(stream net.Conn) error { return echo(s, w, stream) })
							if err != nil {
								t.Fatalf("%v (server: %v)", err, s.Err())
							}
							state := s.State()
							if got.CipherSuite != uint16(id) || got.NegotiatedProtocol != "h2" || got.Version != uint16(version) ||
								state.Version != version || state.Verified() != (client != "") {
								t.Errorf("client %+v\nserver %+v", got, state)
							}
						})
					}
				}
			}
		}
	}
}
