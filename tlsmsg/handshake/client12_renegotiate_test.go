package handshake_test

import (
	"bytes"
	"crypto"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

var helloRequest = []byte{0, 0, 0, 0}

// again asks the client for another handshake inside the connection, and returns
// what answers its ClientHello.
func (m *meeting) again() []part {
	m.f.t.Helper()
	f := m.f
	m.feed(f.record(tlsmsg.ContentHandshake, helloRequest))
	rec, n, err := tlsmsg.NextRecord(m.c.Next())
	f.must(err)
	if n == 0 {
		f.t.Fatalf("no ClientHello: %v", m.c.Err())
	}
	_, rec.Fragment, err = f.in.Open(rec.Type, rec.Version, rec.Fragment)
	f.must(err)
	f.bound = slices.Concat(f.clientVerified, f.serverSaid)
	f.tr, f.hello, f.ctx, f.done = suite.Transcript{}, tlsmsg.ClientHello{}, tlsmsg.Context{}, false
	f.random[0]++
	return f.first(tlsmsg.AppendRecord(nil, rec))
}

// finishAgain goes through the rest of the handshake.
func (m *meeting) finishAgain(parts []part) {
	for flight := 0; flight < 2 && m.c.Err() == nil; flight++ {
		for _, p := range parts {
			m.feed(p.wire())
		}
		parts = nil
		if flight == 0 && m.c.Err() == nil {
			parts = m.f.second(m.c.Next())
		}
	}
}

func renegotiating(f *fake) handshake.Config {
	cfg := f.config()
	cfg.Renegotiation, cfg.ALPN = true, []string{"http/1.1"}
	cfg.CipherSuites = append(cfg.CipherSuites, tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
	return cfg
}

// Each handshake after the first is bound to the one before it, has a random and
// keys of its own, and data flows on afterwards (RFC 5746, section 3.5).
func TestEachHandshakeOfAConnectionIsBoundToTheOneBefore(t *testing.T) {
	for _, etm := range []bool{false, true} {
		f := newFake(t)
		if f.etm = etm; etm {
			f.id = tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
		}
		m := f.meet(renegotiating(f))
		f.editHello = func(h *tlsmsg.ServerHello) { // the SCSV has offered it
			h.Extensions = append(h.Extensions, tlsmsg.NewExtension(&tlsmsg.RenegotiationInfo{}, tlsmsg.TypeServerHello))
		}
		m.upTo("")
		f.editHello = nil
		random := f.hello.Random
		for round := range 2 {
			before := slices.Clone(f.clientVerified)
			parts := m.again()
			var info tlsmsg.RenegotiationInfo
			if has, err := f.hello.DecodeExtension(&info); !has || err != nil || !bytes.Equal(info.RenegotiatedConnection, before) {
				t.Errorf("renegotiated_connection %x (%v), expected our last verify_data %x", info.RenegotiatedConnection, err, before)
			}
			if slices.Contains(f.hello.CipherSuites, tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV) || len(f.hello.SessionID) > 0 ||
				tlsmsg.FindExtension(f.hello.Extensions, tlsmsg.ExtensionALPN) >= 0 || f.hello.Random == random {
				t.Errorf("the signalling suite, a session, a protocol or the same random is offered again: %+v", f.hello)
			}
			m.feed(f.record(tlsmsg.ContentApplicationData, []byte("between")))
			if got := string(m.c.Peek()); got != "between" {
				t.Fatalf("what was sent before the ServerHello is read as %q: %v", got, m.c.Err())
			}
			m.c.Discard(7)
			if m.c.Write([]byte("x")) != 0 {
				t.Error("data is taken in the middle of a handshake")
			}
			m.finishAgain(parts)
			if !f.done || m.c.Err() != nil || !m.c.State().SecureRenegotiation || m.c.Stage() != handshake.StageFinished {
				t.Fatalf("round %d: finished %v, %v", round, f.done, m.c.Err())
			}
			random = f.hello.Random
			m.feed(f.record(tlsmsg.ContentApplicationData, []byte("after")))
			if got := string(m.c.Peek()); got != "after" || m.c.Write([]byte("x")) != 1 {
				t.Fatalf("afterwards %q is read: %v", got, m.c.Err())
			}
			m.c.Discard(5)
			rec, _, err := tlsmsg.NextRecord(m.c.Next())
			f.must(err)
			_, _, err = f.in.Open(rec.Type, rec.Version, rec.Fragment)
			f.must(err)
		}
	}
}

// A server that asks for a certificate only then gets it then.
func TestACertificateIsSentInAnotherHandshakeOfTheConnection(t *testing.T) {
	f := newFake(t)
	cert := theAuthority().cert("ecdsa256")
	key := cert.PrivateKey.(crypto.Signer)
	credential, err := worker.NewCredential(cert.Certificate, key)
	f.must(err)
	cfg := renegotiating(f)
	cfg.CipherSuites = cfg.CipherSuites[:1]
	cfg.Credentials = []handshake.Credential{credential}
	m := f.meet(cfg)
	m.w.Signers = []crypto.Signer{key}
	m.upTo("")
	if m.c.State().CertificateRequested || m.c.State().Credential >= 0 {
		t.Fatal("a certificate in the first handshake")
	}
	f.request = &tlsmsg.CertificateRequest{CertificateTypes: []tlsmsg.ClientCertificateType{tlsmsg.CertificateTypeECDSASign},
		Schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256}}
	m.finishAgain(m.again())
	if st := m.c.State(); !f.done || st.Credential != 0 || !st.CertificateRequested || !st.Verified() {
		t.Errorf("finished %v, credential %d: %v", f.done, st.Credential, m.c.Err())
	}
}

// What makes the connection what it is stays: whoever answers otherwise may be
// somebody else.
func TestAnotherHandshakeMustNotChangeTheConnection(t *testing.T) {
	drop := func(typ tlsmsg.ExtensionType) func(*fake) {
		return func(f *fake) {
			f.editHello = func(h *tlsmsg.ServerHello) {
				h.Extensions = slices.DeleteFunc(h.Extensions, func(e tlsmsg.Extension) bool { return e.Type == typ })
			}
		}
	}
	for _, tc := range []struct {
		name  string
		edit  func(*fake)
		alert tlsmsg.AlertDescription
		want  string
	}{
		{"no renegotiation_info", drop(tlsmsg.ExtensionRenegotiationInfo), tlsmsg.AlertHandshakeFailure, "no renegotiation_info"},
		{"none of an earlier handshake", func(f *fake) { f.bound = nil }, tlsmsg.AlertHandshakeFailure, "renegotiated_connection"},
		{"ours alone", func(f *fake) { f.bound = f.bound[:12] }, tlsmsg.AlertHandshakeFailure, "renegotiated_connection"},
		{"another's", func(f *fake) { f.bound[23] ^= 1 }, tlsmsg.AlertHandshakeFailure, "renegotiated_connection"},
		{"no extended master secret", drop(tlsmsg.ExtensionExtendedMasterSecret), tlsmsg.AlertHandshakeFailure, "extended_master_secret"},
		{"another certificate", func(f *fake) { f.kind = "ecdsa384" }, tlsmsg.AlertIllegalParameter, "certificate_list"},
		{"another version", func(f *fake) {
			f.editHello = func(h *tlsmsg.ServerHello) { h.Version = tlsmsg.VersionTLS11 }
		}, tlsmsg.AlertProtocolVersion, "server_version"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			cfg := renegotiating(f)
			cfg.CipherSuites, cfg.MinVersion = cfg.CipherSuites[:1], tlsmsg.VersionTLS10
			m := f.meet(cfg)
			m.upTo("")
			edit := tc.edit
			f.beforeHello = func() { edit(f) }
			for _, p := range m.again() {
				if m.c.Err() == nil {
					m.feed(p.wire())
				}
			}
			expectRefusal(t, m, tc.alert, tc.want)
		})
	}
}

