package interop

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// programs are those of docs/library.md, built: by their names, which the first
// comment of each begins with.
func programs(t *testing.T) func(name string) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	paths := make(map[string]string)
	for _, m := range regexp.MustCompile("(?s)```go\n(// (\\w+) .*?)```").FindAllSubmatch(page, -1) {
		name := string(m[2])
		source := filepath.Join(dir, name, "main.go")
		paths[name] = filepath.Join(dir, name, name)
		if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(source, m[1], 0o644); err != nil {
			t.Fatal(err)
		}
		if formatted, err := exec.Command("gofmt", "-l", source).CombinedOutput(); err != nil || len(formatted) > 0 {
			t.Errorf("%s is not formatted: %s %v", name, formatted, err)
		}
		if said, err := exec.Command("go", "build", "-o", paths[name], source).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, said)
		}
	}
	return func(name string) string {
		if paths[name] == "" {
			t.Fatalf("the page has no program %s", name)
		}
		return paths[name]
	}
}

// started runs a command until the test ends, and returns what it says.
func started(t *testing.T, cmd *netns.Cmd) *bytes.Buffer {
	t.Helper()
	said := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return said
}

// The guide's programs do what the guide says.
func TestTheGuidesProgramsRun(t *testing.T) {
	program := programs(t)
	l := newLab(t)
	near, far := l.Near(), l.Far()
	s, err := l.StartTLSServer(service.Options{Body: bytes.Repeat([]byte("body "), 20000)})
	if err != nil {
		t.Fatal(err)
	}
	in := func(n *lab.Node, name string, args ...string) run {
		return execute(t, func(ctx context.Context) *netns.Cmd {
			cmd := n.CommandContext(ctx, program(name), args...)
			cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+s.CAFile())
			return cmd
		})
	}

	t.Run("get", func(t *testing.T) {
		if r := in(near, "get", "https://"+far.Addr().String()+"/").want(t, 0); r.stdout != strings.Repeat("body ", 20000) {
			t.Errorf("%d bytes", len(r.stdout))
		}
	})
	t.Run("watch", func(t *testing.T) {
		r := in(near, "watch", hostPort(far, 443)).want(t, 0)
		for i, want := range []string{"-> SYN seq", "<- SYN-ACK seq", "-> ACK seq", "-> FIN-ACK seq"} {
			if lines := strings.Split(r.stdout, "\n"); len(lines) <= i || !strings.HasPrefix(lines[i], want) {
				t.Fatalf("line %d does not begin with %q:\n%s", i, want, r.stdout)
			}
		}
	})
	t.Run("scan", func(t *testing.T) {
		closed, nobody := far.Addr().String()+":1", "198.18.0.99:443"
		r := in(near, "scan", hostPort(far, 443), closed, nobody).want(t, 0)
		for _, want := range []string{hostPort(far, 443) + " ESTABLISHED", closed + " CLOSED connection refused", nobody + " "} {
			if !strings.Contains(r.stdout, want) {
				t.Errorf("no %q in\n%s", want, r.stdout)
			}
		}
	})
	t.Run("server", func(t *testing.T) {
		address := near.Addr().String() + ":8443"
		said := started(t, near.Command(program("server"), address, s.CertFile(), s.KeyFile()))
		r := execute(t, func(ctx context.Context) *netns.Cmd {
			return far.CommandContext(ctx, "curl", "-sS", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "--max-time", "50", "--cacert", s.CAFile(),
				"--connect-to", "::"+address, "https://"+pki.ServerName+"/")
		})
		if r.want(t, 0); !strings.HasPrefix(r.stdout, "hello, "+far.Addr().String()) {
			t.Errorf("%q\n%s", r.stdout, said)
		}
	})
	t.Run("fault", func(t *testing.T) {
		address := far.Addr().String() + ":8443"
		cmd := far.Command(program("fault"), address, s.CertFile(), s.KeyFile())
		said := new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = said, said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var r run
		for range 50 {
			if r = rawshake(t, near, "connect", address, "--ca", s.CAFile(), "--view", "none"); r.status != 4 {
				break
			}
			time.Sleep(100 * time.Millisecond) // it does not listen yet
		}
		r.want(t, 6).says(t, "Finished")
		if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "decrypt_error") {
			t.Errorf("%v: %s", err, said)
		}
	})
}
