//go:build linux

// Files of other users that are opened without outfile: by NATS, server or client.

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/privilege"
)

// foreign is what root keeps for files and folders that are opened again and again,
// where somebody else's are among them, or may come to be: by sudo, new ones are the
// user's.
func foreign(why string, paths ...string) keeping {
	for _, path := range paths {
		if path != "" && os.Geteuid() == 0 && (outfile.ForUser() || holdsForeign(path)) {
			return keeping{privilege.DACOverride | privilege.DACReadSearch, why}
		}
	}
	return keeping{}
}

// holdsForeign reports whether a file, or anything below a folder, is not root's.
func holdsForeign(path string) (found bool) {
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
				found = true
				return fs.SkipAll
			}
		}
		return nil
	})
	return found
}
