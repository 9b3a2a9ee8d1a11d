package hold

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A dir is the folder of a user's labs: a socket for each.
type dir string

const socketSuffix = ".sock"

// home is the user's folder: in XDG_RUNTIME_DIR, else /run for root and /tmp
// for others.
func home() dir {
	uid := os.Geteuid()
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" {
		if st, err := os.Stat(run); err == nil && st.IsDir() && owner(st) == uid {
			return dir(filepath.Join(run, "rawshake"))
		}
	}
	if uid == 0 {
		return "/run/rawshake"
	}
	return dir(filepath.Join(os.TempDir(), fmt.Sprintf("rawshake-%d", uid)))
}

func owner(st os.FileInfo) int { return int(st.Sys().(*syscall.Stat_t).Uid) }

// check refuses a folder that somebody else could have prepared.
func (d dir) check() error {
	st, err := os.Lstat(string(d))
	if err != nil {
		return err
	}
	if !st.IsDir() || owner(st) != os.Geteuid() || st.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a folder of this user's alone (mode 0700): remove it, or set XDG_RUNTIME_DIR", d)
	}
	return nil
}

// make makes the folder.
func (d dir) make() error {
	if err := os.MkdirAll(filepath.Dir(string(d)), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(string(d), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return d.check()
}

// lock keeps other commands from making or removing labs until unlock.
func (d dir) lock() (unlock func(), err error) {
	f, err := os.Open(string(d))
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", d, err)
	}
	return func() { _ = f.Close() }, nil
}

func (d dir) socket(name string) string { return filepath.Join(string(d), name+socketSuffix) }

// names are the labs of which there is a socket, standing or not.
func (d dir) names() (names []string, err error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), socketSuffix); ok && CheckName(name) == nil {
			names = append(names, name)
		}
	}
	return names, err
}

// clean removes what a dead holder left, and the folder where that was all.
func (d dir) clean(name string) {
	_ = os.Remove(d.socket(name))
	_ = os.Remove(string(d)) // fails while there are others
}
