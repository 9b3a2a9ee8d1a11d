// Standard output that remembers a failed write.

package main

import (
	"fmt"
	"os"
)

// told writes to standard output as it is right now, and remembers a failure
// that the caller does not look at: a command that could not print its answer
// has failed.
type told struct{ err error }

func (t *told) Write(p []byte) (int, error) {
	if t.err == nil {
		_, t.err = os.Stdout.Write(p)
	}
	return len(p), nil
}

// out is where commands without a view print.
var out told

func say(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
