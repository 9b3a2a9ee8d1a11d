package handshake_test

import (
	"bytes"
	"crypto/hpke"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

const publicName = "public.example"

// hpkeKEMs are those that a ClientHello is encrypted by here, by name.
var hpkeKEMs = map[string]uint16{"X25519": 0x20, "P-256": 0x10, "P-384": 0x11, "P-521": 0x12}

// echKey makes a key for encrypted ClientHellos, and its configuration.
func echKey(t testing.TB, id uint8, kem uint16) (hpke.PrivateKey, tlsmsg.ECHConfig) {
	t.Helper()
	k, err := hpke.NewKEM(kem)
	must(t, err)
	key, err := k.GenerateKey()
	must(t, err)
	return key, tlsmsg.ECHConfig{
		Version: tlsmsg.ECHVersion, ConfigID: id, KEM: tlsmsg.HPKEKEM(kem), PublicKey: key.PublicKey().Bytes(),
		Suites: []tlsmsg.HPKESuite{{KDF: 9, AEAD: 1}, {KDF: 1, AEAD: 1}, {KDF: 1, AEAD: 3}}, MaxNameLen: 32, PublicName: []byte(publicName),
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// echServer is Go's, with a key, and a certificate for each of the two names.
func echServer(t *testing.T, key hpke.PrivateKey, config tlsmsg.ECHConfig) *tls.Config {
	t.Helper()
	a := theAuthority()
	private, err := key.Bytes()
	must(t, err)
	server := a.server("ecdsa256")
	public := a.issue(newKey("ecdsa256"), func(c *x509.Certificate) { c.DNSNames = []string{publicName} })
	server.Certificates = append(server.Certificates, public)
	server.MaxVersion = tls.VersionTLS13
	server.EncryptedClientHelloKeys = []tls.EncryptedClientHelloKey{{Config: config.Append(nil), PrivateKey: private, SendAsRetry: true}}
	return server
}

// meetECH has a client meet Go's server.
func meetECH(t *testing.T, cfg handshake.Config, server *tls.Config, chunk int) (*driver, *goServer, error) {
	t.Helper()
	cfg.Random, cfg.ServerName, cfg.MinVersion, cfg.MaxVersion = randomBytes(), serverName, tlsmsg.VersionTLS12, tlsmsg.VersionTLS13
	stream, s := serve(t, server)
	d := &driver{c: handshake.NewClient(cfg), w: theAuthority().worker(), stream: stream, chunk: chunk}
	return d, s, d.handshake()
}

// Whatever the key, the length of the name, and whether the server asks for another
// ClientHello: the name that is wanted is read by the server alone.
func TestAServerReadsTheEncryptedClientHello(t *testing.T) {
	for name, kem := range hpkeKEMs {
		for _, group := range []tls.CurveID{0, tls.CurveP384} {
			for _, grease := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, HelloRetryRequest %v, GREASE %v", name, group != 0, grease), func(t *testing.T) {
					if name != "X25519" && !goOpens(t, kem) {
						t.Skip("crypto/tls of this release opens what is encrypted to X25519 alone")
					}
					key, config := echKey(t, 7, kem)
					server := echServer(t, key, config)
					if group != 0 {
						server.CurvePreferences = []tls.CurveID{group}
					}
					var wire bytes.Buffer
					cfg := handshake.Config{ECHConfigs: []tlsmsg.ECHConfig{config}, GREASE: grease, ALPN: []string{"h2"}, Events: func(e handshake.Event) {
						if r, ok := e.(handshake.RecordEvent); ok {
							wire.Write(r.Wire)
						}
					}}
					server.NextProtos = []string{"h2"}
					d, s, err := meetECH(t, cfg, server, 1)
					if err != nil {
						t.Fatalf("%v (server: %v)", err, <-s.done)
					}
					exchangeData(t, d, s, 16)
					state := s.conn.ConnectionState()
					if !state.ECHAccepted || state.ServerName != serverName || d.c.ECH() != handshake.ECHAccepted || !verified(d) || d.c.State().ALPN != "h2" {
						t.Errorf("server: %v, %q; client: %v, %+v", state.ECHAccepted, state.ServerName, d.c.ECH(), d.c.State())
					}
					if bytes.Contains(wire.Bytes(), []byte(serverName)) || !bytes.Contains(wire.Bytes(), []byte(publicName)) {
						t.Error("the name is on the wire")
					}
				})
			}
		}
	}
}

