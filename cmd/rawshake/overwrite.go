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

// replacing looks at a file that is about to be written over. What it returns
// says that it was there, once it could be opened.
func replacing(path string) (sayReplaced func()) {
	held := holdsData(path)
	return func() {
		if held {
			fmt.Fprintf(os.Stderr, "rawshake: note: %s was there already, and is written over\n", view.Escape(path))
		}
	}
}
