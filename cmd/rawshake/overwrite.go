package main

import (
	"fmt"
	"os"

	"github.com/rawshake/rawshake/internal/view"
)

// What stood in a file is not lost in silence. A scan took hours, so that probe
// refuses to write over one; where it is one connection, it is said.

// holdsData reports whether a path is a file with something in it. Pipes and
// devices hold nothing.
func holdsData(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// sayReplaced says of a file that is about to be written over that it was there.
func sayReplaced(path string) {
	if holdsData(path) {
		fmt.Fprintf(os.Stderr, "rawshake: note: %s was there already, and is written over\n", view.Escape(path))
	}
}
