package handshake_test

import (
	"bytes"

	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A visit13 is one handshake of crypto/tls with a server of TLS 1.3.
type visit13 struct {
	kind, client string
	id           tlsmsg.CipherSuite // 0: any
	group        tlsmsg.NamedGroup  // that the server takes alone; 0: any
	cookie       string
	older        bool // the client offers TLS 1.2 beside it
}

func (v visit13) String() string {
	return fmt.Sprintf("%s/%v/%v/client=%s/cookie=%s/older=%v", v.kind, v.id, v.group, v.client, v.cookie, v.older)
}

func (v visit13) run(t *testing.T) {
	a := theAuthority()
	var theirs bytes.Buffer
	var ours []string
	cfg, w := a.serverConfig(t, v.kind)
	cfg.MaxVersion, cfg.ALPN, cfg.Events = tlsmsg.VersionTLS13, []string{"h2"}, secrets(&ours)
	if v.id != 0 {
		cfg.CipherSuites = []tlsmsg.CipherSuite{v.id}
	}
	if v.group != 0 {
		cfg.Groups = []tlsmsg.NamedGroup{v.group}
	}
	if v.cookie != "" {
		cfg.Cookie = []byte(v.cookie)
	}
	goCfg := &tls.Config{RootCAs: a.roots, ServerName: serverName, MinVersion: tls.VersionTLS13, NextProtos: []string{"h3", "h2"}, KeyLogWriter: &theirs}
	if v.older {
		goCfg.MinVersion = tls.VersionTLS12
	}
	if v.client != "" {
		cfg.ClientAuth = handshake.ClientAuthRequire
		goCfg.Certificates = []tls.Certificate{a.cert(v.client)}
	}
	if v.group != 0 {
		goCfg.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveID(v.group)}
	}
	s := handshake.NewServer(cfg)
	got, err := goClient(t, goCfg, s, func(stream net.Conn) error { return echo(s, w, stream) })
	if err != nil {
		t.Fatalf("%v (server: %v)", err, s.Err())
	}
	state := s.State()
	if v.id != 0 && got.CipherSuite != uint16(v.id) || got.NegotiatedProtocol != "h2" || got.Version != tls.VersionTLS13 ||
		v.group != 0 && got.CurveID != tls.CurveID(v.group) || state.Version != tlsmsg.VersionTLS13 || state.Verified() != (v.client != "") || state.ALPN != "h2" || state.Scheme == 0 {
		t.Errorf("client %+v\nserver %+v", got, state)
	}
	logged := strings.Split(strings.TrimSpace(theirs.String()), "\n")
	slices.Sort(logged)
	slices.Sort(ours)
	if !slices.Equal(logged, ours) {
		t.Errorf("secrets\n%s\nthe client's\n%s", strings.Join(ours, "\n"), strings.Join(logged, "\n"))
	}
	export, err := got.ExportKeyingMaterial("EXPERIMENTAL-label", []byte("context"), 40)
	if again := s.Export("EXPERIMENTAL-label", []byte("context"), 40); err != nil || !bytes.Equal(again, export) {
		t.Errorf("exported %x, the client %x, %v", again, export, err)
	}
}

// Every suite with every kind of certificate, every group with a share and without
// one, client authentication and a cookie.
func TestGoClientsOfTLS13(t *testing.T) {
	try := func(v visit13) { t.Run(v.String(), v.run) }
	for _, id := range suite.IDs13() {
		for _, kind := range allKinds {
			try(visit13{kind: kind, id: id, older: kind == "rsa"})
		}
	}
	for _, group := range slices.Concat(suite.HybridGroups(), suite.Groups()) {
		try(visit13{kind: "ecdsa256", group: group, older: true})
		try(visit13{kind: "ecdsa256", group: group, cookie: "cookie"})
	}
	for _, client := range allKinds {
		try(visit13{kind: "ecdsa256", client: client})
	}
}

// Our two sides, across suites, groups, PSKs and certificates: a full handshake and
// those that resume it, however the bytes are cut.
func TestOurClientAndOurServerOfTLS13(t *testing.T) {
	for turn, group := range slices.Concat(suite.HybridGroups(), suite.Groups(), suite.FFDHEGroups()[:1]) {
		for _, id := range suite.IDs13() {
			turn += int(id)
			client := []string{"", "ecdsa384", "rsa"}[turn%3]
			t.Run(fmt.Sprintf("%v/%v/client=%s", group, id, client), func(t *testing.T) {
				a := theAuthority()
				cfg, cw := a.client(t, client)
				cfg.MaxVersion, cfg.CipherSuites = tlsmsg.VersionTLS13, []tlsmsg.CipherSuite{id, gcmECDHE}
				scfg, sw := a.serverConfig(t, allKinds[turn%len(allKinds)])
				scfg.MaxVersion, scfg.Tickets, scfg.Groups = tlsmsg.VersionTLS13, true, []tlsmsg.NamedGroup{group}
				cfg.RecordSizeLimit, scfg.RecordSizeLimit = uint16(64+turn%7*100), uint16(64+turn%3*1000)
				sw.Sessions = &worker.Sessions{Key: make([]byte, 32)}
				if client != "" {
					scfg.ClientAuth = handshake.ClientAuthRequire
				}
				for round := range 3 {
					cfg.Random, scfg.Random = randomBytes(), randomBytes()
					p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw, chunk: round * (1 + turn%400)}
					if err := p.shake(); err != nil {
						t.Fatalf("round %d: %v", round, err)
					}
					c, s := p.c.State(), p.s.State()
					if s.Resumed != (round > 0) || c.Resumed != s.Resumed || s.Group != group || c.Group != group || c.CipherSuite != id || s.CipherSuite != id ||
						s.Verified() != (client != "") || c.Session == nil || c.ServerRandom != s.ServerRandom || p.s.ServerName() != serverName {
						t.Errorf("round %d\nclient %+v\nserver %+v", round, c, s)
					}
					cfg.Session = c.Session
					p.c.UpdateKeys(true)
					p.run()
					p.s.UpdateKeys(round > 1)
					sendBothWays(t, p)
				}
			})
		}
	}
}

