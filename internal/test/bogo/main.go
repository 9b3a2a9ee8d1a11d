// Command bogo puts our machines under the test runner of BoringSSL
// (ssl/test/runner): it is what its PORTING notes call a shim. The runner
// starts it once for a test, with flags that say what to offer and what to
// expect; it connects to the runner over the kernel's TCP, shakes hands as
// client or server, and answers data with its complement. docs/interop.md says
// how it is run, and testdata/bogo/config.json which tests are not, and why.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// exitUnimplemented tells the runner that a test asks for what is not here.
const exitUnimplemented = 89

// errUnimplemented wraps what the runner asked for.
var errUnimplemented = errors.New("unimplemented")

func main() {
	if slices.Contains(os.Args, "-is-handshaker-supported") {
		fmt.Println("No") // a second process that takes a handshake over
		return
	}
	initial, resumed, retried, err := parseFlags(os.Args[1:])
	if err == nil {
		err = run(initial, resumed, retried)
	}
	switch {
	case errors.Is(err, errUnimplemented):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUnimplemented)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run makes the first connection and those that should resume it; what is asked for
// differs where early data was refused.
func run(initial, resumed, retried *settings) error {
	known := memory{clock: time.Now()}
	if err := exchange(initial, initial, &known, false); err != nil {
		return err
	}
	for range initial.resumeCount {
		known.clock = known.clock.Add(time.Duration(resumed.delay) * time.Second)
		if err := exchange(resumed, retried, &known, true); err != nil {
			return err
		}
	}
	return nil
}
