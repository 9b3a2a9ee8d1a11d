// The folder in which a user's labs are found.

package daemon

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

// lock keeps other commands from making or removing labs until unlock. Where
// there is no folder any more, it is os.ErrNotExist.
func (d dir) lock() (unlock func(), err error) {
	for {
		// First: somebody else's could be a pipe, which nobody opens, or locked for good.
		if err := d.check(); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(string(d), os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", d, err)
		}
		if d.is(f) {
			return func() { _ = f.Close() }, nil
		}
		_ = f.Close() // who had the lock has removed it
	}
}

// is reports whether f is still the folder of that name.
func (d dir) is(f *os.File) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(string(d))
	return err == nil && os.SameFile(held, named)
}

// makeAndLock is make, and lock of what was made.
func (d dir) makeAndLock() (unlock func(), err error) {
	for {
		if err := d.make(); err != nil {
			return nil, fmt.Errorf("keep the lab's socket: %w%s", err, elsewhere(err))
		}
		if unlock, err = d.lock(); !errors.Is(err, os.ErrNotExist) {
			return unlock, err
		}
	}
}

func (d dir) socket(name string) string { return filepath.Join(string(d), name+socketSuffix) }

// elsewhere is the way out where the folder cannot be made.
func elsewhere(err error) string {
	if errors.Is(err, unix.EROFS) || errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOSPC) {
		return ": set XDG_RUNTIME_DIR to a folder of this user's that can be written, or use rawshake lab run, which keeps nothing"
	}
	return ""
}

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
