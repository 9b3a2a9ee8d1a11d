package handshake_test

import (
	"bytes"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// session is one that a fake can resume.
func session(f *fake) *handshake.Session {
	return &handshake.Session{Version: f.version, CipherSuite: f.id, Master: [48]byte{4, 5}, ExtendedMasterSecret: true,
		ID: []byte("session"), ServerName: serverName, Chain: theAuthority().cert(f.kind).Certificate}
}

func TestAnAbbreviatedHandshakeHasItsOwnOrder(t *testing.T) {
	for _, ticket := range []bool{false, true} {
		f := newFake(t)
		f.ticket, f.session = ticket, session(f)
		if ticket {
			f.session.ID, f.session.Ticket = nil, []byte("the old ticket")
		}
		var got *handshake.Session
		cfg := f.config()
		cfg.Events = func(e handshake.Event) {
			if e, ok := e.(handshake.SessionEvent); ok {
				got = e.Session
			}
		}
		m := f.meet(cfg)
		m.c.Start()
		for _, p := range f.first(m.c.Next()) {
			if out := m.c.Next(); out != nil {
				t.Fatalf("before %s: %x", p.name, out)
			}
			m.feed(p.wire())
		}
		f.second(m.c.Next())
		s := m.c.State()
		if m.c.Err() != nil || !f.done || !s.Resumed || !s.Verified() || !m.c.CanWrite() || m.c.Stage() != handshake.StageFinished {
			t.Fatalf("ticket=%v: %v, %+v", ticket, m.c.Err(), s)
		}
		switch {
		case got == nil || got != s.Session || got.Master != f.session.Master:
			t.Errorf("ticket=%v: session %+v", ticket, got)
		case ticket && (string(got.Ticket) != "ticket" || len(got.ID) > 0 || got.LifetimeHint != 60):
			t.Errorf("session %+v", got)
		case !ticket && string(got.ID) != "session":
			t.Errorf("session %+v", got)
		}
		m.feed(f.record(tlsmsg.ContentApplicationData, []byte("data")))
		if string(m.c.Peek()) != "data" {
			t.Errorf("ticket=%v: read %q, %v", ticket, m.c.Peek(), m.c.Err())
		}
	}
}

// A server that says it resumes must resume what was (RFC 5246, section 7.4.1.3;
// RFC 7627, section 5.3).
func TestAMismatchedResumptionDrawsItsAlert(t *testing.T) {
	without := func(m *tlsmsg.ServerHello, typ tlsmsg.ExtensionType) {
		i := tlsmsg.FindExtension(m.Extensions, typ)
		m.Extensions = append(m.Extensions[:i], m.Extensions[i+1:]...)
	}
	for _, tc := range []struct {
		name  string
		setup func(*fake, *handshake.Config)
		alert tlsmsg.AlertDescription
		want  string
	}{
		{"another version", func(f *fake, cfg *handshake.Config) {
			f.id, cfg.CipherSuites = cbcECDSA, []tlsmsg.CipherSuite{cbcECDSA}
			f.session.CipherSuite, f.version, cfg.MinVersion = cbcECDSA, tlsmsg.VersionTLS11, tlsmsg.VersionTLS10
		}, tlsmsg.AlertIllegalParameter, "TLS 1.1, expected the resumed session's TLS 1.2"},
		{"another suite", func(f *fake, cfg *handshake.Config) {
			f.session.CipherSuite, cfg.CipherSuites = cbcECDSA, append(cfg.CipherSuites, cbcECDSA)
		}, tlsmsg.AlertIllegalParameter, "expected the resumed session's TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"},
		{"extended master secret gone", func(f *fake, _ *handshake.Config) {
			f.editHello = func(m *tlsmsg.ServerHello) { without(m, tlsmsg.ExtensionExtendedMasterSecret) }
		}, tlsmsg.AlertHandshakeFailure, "no extended_master_secret"},
		{"extended master secret new", func(f *fake, _ *handshake.Config) { f.session.ExtendedMasterSecret = false },
			tlsmsg.AlertHandshakeFailure, "which the resumed session has not"},
		{"another secret", func(f *fake, cfg *handshake.Config) {
			other := *f.session
			other.Master[0]++
			cfg.Session = &other
		}, tlsmsg.AlertBadRecordMAC, "does not authenticate"},
		{"bad Finished", func(f *fake, _ *handshake.Config) {
			f.editFinished = func(m *tlsmsg.Finished) { m.VerifyData[0] ^= 1 }
		}, tlsmsg.AlertDecryptError, "Finished.verify_data"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			f.session = session(f)
			cfg := f.config()
			tc.setup(f, &cfg)
			m := f.meet(cfg)
			m.upTo("")
			expectRefusal(t, m, tc.alert, tc.want)
		})
	}
}

