// Replaces a file so that a reader sees the old one or the new one, even after
// a crash.

package store

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/outfile"
)

// ReplaceFile puts a file in the place of another, so that a reader sees one or
// the other whole, also after a crash. It writes through no link, and replaces
// nothing but regular files.
func ReplaceFile(path string, b []byte, k outfile.Kind) error {
	if info, err := outfile.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "replace", Path: path, Err: errors.New("it is no regular file")}
	}
	tmp := path + "." + rand.Text()
	f, err := outfile.Exclusive(tmp, k)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		pe.Path = path // which is what the person knows
	}
	if err != nil {
		return err
	}
	defer outfile.Remove(tmp)
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := outfile.Rename(tmp, path); err != nil {
		return err
	}
	if err := outfile.SyncDir(filepath.Dir(path)); err != nil && !isNoFile(err) {
		return err
	}
	return nil
}

// isNoFile knows what fsync says of pipes, devices and odd file systems.
func isNoFile(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, errors.ErrUnsupported)
}
