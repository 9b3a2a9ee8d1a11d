// Whose files they are: somebody's who became root by sudo stay theirs.

package outfile

import (
	"errors"
	"io/fs"
	"os"

	"github.com/rawshake/rawshake/internal/privilege"
)

// user is who files are written as; nil: this process's own user.
var user *privilege.Person

// WriteAs has files be made, replaced and removed as somebody else may do it,
// and be theirs. It is called before the first is opened. What they may not do is
// done as this process may: root's own folders are for root.
func WriteAs(p *privilege.Person) { user = p }

// ForUser reports whether WriteAs has named somebody.
func ForUser() bool { return user != nil }

// asUser calls f as the user, and where the user may not, as this process.
func asUser(f func() error) error {
	if user != nil {
		if err := user.Do(f); !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return f()
}

// ByUser reports whether there is a user whom WriteAs has named, and f succeeds as
// that user.
func ByUser(f func() error) bool { return user != nil && user.Do(f) == nil }

func open(path string, flags int, mode fs.FileMode) (f *os.File, err error) {
	err = asUser(func() error {
		f, err = os.OpenFile(path, flags, mode)
		return err
	})
	return f, err
}

// Existing opens a file that is there, to read it and to write it.
func Existing(path string) (*os.File, error) { return open(path, os.O_RDWR, 0) }

// Stat and Lstat look at a file as those do who may write it.
func Stat(path string) (fs.FileInfo, error) { return looked(os.Stat, path) }

// Lstat is Stat, of a link itself.
func Lstat(path string) (fs.FileInfo, error) { return looked(os.Lstat, path) }

func looked(by func(string) (fs.FileInfo, error), path string) (info fs.FileInfo, err error) {
	err = asUser(func() error {
		info, err = by(path)
		return err
	})
	return info, err
}

// SyncDir brings a folder's list of files to the disk.
func SyncDir(path string) error {
	var d *os.File
	err := asUser(func() (err error) {
		d, err = os.Open(path)
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Rename puts a file in the place of another.
func Rename(from, to string) error { return asUser(func() error { return os.Rename(from, to) }) }

// Remove removes a file.
func Remove(path string) error { return asUser(func() error { return os.Remove(path) }) }

// MkdirAll makes a folder, and those above it that are missing.
func MkdirAll(path string, mode fs.FileMode) error {
	return asUser(func() error { return os.MkdirAll(path, mode) })
}
