package handshake_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// splitRecords takes whole records off a flight.
func splitRecords(t testing.TB, flight []byte) (records [][]byte) {
	t.Helper()
	for len(flight) > 0 {
		_, n, err := tlsmsg.NextRecord(flight)
		if err != nil || n == 0 {
			t.Fatalf("%v: %x", err, flight)
		}
		records, flight = append(records, flight[:n]), flight[n:]
	}
	return records
}

// newPair is a client and a server that ask for nothing in particular. Edits
// may be nil.
func newPair(t testing.TB, client func(*handshake.Config), server func(*handshake.ServerConfig)) *pair {
	t.Helper()
	a := theAuthority()
	cfg, cw := a.client(t, "ecdsa256")
	scfg, sw := a.serverConfig(t, "ecdsa256")
	if client != nil {
		client(&cfg)
	}
	if server != nil {
		server(&scfg)
	}
	return &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw}
}

func requireClient(c *handshake.ServerConfig) { c.ClientAuth = handshake.ClientAuthRequire }

func TestAHandshakeMayComeInBytes(t *testing.T) {
	p := newPair(t, nil, requireClient)
	p.chunk = 1
	if err := p.shake(); err != nil {
		t.Fatal(err)
	}
	sendBothWays(t, p)
}

// Every handshake type, ChangeCipherSpec and application data in every state of
// the server: what the state does not take draws unexpected_message and the
// names of what it takes; what it takes does not. The list is RFC 5246's, section
// 7.3, figures 1 and 2, with and without a client's certificate.
func TestEachServerStateTakesTheMessagesOfItsTurnAndNoOther(t *testing.T) {
	type probe struct {
		name    string
		typ     tlsmsg.ContentType
		content []byte
	}
	probes := []probe{{"ChangeCipherSpec", tlsmsg.ContentChangeCipherSpec, []byte{1}}, {"ApplicationData", tlsmsg.ContentApplicationData, []byte("x")}}
	for typ := range 256 {
		probes = append(probes, probe{tlsmsg.HandshakeType(typ).Heading(), tlsmsg.ContentHandshake, []byte{byte(typ), 0, 0, 0}})
	}
	full, anonymous, resumed := requireClient, func(*handshake.ServerConfig) {}, resumable()
	for _, tc := range []struct {
		name    string
		server  func(*handshake.ServerConfig)
		resume  bool
		records int // of the client's that the server has taken
		takes   []string
	}{
		{"full", full, false, 0, []string{"ClientHello"}},
		{"full", full, false, 1, []string{"Certificate"}},
		{"full", full, false, 2, []string{"ClientKeyExchange"}},
		{"full", full, false, 3, []string{"CertificateVerify"}},
		{"full", full, false, 4, []string{"ChangeCipherSpec"}},
		{"full", full, false, 5, []string{"Finished"}},
		{"full", full, false, 6, []string{"ApplicationData", "ClientHello"}},
		{"anonymous", anonymous, false, 1, []string{"ClientKeyExchange"}},
		{"anonymous", anonymous, false, 2, []string{"ChangeCipherSpec"}},
		{"anonymous", anonymous, false, 3, []string{"Finished"}},
		{"resumed", resumed.server, true, 1, []string{"ChangeCipherSpec"}},
		{"resumed", resumed.server, true, 2, []string{"Finished"}},
		{"resumed", resumed.server, true, 3, []string{"ApplicationData", "ClientHello"}},
	} {
		for _, probe := range probes {
			if typ := probe.content[0]; typ > 24 && typ < 254 && tc.records != 0 && probe.typ == tlsmsg.ContentHandshake {
				continue // of no meaning: as good as any other, once
			}
			e := newEavesdropper(t, resumed.client(tc.resume), tc.server)
			e.sw.Sessions = resumed.sessions
			e.upTo(tc.records)
			e.s.Receive(e.record(probe.typ, probe.content))
			e.sw.Finish(e.s)
			var refusal *handshake.ProtocolError
			refused := errors.As(e.s.Err(), &refusal) && refusal.Alert == tlsmsg.AlertUnexpectedMessage
			if refused == slices.Contains(tc.takes, probe.name) {
				t.Errorf("%s, %s after %d records: %v", tc.name, probe.name, tc.records, e.s.Err())
			}
			if refused && !strings.Contains(refusal.Error(), "expected "+strings.Join(tc.takes, " or ")) {
				t.Errorf("%s, %s after %d records: %v, expected the names of %v", tc.name, probe.name, tc.records, refusal, tc.takes)
			}
		}
	}
}

// resumption is a session that client and server both know.
type resumption struct {
	sessions *worker.Sessions
	session  *handshake.Session
}

func resumable() *resumption {
	r := &resumption{sessions: &worker.Sessions{Key: make([]byte, 32)}}
	master := [48]byte{1}
	id := bytes.Repeat([]byte{9}, 32)
	r.session = &handshake.Session{Version: tlsmsg.VersionTLS12, CipherSuite: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, Master: master,
		ExtendedMasterSecret: true, ID: id, ServerName: serverName, Chain: theAuthority().cert("ecdsa256").Certificate}
	w := worker.Worker{Sessions: r.sessions}
	w.Do(handshake.KeepSessionWork{ID: id, Session: &handshake.ServerSession{Version: tlsmsg.VersionTLS12, CipherSuite: r.session.CipherSuite,
		Master: master, ExtendedMasterSecret: true, ServerName: serverName}})
	return r
}

