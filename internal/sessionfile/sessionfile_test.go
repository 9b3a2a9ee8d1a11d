package sessionfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func session(name string) *handshake.Session {
	return &handshake.Session{Version: tlsmsg.VersionTLS12, CipherSuite: 0xC02F, Master: [48]byte{1, 2}, ExtendedMasterSecret: true,
		ID: []byte("id"), Ticket: []byte("ticket"), LifetimeHint: 60, ServerName: name, Chain: [][]byte{{1}, {2, 3}}}
}

func TestWhatIsSavedIsFoundAgainByPeerAndName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Put("a.example:443", session("a.example"), noon)
	s.Put("b.example:443", session("b.example"), noon)
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path); err != nil {
		t.Fatal(err)
	}
	if got := s.Find("a.example:443", "a.example", noon.Add(59*time.Second)); !reflect.DeepEqual(got, session("a.example")) {
		t.Errorf("found %+v", got)
	}
	for _, other := range [][2]string{{"a.example:444", "a.example"}, {"a.example:443", "b.example"}, {"", ""}} {
		if got := s.Find(other[0], other[1], noon); got != nil {
			t.Errorf("%q: found %+v", other, got)
		}
	}
	for _, now := range []time.Time{noon.Add(61 * time.Second), noon.Add(-time.Second)} {
		if got := s.Find("a.example:443", "a.example", now); got != nil {
			t.Errorf("found at %v", now)
		}
	}
}

func TestTheFileIsForItsOwnerAloneAndBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions")
	if err := os.WriteFile(path, nil, 0o644); err != nil { // with a careless mode
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxSessions + 10 {
		s.Put(fmt.Sprintf("%d.example:443", i), session("x"), noon.Add(time.Duration(i)))
	}
	s.Put("9.example:443", session("x"), noon.Add(time.Second)) // again, and newer
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
		t.Errorf("files %v", left)
	}
	if s, err = Open(path); err != nil || len(s.list) != maxSessions {
		t.Fatalf("%d sessions, %v", len(s.list), err)
	}
	now := noon.Add(time.Second)
	if s.Find("9.example:443", "x", now) == nil || s.Find("3.example:443", "x", now) != nil {
		t.Error("it is not the oldest that went")
	}
}

func TestABrokenFileIsToldOfAndKept(t *testing.T) {
	good := `{"rawshake_sessions":2,"sessions":[]}`
	for name, tc := range map[string]struct{ content, want string }{
		"no JSON":       {"\x00\x01", "not a session file"},
		"cut off":       {good[:len(good)-2], "not a session file"},
		"another form":  {strings.Replace(good, ":2", ":1", 1), "format 1, expected 2"},
		"other JSON":    {"{}", "format 0"},
		"short secrets": {`{"rawshake_sessions":2,"sessions":[{"peer":"a:1","master_secret":"AAAA","chain":["AA=="],"ticket":"AA=="}]}`, "1 of its sessions"},
		"too long":      {strings.Repeat(" ", maxFile+1), "more than"},
	} {
		path := filepath.Join(t.TempDir(), "sessions")
		if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
		if s.Find("a:1", "", noon) != nil {
			t.Errorf("%s: a session was found", name)
		}
		s.Put("a:1", session("a"), noon)
		if err := s.Save(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s, err = Open(path); err != nil || s.Find("a:1", "a", noon) == nil {
			t.Errorf("%s: not replaced: %v", name, err)
		}
		if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != tc.content {
			t.Errorf("%s: what the file held is lost: %v", name, err)
		}
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
	if s, err := Open(filepath.Join(t.TempDir(), "no", "such")); err != nil || s.Save() == nil {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func FuzzOpenSessions(f *testing.F) {
	s := &Store{path: "x"}
	s.Put("a:1", session("a"), noon)
	path := filepath.Join(f.TempDir(), "s")
	s.path = path
	if err := s.Save(); err != nil {
		f.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	f.Add(data)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &Store{path: "x"}
		_ = s.parse(bytes.Clone(data))
		if len(s.list) > maxSessions {
			t.Errorf("%d sessions", len(s.list))
		}
		for i := range s.list {
			if why := s.list[i].damage(); why != "" {
				t.Error("a session that is none: " + why)
			}
		}
	})
}
