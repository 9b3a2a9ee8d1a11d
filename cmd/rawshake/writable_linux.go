// Asks the kernel whether a path can be written, without touching it.

package main

import "golang.org/x/sys/unix"

// writable says why a file or folder cannot be written, or nil.
func writable(path string) error { return unix.Access(path, unix.W_OK) }
