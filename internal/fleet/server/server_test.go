package server

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// What is wrong with a server is said in its own words, and not when time is up.
func TestWhatIsWrongIsSaid(t *testing.T) {
	dir := t.TempDir()
	s, err := Start(Options{Listen: "127.0.0.1:0", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for name, o := range map[string]Options{
		"another server has":     {Listen: "127.0.0.1:0", Dir: dir},
		"address already in use": {Listen: busy.Addr().String(), Dir: t.TempDir()},
		"not a directory":        {Listen: "127.0.0.1:0", Dir: filepath.Join(dir, "lock", "below")},
		"missing port":           {Listen: "127.0.0.1", Dir: t.TempDir()},
		"is not a port":          {Listen: "127.0.0.1:nats", Dir: t.TempDir()},
	} {
		if _, err := Start(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	if _, err := Start(Options{Listen: "0.0.0.0:0", Dir: t.TempDir()}); !errors.Is(err, ErrOpen) {
		t.Errorf("%v", err)
	}
}
