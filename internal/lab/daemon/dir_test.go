package daemon

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// soon fails where f does not return.
func soon[T any](t *testing.T, f func() T) T {
	t.Helper()
	done := make(chan T, 1)
	go func() { done <- f() }()
	select {
	case v := <-done:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
		panic("unreachable")
	}
}

// In a shared folder somebody else may have made what has our folder's name: a
// pipe that never opens, a link.
func TestWhatOthersPreparedIsRefusedAndNotWaitedFor(t *testing.T) {
	for name, prepare := range map[string]func(path string) error{
		"pipe":             func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"link":             func(path string) error { return os.Symlink(t.TempDir(), path) },
		"open to others":   func(path string) error { return os.Mkdir(path, 0o755) },
		"a file of theirs": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			run := t.TempDir()
			t.Setenv("XDG_RUNTIME_DIR", run)
			if err := prepare(filepath.Join(run, "rawshake")); err != nil {
				t.Fatal(err)
			}
			err := soon(t, func() error { _, err := Down(DefaultName); return err })
			if err == nil {
				t.Error("lab down took it for a folder of ours")
			}
		})
	}
}

// `lab down` of the last lab removes the folder, while `lab up` of another waits
// for its lock.
func TestWhoWaitedForARemovedFolderMakesItAnew(t *testing.T) {
	d := dir(filepath.Join(t.TempDir(), "rawshake"))
	unlock, err := d.makeAndLock()
	if err != nil {
		t.Fatal(err)
	}
	type locked struct {
		unlock func()
		err    error
	}
	waiting := make(chan locked, 1)
	go func() {
		unlock, err := d.makeAndLock()
		waiting <- locked{unlock, err}
	}()
	time.Sleep(50 * time.Millisecond) // it waits, most likely; else the test shows less
	d.clean(DefaultName)
	unlock()
	got := soon(t, func() locked { return <-waiting })
	if got.err != nil {
		t.Fatal(got.err)
	}
	defer got.unlock()
	if err := d.check(); err != nil {
		t.Errorf("who has the lock has no folder: %v", err)
	}
}
