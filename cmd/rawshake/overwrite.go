// No file's content is lost in silence: probe refuses to overwrite a file,
// since a scan takes hours; a single connection overwrites it and says so.

package main

import (
	"fmt"
	"os"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/outfile"
)

// holdsData reports whether a path is a file with something in it. Pipes and
// devices hold nothing.
func holdsData(path string) bool {
	info, err := outfile.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// replacing looks at a file that is about to be overwritten. The function that
// it returns says that there was one, once it could be opened.
func replacing(path string) (sayReplaced func()) {
	held := holdsData(path)
	return func() {
		if held {
			fmt.Fprintf(os.Stderr, "rawshake: note: %s was there already, and is written over\n", plain.Escape(path))
		}
	}
}