// A server takes the best that it and the client speak, and where that is less than it
// could do says so in its random (RFC 9846, section 4.2.3).
func TestAServerMarksWhatIsNotItsBest(t *testing.T) {
	for _, server := range []tlsmsg.Version{tlsmsg.VersionTLS10, tlsmsg.VersionTLS12, tlsmsg.VersionTLS13} {
		for _, client := range []tlsmsg.Version{tlsmsg.VersionTLS10, tlsmsg.VersionTLS11, tlsmsg.VersionTLS12, tlsmsg.VersionTLS13} {
			scfg, sw := theAuthority().serverConfig(t, "ecdsa256")
			scfg.MinVersion, scfg.MaxVersion = tlsmsg.VersionTLS10, server
			s := handshake.NewServer(scfg)
			theirs := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: uint16(client)}
			ours, stream := net.Pipe()
			go func() {
				tls.Client(stream, theirs).Handshake() // Go's own takes no mark where it could do better itself
				stream.Close()
			}()
			buf := make([]byte, 4096)
			for s.State().ServerRandom == [32]byte{} && s.Err() == nil {
				n, err := ours.Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				s.Receive(buf[:n])
				sw.Finish(s)
			}
			ours.Close()
			chosen := min(server, client)
			want := ""
			switch {
			case chosen < tlsmsg.VersionTLS12 && server >= tlsmsg.VersionTLS12:
				want = tlsmsg.DowngradeTLS11
			case chosen == tlsmsg.VersionTLS12 && server == tlsmsg.VersionTLS13:
				want = tlsmsg.DowngradeTLS12
			}
			st := s.State()
			got := string(st.ServerRandom[24:])
			if got != tlsmsg.DowngradeTLS11 && got != tlsmsg.DowngradeTLS12 {
				got = ""
			}
			if st.Version != chosen || got != want {
				t.Errorf("%v for a client of %v: %v, mark %q, expected %q", server, client, st.Version, got, want)
			}
		}
	}
}

// A session goes with any suite of its hash, and with no other.
func TestASessionOfTLS13GoesByItsHash(t *testing.T) {
	for id, resumed := range map[tlsmsg.CipherSuite]bool{
		tlsmsg.TLS_AES_128_GCM_SHA256: true, tlsmsg.TLS_CHACHA20_POLY1305_SHA256: true, tlsmsg.TLS_AES_256_GCM_SHA384: false,
	} {
		cfg, cw := theAuthority().client(t, "")
		cfg.MaxVersion = tlsmsg.VersionTLS13
		scfg, sw := theAuthority().serverConfig(t, "ecdsa256")
		scfg.MaxVersion, scfg.Tickets, sw.Sessions = tlsmsg.VersionTLS13, true, newSessions()
		for round, suites := range [][]tlsmsg.CipherSuite{{tlsmsg.TLS_AES_128_GCM_SHA256}, {id}} {
			scfg.CipherSuites, cfg.Random, scfg.Random = suites, randomBytes(), randomBytes()
			p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw}
			if err := p.shake(); err != nil {
				t.Fatalf("%v: %v", suites, err)
			}
			if st := p.s.State(); st.Resumed != (round == 1 && resumed) || st.CipherSuite != suites[0] {
				t.Errorf("round %d: %v, resumed %v", round, st.CipherSuite, st.Resumed)
			}
			cfg.Session = p.c.State().Session
		}
	}
}

// A server that goes by the client's preference asks for a key in the group that
// the client likes best, if it has sent none in it; another is content with a key
// in a group of both (RFC 9846, section 4.3.8).
func TestTheClientsPreferenceOfGroupsCounts(t *testing.T) {
	for prefers, want := range map[bool]bool{false: false, true: true} {
		f := newFakeClient13(t)
		f.group = tlsmsg.GroupSecp256r1 // of x25519 and secp256r1, in this order
		cfg, w := f.config()
		cfg.ClientPreference = prefers
		f.w, f.s = w, handshake.NewServer(cfg)
		f.feed(f.clientHello(false))
		rec, _, err := tlsmsg.NextRecord(f.s.Next())
		f.must(err)
		var hello tlsmsg.ServerHello
		f.must(tlsmsg.ParseInto(&hello, rec.Fragment, tlsmsg.Context{Version: tlsmsg.VersionTLS13}))
		if hello.IsHelloRetryRequest() != want {
			t.Errorf("the client's preference %v: HelloRetryRequest %v", prefers, hello.IsHelloRetryRequest())
		}
	}
}