func (r *resumption) server(c *handshake.ServerConfig) { c.SessionID = bytes.Repeat([]byte{8}, 32) }

func (r *resumption) client(resume bool) func(*handshake.Config) {
	return func(c *handshake.Config) {
		c.CipherSuites = []tlsmsg.CipherSuite{r.session.CipherSuite}
		if resume {
			c.Session = r.session
		}
	}
}

// A byte changed anywhere in what the client sends is found, and nothing is
// believed.
func TestAByteChangedAnywhereIsNoticedByTheServer(t *testing.T) {
	total := 0
	count := newPair(t, nil, requireClient)
	count.filter = func(fromClient bool, wire []byte) []byte {
		if fromClient {
			total += len(wire)
		}
		return wire
	}
	if err := count.shake(); err != nil {
		t.Fatal(err)
	}
	alerts := map[string]int{}
	const lastByte = -1                    // of the second flight, so of its Finished
	for i := lastByte; i < total-40; i++ { // signatures of ECDSA differ in length: the last record may be shorter
		if i == 2 {
			continue // the first record may be of any version 3.x (RFC 5246, appendix E.1)
		}
		p := newPair(t, nil, requireClient)
		at := 0
		p.filter = func(fromClient bool, wire []byte) []byte {
			if fromClient && i == lastByte && at > 0 {
				wire[len(wire)-1] ^= 0x10
			}
			if fromClient {
				if j := i - at; 0 <= j && j < len(wire) {
					wire[j] ^= 0x10
				}
				at += len(wire)
			}
			return wire
		}
		if err := p.shake(); err == nil {
			t.Errorf("byte %d changed: both sides are done", i)
		}
		if p.s.CanWrite() && p.c.Err() == nil {
			t.Errorf("byte %d changed: the server is done, and the client has not complained", i)
		}
		var e *handshake.ProtocolError
		if errors.As(p.s.Err(), &e) {
			alerts[e.Alert.String()]++
		}
	}
	for _, alert := range []string{"decode_error", "illegal_parameter", "protocol_version", "unexpected_message",
		"decrypt_error", "bad_record_mac", "bad_certificate"} {
		if alerts[alert] == 0 {
			t.Errorf("no change drew %s: %v", alert, alerts)
		}
	}
}

func TestWhatAServerRefusesDrawsItsAlert(t *testing.T) {
	for _, tc := range []struct {
		name   string
		client func(*handshake.Config)
		server func(*handshake.ServerConfig)
		alert  tlsmsg.AlertDescription
	}{
		{"no suite in common", func(c *handshake.Config) {
			c.CipherSuites = []tlsmsg.CipherSuite{tlsmsg.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}, nil,
			tlsmsg.AlertHandshakeFailure},
		{"no group in common", func(c *handshake.Config) { c.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupX25519} },
			func(c *handshake.ServerConfig) { c.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupSecp384r1} }, tlsmsg.AlertHandshakeFailure},
		{"no protocol in common", func(c *handshake.Config) { c.ALPN = []string{"h2"} },
			func(c *handshake.ServerConfig) { c.ALPN = []string{"h3"} }, tlsmsg.AlertNoApplicationProtocol},
		{"an old version", func(c *handshake.Config) { c.MinVersion, c.MaxVersion = tlsmsg.VersionTLS10, tlsmsg.VersionTLS11 }, nil,
			tlsmsg.AlertProtocolVersion},
		{"a fallback", func(c *handshake.Config) {
			c.MinVersion, c.MaxVersion, c.FallbackSCSV = tlsmsg.VersionTLS10, tlsmsg.VersionTLS11, true
		}, func(c *handshake.ServerConfig) { c.MinVersion = tlsmsg.VersionTLS10 }, tlsmsg.AlertInappropriateFallback},
		{"no certificate", func(c *handshake.Config) { c.Credentials = nil }, requireClient, tlsmsg.AlertHandshakeFailure},
		{"an extension twice", func(c *handshake.Config) {
			c.Extensions = []tlsmsg.Extension{{Type: 0x1234}, {Type: 0x1234}}
		}, nil, tlsmsg.AlertDecodeError},
		{"renegotiation_info of an earlier handshake", func(c *handshake.Config) {
			c.Extensions = []tlsmsg.Extension{{Type: tlsmsg.ExtensionRenegotiationInfo, Data: []byte("\x01x")}}
		}, nil, tlsmsg.AlertHandshakeFailure},
		{"no uncompressed points", func(c *handshake.Config) {
			c.Extensions = []tlsmsg.Extension{{Type: tlsmsg.ExtensionECPointFormats, Data: []byte("\x01\x01")}}
		}, nil, tlsmsg.AlertIllegalParameter},
		{"a malformed extension", func(c *handshake.Config) {
			c.Extensions = []tlsmsg.Extension{{Type: tlsmsg.ExtensionServerName, Data: []byte("\x00")}}
		}, nil, tlsmsg.AlertDecodeError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPair(t, tc.client, tc.server)
			p.shake()
			var e *handshake.ProtocolError
			var told *handshake.AlertError
			if !errors.As(p.s.Err(), &e) || e.Alert != tc.alert {
				t.Errorf("server: %v, expected the alert %v", p.s.Err(), tc.alert)
			}
			if !errors.As(p.c.Err(), &told) || told.Alert.Description != tc.alert {
				t.Errorf("client: %v, expected the alert %v", p.c.Err(), tc.alert)
			}
		})
	}
}
