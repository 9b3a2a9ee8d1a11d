package sessionfile

import (
	"bytes"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

func session13(name string) *handshake.Session {
	return &handshake.Session{Version: tlsmsg.VersionTLS13, CipherSuite: 0x1302, PSK: bytes.Repeat([]byte{7}, 48), Ticket: []byte("ticket"),
		LifetimeHint: 60, AgeAdd: 12345, MaxEarly: 100, ALPN: "h2", ServerName: name, Chain: [][]byte{{1}, {2, 3}}}
}

// A session of TLS 1.3 comes back with its key, and with its age in milliseconds,
// that it had when it was put away among them; not after its lifetime, of which 0
// means that it is not to be used at all.
func TestASessionOfTLS13ComesBackWithItsAge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	aged, never := session13("a.example"), session13("b.example")
	aged.Age, never.LifetimeHint = 2500, 0
	s.Put("a.example:443", aged, noon)
	s.Put("b.example:443", never, noon)
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path); err != nil {
		t.Fatal(err)
	}
	want := session13("a.example")
	want.Age = 12501
	if got := s.Find("a.example:443", "a.example", noon.Add(10001*time.Millisecond)); !reflect.DeepEqual(got, want) {
		t.Errorf("found\n%+v, want\n%+v", got, want)
	}
	if got := s.Find("a.example:443", "a.example", noon.Add(58*time.Second)); got != nil {
		t.Error("found after its lifetime")
	}
	if got := s.Find("b.example:443", "b.example", noon); got != nil {
		t.Error("found with a lifetime of 0")
	}
}

// A session of TLS 1.3 whose key cannot be one is damaged.
func TestASessionOfTLS13NeedsItsKeyAndTicket(t *testing.T) {
	for what, change := range map[string]func(*handshake.Session){
		"a key of another hash": func(s *handshake.Session) { s.PSK = s.PSK[:32] },
		"no key":                func(s *handshake.Session) { s.PSK = nil },
		"no ticket":             func(s *handshake.Session) { s.Ticket, s.ID = nil, []byte{1} },
		"a suite of TLS 1.2":    func(s *handshake.Session) { s.CipherSuite = 0xC02F },
		"no chain":              func(s *handshake.Session) { s.Chain = nil },
	} {
		s := session13("a.example")
		change(s)
		if e := newEntry("a.example:443", s, noon); e.damage() == "" {
			t.Errorf("%s: not found to be damaged", what)
		}
	}
	if e := newEntry("a.example:443", session13("a.example"), noon); e.damage() != "" {
		t.Errorf("a good one: %s", e.damage())
	}
}
