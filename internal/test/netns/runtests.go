// The way into namespaces for the tests of a package.

package netns

import (
	"context"
	"errors"
	"fmt"
	"os"

	lab "github.com/rawshake/rawshake/internal/lab/netns"
)

// RunTests runs a test binary's tests inside namespaces of their own, as root or
// not, and returns the status for [os.Exit]. Call it in TestMain, with a
// *testing.M:
//
//	func TestMain(m *testing.M) { os.Exit(netns.RunTests(m)) }
//
// The process's own namespace is then private to the test binary, whose
// goroutines all stand in it, and whatever a killed test leaves running dies
// with it. Where the host forbids that, the tests run outside, and what they ask
// for tells them why; under CI=true it is a failure.
func RunTests(m interface{ Run() int }) int {
	if lab.Inside() {
		return m.Run()
	}
	status, err := lab.Reexec(context.Background(), os.Args)
	switch {
	case err == nil:
		return status
	case errors.Is(err, lab.ErrForbidden) && os.Getenv("CI") != "true":
		fmt.Fprintln(os.Stderr, err)
		return m.Run()
	default:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
}