// goOpens reports whether crypto/tls takes a key of a KEM.
func goOpens(t *testing.T, kem uint16) bool {
	key, config := echKey(t, 1, kem)
	d, s, err := meetECH(t, handshake.Config{ECHConfigs: []tlsmsg.ECHConfig{config}}, echServer(t, key, config), 0)
	if err == nil {
		exchangeData(t, d, s, 1)
	}
	return err == nil
}

// A session is offered inside, and one that nobody knows outside.
func TestASessionIsResumedWithAnEncryptedClientHello(t *testing.T) {
	key, config := echKey(t, 7, 0x20)
	server := echServer(t, key, config)
	server.SetSessionTicketKeys([][32]byte{{1}})
	for _, groups := range [][]tls.CurveID{nil, {tls.CurveP384}} {
		server.CurvePreferences = groups
		cfg := handshake.Config{ECHConfigs: []tlsmsg.ECHConfig{config}}
		for _, resumed := range []bool{false, true} {
			d, s, err := meetECH(t, cfg, server, 0)
			if err != nil {
				t.Fatalf("%v (server: %v)", err, <-s.done)
			}
			exchangeData(t, d, s, 16)
			if got := d.c.State(); got.Resumed != resumed || d.c.ECH() != handshake.ECHAccepted || got.Session == nil {
				t.Fatalf("resumed %v, expected %v; %v, session %v", got.Resumed, resumed, d.c.ECH(), got.Session)
			}
			cfg.Session = d.c.State().Session
		}
	}
}

// A server with another key proves itself by the public name and says which key it has;
// one without a key says nothing of it. Neither is talked to, and each hears why.
func TestAServerThatDoesNotReadTheEncryptedClientHello(t *testing.T) {
	_, old := echKey(t, 1, 0x20)
	key, config := echKey(t, 2, 0x20)
	for name, tc := range map[string]struct {
		edit     func(*tls.Config)
		retry    bool
		version  tlsmsg.Version
		verified bool
	}{
		"another key":                    {func(*tls.Config) {}, true, tlsmsg.VersionTLS13, true},
		"another key, HelloRetryRequest": {func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} }, true, tlsmsg.VersionTLS13, true},
		"no key":                         {func(c *tls.Config) { c.EncryptedClientHelloKeys = nil }, false, tlsmsg.VersionTLS13, true},
		"TLS 1.2":                        {func(c *tls.Config) { c.EncryptedClientHelloKeys, c.MaxVersion = nil, tls.VersionTLS12 }, false, tlsmsg.VersionTLS12, true},
		"asks for a certificate":         {func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert }, true, tlsmsg.VersionTLS13, true},
		"asks for a certificate, TLS 1.2": {func(c *tls.Config) {
			c.EncryptedClientHelloKeys, c.MaxVersion, c.ClientAuth = nil, tls.VersionTLS12, tls.RequestClientCert
		}, false, tlsmsg.VersionTLS12, true},
		"not the public name's": {func(c *tls.Config) { c.Certificates = c.Certificates[:1] }, true, tlsmsg.VersionTLS13, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := echServer(t, key, config)
			tc.edit(server)
			cfg := handshake.Config{ECHConfigs: []tlsmsg.ECHConfig{old}, AllowUnverified: !tc.verified}
			cred, signer := theAuthority().credential(t, "ecdsa256")
			cfg.Credentials = []handshake.Credential{cred}
			_ = signer // nothing is to be signed
			d, s, err := meetECH(t, cfg, server, 0)
			if err == nil {
				err = d.c.Err()
			}
			var rejected *handshake.ECHRejectedError
			if !errors.As(err, &rejected) || !errors.Is(err, handshake.ErrECHRejected) {
				t.Fatalf("%v (server: %v)", err, <-s.done)
			}
			go io.Copy(io.Discard, d.stream) // tickets, which nobody reads
			if d.flush() != nil || rejected.Verified != tc.verified || rejected.PublicName != publicName || rejected.Version != tc.version || (rejected.RetryConfigs != nil) != tc.retry {
				t.Errorf("%+v", rejected)
			}
			if theirs := <-s.done; theirs == nil || !bytes.Contains([]byte(theirs.Error()), []byte("encrypted client hello")) && !bytes.Contains([]byte(theirs.Error()), []byte("121")) {
				t.Errorf("the server hears %v", theirs)
			}
			if d.c.State().Session != nil || d.c.State().Credential >= 0 {
				t.Errorf("session %v, certificate %d", d.c.State().Session, d.c.State().Credential)
			}
			if !tc.retry {
				return
			}
			list, err := tlsmsg.ParseECHConfigList(rejected.RetryConfigs)
			must(t, err)
			if d, s, err = meetECH(t, handshake.Config{ECHConfigs: list}, echServer(t, key, config), 0); err != nil {
				t.Fatalf("again: %v (server: %v)", err, <-s.done)
			}
			exchangeData(t, d, s, 16)
		})
	}
}

