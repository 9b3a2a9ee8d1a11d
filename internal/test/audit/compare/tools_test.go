// Runs a tool against a server, and says what it took.

package compare

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// patience is how long anything here may take: a limit for what hangs, and no more.
const patience = 20 * time.Minute

// A tool is a program that finds out what a TLS server does.
type tool struct {
	name    string
	file    string // of the program; empty: name
	program func() string
	args    func(addr, file string) []string
	toFile  bool // it writes its findings to the file
	parse   func([]byte) (*findings, error)

	version []string // arguments
	pattern string   // of what it says then
}

// tools are those that we are compared with.
var tools = []*tool{sslscan, nmap, testssl}

func (o *tool) path(t *testing.T) string {
	if o.program != nil {
		return o.program()
	}
	if o.file != "" {
		return program(t, o.file)
	}
	return program(t, o.name)
}

// A cost is what an answer took.
type cost struct {
	connections int
	time        time.Duration
}

// run has the tool look at the server, and counts its connections there.
func (o *tool) run(t *testing.T, s *site, addr string) (*findings, cost) {
	t.Helper()
	path := o.path(t)
	file := filepath.Join(t.TempDir(), "findings")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, o.args(addr, file)...)
	cmd.Dir = t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	before, start := s.accepted(t), time.Now()
	err := cmd.Run()
	took := time.Since(start)
	out := stdout.Bytes()
	if o.toFile { // its exit status is how many things it dislikes
		if out, err = os.ReadFile(file); err != nil {
			t.Fatalf("%s: %v\n%s%s", o.name, err, &stdout, &stderr)
		}
	}
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, &stdout, &stderr)
	}
	f, err := o.parse(out)
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", o.name, err, out, &stderr)
	}
	if testing.Verbose() {
		t.Logf("%v: %s: %d connections, %v", s.server, o.name, s.accepted(t)-before, took)
	}
	return f, cost{s.accepted(t) - before, took}
}

func (o *tool) versionOf(t *testing.T) string {
	out, _ := exec.Command(o.path(t), o.version...).CombinedOutput() // testssl.sh ends with 1
	m := regexp.MustCompile(o.pattern).FindSubmatch(out)
	if m == nil {
		t.Fatalf("%s: no version in %q", o.name, out)
	}
	return string(m[1])
}
