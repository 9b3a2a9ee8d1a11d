package servers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/test/build"
)

// programVar is where the built program is, for the tests inside their namespaces.
const programVar = "RAWSHAKE_TEST_PROGRAM"

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	if netns.Inside() { // where the machine's own files may be hidden
		return Main(m)
	}
	dir, err := os.MkdirTemp("", "rawshake-servers-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "rawshake")
	if err := errors.Join(build.Program(program), os.Setenv(programVar, program)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return Main(m)
}

// A result is what connect says last, or probe of a target.
type result struct {
	Type         string `json:"type"`
	OK           bool   `json:"ok"` // connect's alone
	Outcome      string `json:"outcome"`
	Error        string `json:"error"`
	Version      string `json:"version"`
	PeerVerified bool   `json:"peer_verified"`
	Reasons      []struct {
		Code   string `json:"code"`
		Means  string `json:"means"`
		Remedy string `json:"remedy"`
	} `json:"reasons"`
}

// connect goes to a server's port by name, and returns the result and the exit status.
func connect(t *testing.T, l *lab.Lab, s *Running, p Port, more ...string) (r result, status int) {
	t.Helper()
	out, status := say(t, l, "", connectArgs(s, p, append([]string{"--json"}, more...)...)...)
	list := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(list[len(list)-1]), &r); err != nil || r.Type != "result" {
		t.Fatalf("no result (%v), exit status %d:\n%s", err, status, out)
	}
	return r, status
}

func connectArgs(s *Running, p Port, more ...string) []string {
	return append([]string{"connect", "--timeout", patience.String(), "--starttls", p.Protocol, "--ca", s.CA,
		"--resolve", s.Name + ":" + s.Address(p).Addr().String(), fmt.Sprintf("%s:%d", s.Name, p.Number)}, more...)
}

// probe goes to a server's address, for its name.
func probe(t *testing.T, l *lab.Lab, s *Running, p Port, more ...string) (r result) {
	t.Helper()
	args := append([]string{"probe", "-q", "--allow-special", "--timeout", patience.String(), "--starttls", p.Protocol, "--ca", s.CA,
		"--servername", s.Name, "--until", "finished", s.Address(p).String()}, more...)
	out, _ := say(t, l, "", args...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("no record: %v\n%s", err, out)
	}
	return r
}

// say runs the program on the lab's near side, with an input if it has one.
func say(t *testing.T, l *lab.Lab, input string, args ...string) (stdout string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := l.Near().CommandContext(ctx, os.Getenv(programVar), args...)
	if input != "" {
		cmd.Stdin = strings.NewReader(input)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("rawshake %q: %v\n%s%s", args, err, &out, &errs)
	}
	if out.Len() == 0 {
		t.Fatalf("rawshake %q says nothing, exit status %d:\n%s", args, cmd.Status(), &errs)
	}
	return out.String(), cmd.Status()
}
