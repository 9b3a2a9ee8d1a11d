// Keeps others from reading a file that was there before and is to hold
// secrets.

package outfile

import (
	"fmt"
	"io/fs"
	"os"
)

// makePrivate keeps others from reading a file that was there before and is to
// hold secrets; was is the mode that let them, or 0. A file that belongs to
// somebody else is refused, since its owner can always read it. Pipes and
// devices are left as they are.
func makePrivate(file *os.File) (was fs.FileMode, err error) {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || !hasModes {
		return 0, err
	}
	if uid := owner(info); !ours(uid) {
		return 0, fmt.Errorf("%s is to hold secrets, and belongs to user %d, who could read them: choose another path, or do without the secrets", file.Name(), uid)
	}
	if was = exposed(info); was == 0 {
		return 0, nil
	}
	if err := asUser(func() error { return file.Chmod(0o600) }); err != nil {
		return 0, fmt.Errorf("others can read %s, and it is to hold secrets: %w: choose another path, or do without the secrets", file.Name(), err)
	}
	return was, nil
}

// exposed is the mode of a file that others can read or write, and 0 for any
// other file, a pipe or a device.
func exposed(info fs.FileInfo) fs.FileMode {
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return info.Mode().Perm()
	}
	return 0
}