// Where no other handshake is done the server is told so by a warning, and the
// connection goes on.
func TestARenegotiationThatIsNotDoneIsRefusedByAWarning(t *testing.T) {
	unbound := func(h *tlsmsg.ServerHello) {
		h.Extensions = slices.DeleteFunc(h.Extensions, func(e tlsmsg.Extension) bool { return e.Type == tlsmsg.ExtensionRenegotiationInfo })
	}
	for _, tc := range []struct {
		name, why string
		wanted    bool
		edit      func(*tlsmsg.ServerHello)
		before    int // renegotiations
	}{
		{"not wanted", "does not renegotiate", false, nil, 0},
		{"a server without RFC 5746", "RFC 5746", true, unbound, 0},
		{"too many", "as many as", true, nil, 8},
	} {
		f := newFake(t)
		cfg := renegotiating(f)
		cfg.CipherSuites, cfg.Renegotiation = cfg.CipherSuites[:1], tc.wanted
		var because string
		cfg.Events = func(e handshake.Event) {
			if a, ok := e.(handshake.AlertEvent); ok && a.Dir == handshake.Out {
				because = a.Because
			}
		}
		f.editHello = tc.edit
		m := f.meet(cfg)
		m.upTo("")
		for range tc.before {
			m.finishAgain(m.again())
			m.feed(f.record(tlsmsg.ContentApplicationData, []byte("x")))
			m.c.Discard(1)
		}
		m.feed(f.record(tlsmsg.ContentHandshake, helloRequest))
		if a, ok := m.alert(); !ok || a != (tlsmsg.Alert{Level: tlsmsg.LevelWarning, Description: tlsmsg.AlertNoRenegotiation}) || !strings.Contains(because, tc.why) {
			t.Errorf("%s: alert %v %v because %q, error %v", tc.name, a, ok, because, m.c.Err())
		}
		if m.c.Write([]byte("x")) != 1 {
			t.Errorf("%s: the connection did not go on: %v", tc.name, m.c.Err())
		}
	}
}

