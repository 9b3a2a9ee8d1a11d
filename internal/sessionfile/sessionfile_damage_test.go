package sessionfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// wrongValues are what a field may hold in a file that is damaged, or made up.
var wrongValues = []string{`null`, `-1`, `0`, `1e300`, `65536`, `18446744073709551616`, `""`, `"AA=="`, `"NaN"`, `"9999-12-31T23:59:59Z"`, `"0001-01-01T00:00:00Z"`,
	`true`, `[]`, `[""]`, `[null]`, `{}`, `"` + strings.Repeat("AAAA", 30000) + `"`}

// Each field of each entry is damaged in turn, with and without a matching sum:
// the others are kept, what the file held is not lost, and what is used is fit
// for a handshake.
func TestNoDamageOfAFieldCostsASession(t *testing.T) {
	good := savedFile(t)
	var fields map[string]json.RawMessage
	unmarshal(t, sessionsOf(t, good)[0], &fields)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range append(wrongValues, "") {
			for _, refit := range []bool{false, true} {
				what := fmt.Sprintf("%s: %.40s", name, value)
				text, changed := withField(t, good, name, value, refit)
				path := filepath.Join(t.TempDir(), "sessions")
				write(t, path, text)
				s, err := Open(path)
				if changed && !refit && err == nil {
					t.Errorf("%s: not noticed", what)
				}
				if err != nil && (!strings.Contains(err.Error(), "session 1: ") || len(s.list) != 1) {
					t.Errorf("%s: %v, and %d are left", what, err, len(s.list))
				}
				for i := range s.list {
					start(s.list[i].session(noon))
				}
				if s.Find("b:1", "b", noon) == nil {
					t.Errorf("%s: the other one is lost", what)
				}
				s.Put("c:1", session("c"), noon)
				if err := s.Save(); err != nil {
					t.Fatal(err)
				}
				if kept, _ := os.ReadFile(path + ".damaged"); err != nil && !bytes.Equal(kept, text) {
					t.Errorf("%s: what the file held is lost", what)
				}
			}
		}
	}
}

// start offers a session as a client does.
func start(s *handshake.Session) {
	c := handshake.NewClient(handshake.Config{Random: [32]byte{1}, Session: s, ServerName: s.ServerName, SessionTicket: true})
	c.Start()
	c.Next()
}

func savedFile(t *testing.T) []byte {
	path := filepath.Join(t.TempDir(), "sessions")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Put("b:1", session("b"), noon)
	s.Put("a:1", session("a"), noon.Add(1))
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sessionsOf(t *testing.T, b []byte) []json.RawMessage {
	var f file
	unmarshal(t, b, &f)
	return f.Sessions
}

// withField gives a file whose first session's field holds another value, or is
// missing, and whether the session says something else now.
func withField(t *testing.T, good []byte, name, value string, refit bool) (text []byte, changed bool) {
	list := sessionsOf(t, good)
	var before, after entry
	var fields map[string]json.RawMessage
	unmarshal(t, list[0], &before)
	unmarshal(t, list[0], &fields)
	fields[name] = json.RawMessage(value)
	if value == "" {
		delete(fields, name)
	}
	list[0], _ = json.Marshal(fields)
	err := json.Unmarshal(list[0], &after)
	if err == nil && refit {
		after.Sum = after.sum()
		list[0], _ = json.Marshal(&after)
	}
	text, err2 := json.Marshal(file{formatVersion, list})
	if err2 != nil {
		t.Fatal(err2)
	}
	return text, err != nil || before.sum() != after.sum() || before.Sum != after.Sum
}

func unmarshal(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What is set aside is kept, however often that happens, and only a regular
// file is replaced: not a folder, a device or a link.
func TestNothingIsWrittenOverThatIsNoSessionFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sessions")
	for n := range maxAside + 1 {
		write(t, path, fmt.Appendf(nil, "precious %d", n))
		s, err := Open(path)
		if err == nil {
			t.Fatal("it was read")
		}
		switch err := s.Save(); {
		case n < maxAside && err != nil:
			t.Fatal(err)
		case n == maxAside && err == nil:
			t.Error("the last was lost")
		}
		for k := range n + 1 {
			at := asideName(path, k)
			if k == maxAside {
				at = path
			}
			if b, _ := os.ReadFile(at); string(b) != fmt.Sprintf("precious %d", k) {
				t.Errorf("%s holds %q", at, b)
			}
		}
	}
	folder, link := filepath.Join(dir, "folder"), filepath.Join(dir, "link")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, link} {
		before, _ := os.Lstat(path)
		s, err := Open(path)
		if err == nil {
			t.Errorf("%s was read", path)
		}
		if err := s.Save(); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", path, err)
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s is another now: %v", path, err)
		}
	}
}