// A session that does not fit the Config is not offered, and one that the server
// does not take up becomes a full handshake.
func TestASessionThatDoesNotFitBecomesAFullHandshake(t *testing.T) {
	for name, edit := range map[string]func(*handshake.Session){
		"not taken up":    func(*handshake.Session) {},
		"another name":    func(s *handshake.Session) { s.ServerName = "other.example" },
		"another suite":   func(s *handshake.Session) { s.CipherSuite = gcmRSA },
		"unknown suite":   func(s *handshake.Session) { s.CipherSuite = 0x1301 },
		"another version": func(s *handshake.Session) { s.Version = tlsmsg.VersionTLS11 },
		"nothing to show": func(s *handshake.Session) { s.ID = nil },
		"long ID":         func(s *handshake.Session) { s.ID = make([]byte, 33) },
		"long ticket":     func(s *handshake.Session) { s.Ticket = make([]byte, 60000) },
		"no chain":        func(s *handshake.Session) { s.Chain = nil },
	} {
		f := newFake(t)
		cfg := f.config()
		cfg.Session = session(f)
		edit(cfg.Session)
		m := f.meet(cfg)
		m.upTo("")
		if m.c.Err() != nil || !f.done || m.c.State().Resumed {
			t.Errorf("%s: %v", name, m.c.Err())
		}
		if offered := len(f.hello.SessionID) > 0; offered != (name == "not taken up") {
			t.Errorf("%s: offered %v", name, offered)
		}
	}
}

// Trust is not resumed: the session's chain is judged again.
func TestAResumedServerIsJudgedAgain(t *testing.T) {
	f := newFake(t)
	f.session = session(f)
	f.session.ServerName = "other.example"
	cfg := f.config()
	cfg.ServerName = "other.example"
	m := f.meet(cfg)
	m.upTo("")
	if s := m.c.State(); m.c.Err() != nil || !s.Resumed || s.Verified() || m.c.CanWrite() {
		t.Errorf("verified %v, CanWrite %v, %v", s.Verified(), m.c.CanWrite(), m.c.Err())
	}
}

// What a server leaves behind is a session, if it leaves anything.
func TestASessionIsWhatTheServerLeaves(t *testing.T) {
	for _, tc := range []struct {
		ticket bool
		id     string
	}{{false, ""}, {true, ""}, {false, "id"}, {true, "id"}} {
		f := newFake(t)
		f.ticket = tc.ticket
		f.editHello = func(m *tlsmsg.ServerHello) { m.SessionID = []byte(tc.id) }
		m := f.meet(f.config())
		m.upTo("")
		s := m.c.State().Session
		if (s != nil) != (tc.ticket || tc.id != "") {
			t.Errorf("%+v: session %+v, %v", tc, s, m.c.Err())
		}
		if s != nil && (s.Master != f.master || !bytes.Equal(s.ID, []byte(tc.id)) || (len(s.Ticket) > 0) != tc.ticket ||
			!s.ExtendedMasterSecret || len(s.Chain) != 1 || s.ServerName != serverName) {
			t.Errorf("%+v: session %+v", tc, s)
		}
	}
}
