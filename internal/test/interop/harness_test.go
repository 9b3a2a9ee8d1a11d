// Package interop holds the tests that run the built program in private
// networks against peers that nobody here wrote: OpenSSL, GnuTLS, nginx, Go's
// crypto/tls, tshark, and the Linux kernel's TCP.
package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/test/build"
)

// program is the path of the built rawshake.
var program string

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == withoutNetfilter {
		fmt.Fprintln(os.Stderr, execWithoutNetfilter(os.Args[2:]))
		os.Exit(1)
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rawshake-interop-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755) // ordinary users run it too
	program = filepath.Join(dir, "rawshake")
	if err := build.Program(program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// missing skips the test for want of something, or fails it in the gate.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// needProgram skips the test where a peer's program is not installed.
func needProgram(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path
		}
	}
	missing(t, "%s is not installed: scripts/setup.sh installs it", name)
	return ""
}

// newLab makes a private network that ends with the test.
func newLab(t *testing.T, options ...lab.Option) *lab.Lab {
	t.Helper()
	l, err := lab.New(t.Context(), options...)
	if err != nil {
		if errors.Is(err, netns.ErrForbidden) {
			missing(t, "this test makes network namespaces: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("closing the lab: %v", err)
		}
	})
	return l
}

// A run is one finished command of ours.
type run struct {
	stdout, stderr string
	status         int
}

// rawshake runs the program in a node and waits for it, at most a minute.
func rawshake(t *testing.T, n *lab.Node, args ...string) run {
	t.Helper()
	return execute(t, func(ctx context.Context) *netns.Cmd { return n.CommandContext(ctx, program, args...) })
}

// execute runs a command that ends within a minute.
func execute(t *testing.T, command func(context.Context) *netns.Cmd) run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := command(ctx)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%q hangs\n%s%s", cmd.Args, &stdout, &stderr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return run{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// want checks the exit status.
func (r run) want(t *testing.T, status int) run {
	t.Helper()
	if r.status != status {
		t.Fatalf("exit status %d, want %d\nstdout:\n%s\nstderr:\n%s", r.status, status, r.stdout, r.stderr)
	}
	return r
}

// says checks that the error message holds each of the words.
func (r run) says(t *testing.T, words ...string) run {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("the error does not say %q:\n%s", w, r.stderr)
		}
	}
	return r
}

// An entry is one line of the JSON view.
type entry struct {
	Time         float64  `json:"time_ms"`
	Dir          string   `json:"dir"`
	Layer        string   `json:"layer"`
	Type         string   `json:"type"`
	Frame        int      `json:"frame"`
	Flags        []string `json:"flags"`
	Seq          uint32   `json:"seq"`
	Ack          uint32   `json:"ack"`
	Len          int      `json:"len"`
	Offset       int64    `json:"offset"`
	Origin       string   `json:"origin"`
	Message      string   `json:"message"`
	Name         string   `json:"name"`
	Text         string   `json:"text"`
	OK           bool     `json:"ok"`
	Outcome      string   `json:"outcome"`
	Version      string   `json:"version"`
	CipherSuite  string   `json:"cipher_suite"`
	Group        string   `json:"group"`
	ALPN         string   `json:"alpn"`
	PeerVerified bool     `json:"peer_verified"`
	RTT          float64  `json:"rtt_ms"`
	Handshake    float64  `json:"handshake_ms"`
	Link         string   `json:"link"`
	Error        string   `json:"error"`
	Reasons      []struct {
		Code   string `json:"code"`
		Remedy string `json:"remedy"`
	} `json:"reasons"`
}

// entries parses a JSON view, and checks that its last line is the result.
func entries(t *testing.T, view string) []entry {
	t.Helper()
	var list []entry
	for _, line := range strings.Split(strings.TrimSpace(view), "\n") {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("not a JSON line: %v\n%s", err, line)
		}
		list = append(list, e)
	}
	if len(list) == 0 || list[len(list)-1].Type != "result" {
		t.Fatalf("the JSON view does not end in a result:\n%s", view)
	}
	return list
}

// messages lists the TLS messages in order: "out client_hello".
func messages(list []entry) []string {
	var names []string
	for _, e := range list {
		if e.Type == "message" {
			names = append(names, e.Dir+" "+e.Message)
		}
	}
	return names
}

// waitListening waits until something accepts at an address of a node.
func waitListening(t *testing.T, n *lab.Node, address string) {
	t.Helper()
	for range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		c, err := n.Dial(ctx, "tcp", address)
		cancel()
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("nothing listens at %s", address)
}

// writeFile writes a file that the test's own folder holds.
func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func hostPort(n *lab.Node, port int) string {
	return net.JoinHostPort(n.Addr().String(), fmt.Sprint(port))
}