// One that does not verify, and is not to be taken all the same, gives no
// configurations.
func TestAnUnverifiedServerGivesNoConfigurations(t *testing.T) {
	_, old := echKey(t, 1, 0x20)
	key, config := echKey(t, 2, 0x20)
	server := echServer(t, key, config)
	server.Certificates = server.Certificates[:1]
	d, _, err := meetECH(t, handshake.Config{ECHConfigs: []tlsmsg.ECHConfig{old}}, server, 0)
	if err == nil {
		err = d.c.Err()
	}
	var rejected *handshake.ECHRejectedError
	if !errors.As(err, &rejected) || rejected.RetryConfigs != nil || rejected.Verified {
		t.Errorf("%v", err)
	}
}

// What nobody can open changes nothing, and is sent again as it was.
func TestGREASEECHChangesNothing(t *testing.T) {
	key, config := echKey(t, 2, 0x20)
	for name, edit := range map[string]func(*tls.Config){
		"with keys": func(*tls.Config) {}, "without": func(c *tls.Config) { c.EncryptedClientHelloKeys = nil },
		"HelloRetryRequest": func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} },
		"TLS 1.2":           func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
	} {
		t.Run(name, func(t *testing.T) {
			server := echServer(t, key, config)
			edit(server)
			var sent [][]byte
			cfg := handshake.Config{GREASEECH: true, Events: func(e handshake.Event) {
				if m, ok := e.(handshake.MessageEvent); ok && m.Type == tlsmsg.TypeClientHello {
					var hello tlsmsg.ClientHello
					must(t, tlsmsg.ParseInto(&hello, m.Raw, tlsmsg.Context{}))
					sent = append(sent, hello.Extensions[tlsmsg.FindExtension(hello.Extensions, tlsmsg.ExtensionEncryptedClientHello)].Data)
				}
			}}
			d, s, err := meetECH(t, cfg, server, 0)
			if err != nil {
				t.Fatalf("%v (server: %v)", err, <-s.done)
			}
			exchangeData(t, d, s, 16)
			if d.c.ECH() != handshake.ECHGREASE || !verified(d) || s.conn.ConnectionState().ServerName != serverName {
				t.Errorf("%v, %+v", d.c.ECH(), d.c.State())
			}
			if len(slices.CompactFunc(sent, bytes.Equal)) != 1 || len(sent[0]) < 128 {
				t.Errorf("%d different ones were sent", len(sent))
			}
			details, _ := d.c.Details13()
			if has := tlsmsg.FindExtension(details.Encrypted, tlsmsg.ExtensionEncryptedClientHello) >= 0; has != (name == "with keys" || name == "HelloRetryRequest") {
				t.Errorf("retry_configs: %v", has)
			}
		})
	}
}

