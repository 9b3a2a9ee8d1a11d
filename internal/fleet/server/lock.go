package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/outfile"
)

// lock keeps other servers out of a directory, as long as the file is open.
func lock(dir string) (*os.File, error) {
	if err := outfile.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, _, err := outfile.Append(filepath.Join(dir, "lock"), outfile.Private, 0)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("another server has %s: each needs a directory of its own", dir)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
