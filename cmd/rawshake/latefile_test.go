//go:build linux

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rawshake/rawshake/internal/outfile"
)

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func writeSecret(t *testing.T, path string) {
	t.Helper()
	f, err := newLateFile(path, outfile.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestASecretFileBecomesPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte("what was there"), 0o644); err != nil {
		t.Fatal(err)
	}
	writeSecret(t, path)
	if got := mode(t, path); got != 0o600 {
		t.Errorf("mode %o, expected 600", got)
	}
}

// Root may write a page to /dev/null, and then others still use that.
func TestAPipeOrDeviceKeepsItsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	writeSecret(t, path) // opened for both directions, it needs no reader
	if got := mode(t, path); got != 0o644 {
		t.Errorf("mode %o, expected the 644 that it had", got)
	}
}