// RFC 9849, sections 4 and 6.1.7: what is not to be used is told by its fault, and the
// first that can be used is.
func TestAConfigurationThatCannotBeUsed(t *testing.T) {
	_, good := echKey(t, 1, 0x20)
	for name, edit := range map[string]func(*tlsmsg.ECHConfig){
		"version":             func(c *tlsmsg.ECHConfig) { c.Version = 0xFE0C },
		"KEM":                 func(c *tlsmsg.ECHConfig) { c.KEM = 0x7777 },
		"key":                 func(c *tlsmsg.ECHConfig) { c.PublicKey = c.PublicKey[1:] },
		"suites":              func(c *tlsmsg.ECHConfig) { c.Suites = []tlsmsg.HPKESuite{{KDF: 1, AEAD: 0xFFFF}, {KDF: 99, AEAD: 1}} },
		"mandatory extension": func(c *tlsmsg.ECHConfig) { c.Extensions = []tlsmsg.Extension{{Type: 0x8001}} },
		"extension twice":     func(c *tlsmsg.ECHConfig) { c.Extensions = []tlsmsg.Extension{{Type: 1}, {Type: 1}} },
		"no name":             func(c *tlsmsg.ECHConfig) { c.PublicName = []byte(".") },
		"an address":          func(c *tlsmsg.ECHConfig) { c.PublicName = []byte("192.0.2.1") },
		"a number":            func(c *tlsmsg.ECHConfig) { c.PublicName = []byte("a.0x7F") },
		"an underscore":       func(c *tlsmsg.ECHConfig) { c.PublicName = []byte("a_b.example") },
		"a dot at the end":    func(c *tlsmsg.ECHConfig) { c.PublicName = []byte("a.example.") },
		"a long label":        func(c *tlsmsg.ECHConfig) { c.PublicName = append(bytes.Repeat([]byte("a"), 64), ".example"...) },
	} {
		bad := good
		edit(&bad)
		if got, err := handshake.UsableECH([]tlsmsg.ECHConfig{bad}); err == nil {
			t.Errorf("%s: %v", name, got)
		}
		if got, err := handshake.UsableECH([]tlsmsg.ECHConfig{bad, good}); err != nil || got.Version != tlsmsg.ECHVersion || got.KEM != 0x20 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		c := handshake.NewClient(handshake.Config{Random: randomBytes(), MaxVersion: tlsmsg.VersionTLS13, ECHConfigs: []tlsmsg.ECHConfig{bad}})
		if c.Start(); !errors.Is(c.Err(), handshake.ErrInternal) {
			t.Errorf("%s: %v", name, c.Err())
		}
	}
	unknown := good
	unknown.Extensions = []tlsmsg.Extension{{Type: 0x7001, Data: []byte{1}}}
	if _, err := handshake.UsableECH([]tlsmsg.ECHConfig{unknown}); err != nil {
		t.Errorf("an unknown extension that is not mandatory: %v", err)
	}
}

func verified(d *driver) bool {
	s := d.c.State()
	return s.Verified()
}

// echPair is a client and a server of ours: with a key, or as edit has it.
func echPair(t *testing.T, edit func(*handshake.Config, *handshake.ServerConfig, *worker.Worker)) *pair {
	t.Helper()
	a := theAuthority()
	cfg, cw := a.client(t, "")
	scfg, sw := a.serverConfig(t, "ecdsa256")
	key, config := echKey(t, 7, 0x20)
	cfg.MinVersion, cfg.MaxVersion, scfg.MaxVersion = tlsmsg.VersionTLS12, tlsmsg.VersionTLS13, tlsmsg.VersionTLS13
	cfg.ECHConfigs = []tlsmsg.ECHConfig{config}
	scfg.ECHKeys, sw.ECHKeys = []handshake.ECHKey{{Config: config, Retry: true}}, []hpke.PrivateKey{key}
	edit(&cfg, &scfg, sw)
	p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw}
	p.c.Start()
	p.run()
	return p
}

