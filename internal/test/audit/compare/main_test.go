// The way in: the program is built once, and the tests run in namespaces of their own.

package compare

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rawshake/rawshake/internal/test/build"
	"github.com/rawshake/rawshake/internal/test/netns"
)

var (
	full   = flag.Bool("full", false, "run testssl.sh with every server")
	only   = flag.String("tools", "", "compare with these alone, separated by commas")
	update = flag.Bool("update", false, "write docs/audit-compared.md, of one server after the other")
)

// rawshake is the path of the built program.
var rawshake string

func TestMain(m *testing.M) { os.Exit(netns.RunTests(built{m})) }

// built runs the tests once the program is there.
type built struct{ m *testing.M }

func (b built) Run() int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "rawshake-compare-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	rawshake = filepath.Join(dir, "rawshake")
	if err := build.Program(rawshake); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return b.m.Run()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// program finds a server or a tool. Where the tests are the gate it must be there.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, name := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: scripts/setup.sh installs it", name)
	}
	t.Skipf("%s is not installed: CI=true scripts/setup.sh installs it", name)
	return ""
}