// The server's flight is not interrupted, in any handshake (RFC 5246, section 7.3).
func TestApplicationDataInTheMiddleOfAServersFlightIsRefused(t *testing.T) {
	f := newFake(t)
	m := f.meet(renegotiating(f))
	m.c.Start()
	for _, p := range f.first(m.c.Next())[:1] {
		m.feed(p.wire())
	}
	m.feed(f.record(tlsmsg.ContentApplicationData, []byte("x")))
	expectRefusal(t, m, tlsmsg.AlertUnexpectedMessage, "ApplicationData")

	f = newFake(t)
	cfg := renegotiating(f)
	cfg.CipherSuites = cfg.CipherSuites[:1]
	m = f.meet(cfg)
	m.upTo("")
	m.feed(m.again()[0].wire())
	m.feed(f.record(tlsmsg.ContentApplicationData, []byte("x")))
	expectRefusal(t, m, tlsmsg.AlertUnexpectedMessage, "ApplicationData")
}

// A client that was closed answers no HelloRequest, and begins nothing that it
// was about to begin.
func TestAClosedClientBeginsNoOtherHandshake(t *testing.T) {
	for _, early := range []bool{false, true} {
		f := newFake(t)
		cfg := renegotiating(f)
		cfg.CipherSuites = cfg.CipherSuites[:1]
		m := f.meet(cfg)
		m.upTo("")
		if early {
			m.c.CloseWrite()
		}
		m.c.Receive(f.record(tlsmsg.ContentHandshake, helloRequest))
		m.c.CloseWrite()
		m.w.Finish(m.c)
		out := m.c.Next()
		rec, n, err := tlsmsg.NextRecord(out)
		f.must(err)
		if rec.Type != tlsmsg.ContentAlert || n != len(out) || m.c.Err() != nil {
			t.Errorf("early %v: %d bytes beside close_notify, %v", early, len(out)-n, m.c.Err())
		}
	}
}

// An end in the middle of another handshake is not an end before the first.
func TestAnEndInAnotherHandshakeSaysSo(t *testing.T) {
	f := newFake(t)
	cfg := renegotiating(f)
	cfg.CipherSuites = cfg.CipherSuites[:1]
	m := f.meet(cfg)
	m.upTo("")
	m.again()
	m.c.TransportEOF()
	var closed *handshake.ClosedError
	if !errors.As(m.c.Err(), &closed) || !strings.Contains(closed.Error(), "another handshake inside the connection") {
		t.Errorf("%v", m.c.Err())
	}
}

// A server that closes before it answers the ClientHello has said all that it
// had to say: it need not shake hands again to leave.
func TestAServerMayCloseInPlaceOfAnotherHandshake(t *testing.T) {
	f := newFake(t)
	cfg := renegotiating(f)
	cfg.CipherSuites = cfg.CipherSuites[:1]
	m := f.meet(cfg)
	m.upTo("")
	m.again()
	m.feed(f.record(tlsmsg.ContentAlert, []byte{1, 0}))
	if !m.c.EOF() || m.c.Err() != nil {
		t.Errorf("EOF %v, %v", m.c.EOF(), m.c.Err())
	}

	f = newFake(t)
	m = f.meet(cfg)
	m.upTo("")
	parts := m.again()
	m.feed(parts[0].wire())
	m.feed(f.record(tlsmsg.ContentAlert, []byte{1, 0}))
	if !errors.Is(m.c.Err(), handshake.ErrClosed) {
		t.Errorf("in the middle of its flight: %v", m.c.Err())
	}
}