// Both sides are ours, and agree on what became of it.
func TestBothSidesAgreeOnTheEncryptedClientHello(t *testing.T) {
	type edit = func(*handshake.Config, *handshake.ServerConfig, *worker.Worker)
	for name, tc := range map[string]struct {
		edit edit
		want handshake.ECH
	}{
		"opened":   {func(*handshake.Config, *handshake.ServerConfig, *worker.Worker) {}, handshake.ECHAccepted},
		"a cookie": {func(_ *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) { s.Cookie = []byte("again") }, handshake.ECHAccepted},
		"a group": {func(_ *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) {
			s.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupSecp521r1}
		}, handshake.ECHAccepted},
		"no name": {func(c *handshake.Config, _ *handshake.ServerConfig, _ *worker.Worker) {
			c.ServerName, c.AllowUnverified = "", true
		}, handshake.ECHAccepted},
		"another suite": {func(_ *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) {
			s.ECHKeys[0].Config.Suites = []tlsmsg.HPKESuite{{KDF: 3, AEAD: 2}}
		}, handshake.ECHRejected},
		"the second key of one number": {func(_ *handshake.Config, s *handshake.ServerConfig, w *worker.Worker) {
			other, config := echKey(t, 7, 0x20)
			s.ECHKeys, w.ECHKeys = slices.Insert(s.ECHKeys, 0, handshake.ECHKey{Config: config}), slices.Insert(w.ECHKeys, 0, other)
		}, handshake.ECHAccepted},
		"another number": {func(_ *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) { s.ECHKeys[0].Config.ConfigID++ }, handshake.ECHRejected},
		"a session": {func(c *handshake.Config, s *handshake.ServerConfig, w *worker.Worker) {
			s.Tickets, s.EarlyData, w.Sessions = true, 1000, newSessions()
			first := echPair(t, func(c2 *handshake.Config, s2 *handshake.ServerConfig, w2 *worker.Worker) {
				*s2, w2.ECHKeys, w2.Sessions, w2.Signers = *s, w.ECHKeys, w.Sessions, w.Signers
				s2.Random = randomBytes()
				c2.ECHConfigs = c.ECHConfigs
			})
			must(t, errOf(first))
			c.Session, c.EarlyData = first.c.State().Session, []byte("early")
		}, handshake.ECHAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			p := echPair(t, tc.edit)
			if tc.want == handshake.ECHRejected {
				var rejected *handshake.ECHRejectedError
				if !errors.As(p.c.Err(), &rejected) || p.c.ECH() != tc.want || p.s.ECH() != tc.want || p.s.ServerName() != publicName {
					t.Errorf("%v, server %v, %q", p.c.Err(), p.s.ECH(), p.s.ServerName())
				}
				return
			}
			if name == "a session" {
				if string(p.s.Peek()) != "early" || !p.c.State().Resumed {
					t.Fatalf("early data %q, resumed %v", p.s.Peek(), p.c.State().Resumed)
				}
				p.s.Discard(len("early"))
				p.run()
			}
			must(t, errOf(p))
			if p.c.ECH() != tc.want || p.s.ECH() != tc.want || name != "no name" && p.s.ServerName() != serverName {
				t.Errorf("client %v, server %v, %q", p.c.ECH(), p.s.ECH(), p.s.ServerName())
			}
			if p.c.State().ClientRandom != p.s.State().ClientRandom {
				t.Error("they know the connection by different randoms")
			}
			sendBothWays(t, p)
		})
	}
}
