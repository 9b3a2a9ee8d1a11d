// Package build builds rawshake for tests that run it as people do.
package build

import (
	"fmt"
	"os"
	"os/exec"
)

// Program makes the program at a path. It is trimmed, as make build and others have it, so
// that it is compiled once. How long a compiler takes on a busy machine says nothing
// about the project: the time of the whole test is its limit.
func Program(path string) error {
	build := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/rawshake/rawshake/cmd/rawshake")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("the program does not build: %w\n%s", err, out)
	}
	return nil
}
