// Standard output that remembers a failed write.

package main

import (
	"fmt"
	"os"
)

// told is standard output as it is right now. It remembers that it could not be
// written, where whoever writes does not look: a command that could not say what
// it was asked for has not done it.
type told struct{ err error }

func (t *told) Write(p []byte) (int, error) {
	if t.err == nil {
		_, t.err = os.Stdout.Write(p)
	}
	return len(p), nil
}

// out is what commands that are no views say.
var out told

func say(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
