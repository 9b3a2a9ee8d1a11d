// Command bogo runs our machines under BoringSSL's test runner
// (ssl/test/runner): it is what its PORTING notes call a shim. The runner
// starts it once for each test, with flags that say what to offer and what to
// expect. It connects to the runner over the kernel's TCP, performs a handshake
// as client or server, and answers data with its complement. docs/interop.md
// says how it is run, and testdata/bogo/config.json which tests are left out,
// and why.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// exitUnimplemented tells the runner that a test asks for something that is not
// implemented.
const exitUnimplemented = 89

// errUnimplemented wraps what the runner asked for.
var errUnimplemented = errors.New("unimplemented")

func main() {
	if slices.Contains(os.Args, "-is-handshaker-supported") {
		fmt.Println("No") // a second process that would take over a handshake
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

// run makes the first connection and those that should resume it. retried holds
// what is asked for after early data was refused.
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
