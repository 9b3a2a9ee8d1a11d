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
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

var allKinds = []string{"rsa", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"}

// variant is a handshake of our two sides.
type variant struct {
	version tlsmsg.Version
	kind    string // of the server's key
	id      tlsmsg.CipherSuite
	group   tlsmsg.NamedGroup // 0 where none is used
	client  string            // kind of the client's key; "": none
}

// variants are every suite in every version, with the keys and groups taking
// turns, and every key with every group. What is between, other programs are met
// with in internal/test/interop/matrix.
func variants() (all []variant) {
	turn := 0
	next := func(list ...string) string { turn++; return list[turn%len(list)] }
	add := func(version tlsmsg.Version, kind string, id tlsmsg.CipherSuite, group tlsmsg.NamedGroup) {
		for _, client := range []string{"", next("rsa", "ecdsa384", "ecdsa256")} {
			all = append(all, variant{version, kind, id, group, client})
		}
	}
	for _, version := range []tlsmsg.Version{tlsmsg.VersionTLS12, tlsmsg.VersionTLS11, tlsmsg.VersionTLS10} {
		for _, id := range append(suite.IDs(), suite.LegacyIDs()...) {
			row := suite.Lookup(id).For(version)
			if row == nil {
				continue
			}
			kind, group := "rsa", tlsmsg.NamedGroup(0)
			if row.Authentication == suite.AuthECDSA {
				kind = next("ecdsa256", "ecdsa384", "ecdsa521")
			}
			switch groups := suite.Groups(); row.KeyExchange {
			case tlsmsg.KeyExchangeECDHE:
				group = groups[turn%len(groups)]
			case tlsmsg.KeyExchangeDHE:
				group = tlsmsg.GroupFFDHE2048
			}
			add(version, kind, id, group)
		}
	}
	for _, group := range suite.Groups() {
		for _, kind := range allKinds {
			id := tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
			if kind == "rsa" {
				id = tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
			}
			add(tlsmsg.VersionTLS12, kind, id, group)
		}
	}
	return all
}

// A full handshake, then one that resumes it: by ticket if the suite's number
// is even, by ID if it is odd. Extended master secret and encrypt-then-MAC take
// turns.
func TestOurClientAndOurServerAcrossVersionsSuitesGroupsAndKeys(t *testing.T) {
	for turn, v := range variants() {
		ems, etm := turn%3 != 0, turn/2%2 == 0
		t.Run(fmt.Sprintf("%v/%s/%v/%v/ems=%v/etm=%v/client=%s", v.version, v.kind, v.id, v.group, ems, etm, v.client), func(t *testing.T) {
			v.meet(t, ems, etm)
		})
	}
}

func (v variant) meet(t *testing.T, ems, etm bool) {
	a := theAuthority()
	row := suite.Lookup(v.id)
	cfg, cw := a.client(t, v.client)
	cfg.CipherSuites, cfg.MinVersion, cfg.MaxVersion = []tlsmsg.CipherSuite{v.id}, v.version, v.version
	cfg.ALPN, cfg.SessionTicket = []string{"h2", "http/1.1"}, v.id%2 == 0
	scfg, sw := a.serverConfig(t, v.kind)
	scfg.MinVersion, scfg.CipherSuites, scfg.ALPN = tlsmsg.VersionTLS10, cfg.CipherSuites, []string{"http/1.1"}
	if v.version < tlsmsg.VersionTLS12 {
		scfg.MaxVersion = v.version // else a client takes the mark for a downgrade
	}
	if v.group != 0 {
		scfg.Groups = []tlsmsg.NamedGroup{v.group}
	}
	if v.client != "" {
		scfg.ClientAuth = handshake.ClientAuthRequire
	}
	if !ems {
		scfg.Omit = append(scfg.Omit, tlsmsg.ExtensionExtendedMasterSecret)
	}
	if !etm {
		scfg.Omit = append(scfg.Omit, tlsmsg.ExtensionEncryptThenMAC)
	}
	scfg.Tickets, scfg.SessionID = true, bytes.Repeat([]byte{7}, 32)
	sw.Sessions = &worker.Sessions{Key: make([]byte, 32)}
	for _, resumed := range []bool{false, true} {
		cfg.Random, scfg.Random = randomBytes(), randomBytes()
		p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw}
		if err := p.shake(); err != nil {
			t.Fatalf("resumed=%v: %v", resumed, err)
		}
		c, s := p.c.State(), p.s.State()
		if s.CipherSuite != v.id || s.ALPN != "http/1.1" || s.ExtendedMasterSecret != ems || s.Version != v.version ||
			s.EncryptThenMAC != (etm && row.CBC()) || s.Resumed != resumed || !resumed && s.Group != v.group ||
			p.s.ServerName() != serverName || !s.SecureRenegotiation || s.Verified() != (v.client != "") {
			t.Errorf("resumed=%v: server %+v", resumed, s)
		}
		if c.CipherSuite != v.id || c.ALPN != s.ALPN || c.ExtendedMasterSecret != ems || c.EncryptThenMAC != s.EncryptThenMAC ||
			c.ServerRandom != s.ServerRandom || c.ClientRandom != s.ClientRandom || c.Resumed != resumed || c.Session == nil {
			t.Errorf("resumed=%v: client %+v", resumed, c)
		}
		cfg.Session = c.Session
		sendBothWays(t, p)
	}
}

// sendBothWays exchanges data of a few sizes and closes from both sides.
func sendBothWays(t *testing.T, p *pair) {
	t.Helper()
	for _, size := range []int{1, 40000} {
		data := bytes.Repeat([]byte{'x'}, size)
		if got := p.say(p.c, p.s, data); !bytes.Equal(got, data) {
			t.Errorf("client to server: %d bytes of %d: %v", len(got), size, p.s.Err())
		}
		if got := p.say(p.s, p.c, data); !bytes.Equal(got, data) {
			t.Errorf("server to client: %d bytes of %d: %v", len(got), size, p.c.Err())
		}
	}
	p.c.CloseWrite()
	p.run()
	p.s.CloseWrite()
	p.run()
	if !p.s.EOF() || !p.c.EOF() || p.s.Err() != nil || p.c.Err() != nil {
		t.Errorf("after both closed: %v, %v", p.s.Err(), p.c.Err())
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

// Neither the suite nor the version matters to the curve: one of each will do
// with all curves.
func TestGoClientsAcrossVersionsSuitesGroupsAndKeys(t *testing.T) {
	a := theAuthority()
	turn := 0
	curves := map[tlsmsg.NamedGroup]tls.CurveID{tlsmsg.GroupX25519: tls.X25519, tlsmsg.GroupSecp256r1: tls.CurveP256,
		tlsmsg.GroupSecp384r1: tls.CurveP384, tlsmsg.GroupSecp521r1: tls.CurveP521}
	for _, version := range []tlsmsg.Version{tlsmsg.VersionTLS12, tlsmsg.VersionTLS11, tlsmsg.VersionTLS10} {
		for _, kind := range allKinds {
			for _, id := range suite.IDs() {
				s := suite.Lookup(id).For(version)
				if s == nil || !goSpeaks(id, version) || s.FitsKey(a.public(kind)) != nil {
					continue
				}
				for group, curve := range curves {
					if group != tlsmsg.GroupX25519 && (version < tlsmsg.VersionTLS12 ||
						id != tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 && id != tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) {
						continue
					}
					for _, client := range []string{"", []string{"rsa", "ecdsa256", "ed25519"}[turn%3]} {
						turn++
						if client == "ed25519" && version < tlsmsg.VersionTLS12 {
							client = "ecdsa384"
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
