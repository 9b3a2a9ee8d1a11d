//go:build linux

package capture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Somebody else's file is left as it is, since its owner can read it whatever
// its mode.
func TestSecretsGoIntoNoFileOfSomebodyElses(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root can give files to others")
		}
		t.Skip("only root can give files to others")
	}
	path := filepath.Join(t.TempDir(), "theirs.pcapng")
	if err := os.WriteFile(path, []byte("theirs"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if w, err := Create(path, Info{Secrets: true}); err == nil || !strings.Contains(err.Error(), "65534") {
		t.Errorf("Create: %v, %v, expected a refusal that names the owner", w, err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "theirs" {
		t.Errorf("it holds %q, %v", b, err)
	}
	t.Setenv("SUDO_UID", "65534") // who made it is who runs us
	w, err := Create(path, Info{Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
