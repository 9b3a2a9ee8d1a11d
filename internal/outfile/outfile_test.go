//go:build unix

package outfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A new file is readable by its owner alone unless it is public. If others can
// read one that was there, a warning says so, and its mode is changed if it is
// to hold secrets.
func TestWhoMayReadWhatIsWritten(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	type open func(string, Kind) (*os.File, Warning, error)
	for what, f := range map[string]open{"create": Create, "append": func(p string, k Kind) (*os.File, Warning, error) { return Append(p, k, 0) }} {
		for _, k := range []Kind{Public, Private, Secret} {
			for _, before := range []os.FileMode{0, 0o600, 0o644, 0o620, 0o604, 0o666} {
				path := filepath.Join(t.TempDir(), "file")
				if before != 0 {
					if err := os.WriteFile(path, []byte("held"), 0o600); err != nil {
						t.Fatal(err)
					}
					if err := os.Chmod(path, before); err != nil {
						t.Fatal(err)
					}
				}
				file, w, err := f(path, k)
				if err != nil {
					t.Fatal(err)
				}
				info, err := file.Stat()
				file.Close()
				if err != nil {
					t.Fatal(err)
				}
				mended := what == "create" && k == Secret && before != 0
				want := before
				switch {
				case before == 0:
					want = k.mode()
				case mended:
					want = 0o600
				}
				if got := info.Mode().Perm(); got != want {
					t.Errorf("%s, kind %d, was %o: mode %o, expected %o", what, k, before, got, want)
				}
				said := w.String()
				if wide := before&0o077 != 0 && k != Public; strings.Contains(said, "others c") != wide || wide && !strings.Contains(said, path) {
					t.Errorf("%s, kind %d, was %o: said %q", what, k, before, said)
				}
				if kept := info.Size() > 0; kept != (what == "append" && before != 0) {
					t.Errorf("%s, kind %d, was %o: %d bytes are left", what, k, before, info.Size())
				}
			}
		}
	}
	if f, _, err := Create(t.TempDir(), Secret); err == nil {
		f.Close()
		t.Error("a folder was opened")
	}
}

// A pipe or a device keeps its mode.
func TestAPipeKeepsItsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	f, w, err := Create(path, Secret)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o666 || w.String() != "" {
		t.Errorf("%v, %v, %q", info.Mode(), err, w)
	}
}
