// A session file that cannot be read is renamed, not overwritten: it may be
// another program's, or hold what a person can still mend.

package sessionfile

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/rawshake/rawshake/internal/outfile"
)

// setAside renames a file whose content would be lost, if it is a regular file.
// It overwrites nothing.
func (s *Store) setAside() error {
	switch there, err := regular(outfile.Lstat, s.path); {
	case err != nil:
		return fmt.Errorf("%w: nothing is written in its place; name another", err)
	case !there:
		return nil
	}
	for n := range maxAside {
		s.aside = asideName(s.path, n)
		if _, err := outfile.Lstat(s.aside); errors.Is(err, fs.ErrNotExist) {
			return outfile.Rename(s.path, s.aside)
		}
	}
	return fmt.Errorf("%s is damaged, and %s and others beside it hold earlier ones: remove those, or name another file", s.path, asideName(s.path, 0))
}

// maxAside bounds the damaged files that are kept.
const maxAside = 8

func asideName(path string, n int) string {
	if n == 0 {
		return path + ".damaged"
	}
	return fmt.Sprintf("%s.damaged-%d", path, n+1)
}

// Aside is the path to which Save has renamed the damaged file, or empty.
func (s *Store) Aside() string { return s.aside }
