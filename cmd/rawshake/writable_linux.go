// Asks the kernel whether a path can be opened, without touching it.

package main

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// writable says why a file or folder cannot be written, or nil.
func writable(path string) error { return unix.Access(path, unix.W_OK) }

// accessible says why this thread may not read (mode 4) or write (2) a file or
// folder, or nil.
func accessible(path string, mode fs.FileMode) error {
	return unix.Faccessat(unix.AT_FDCWD, path, uint32(mode), unix.AT_EACCESS)
}
