//go:build linux

package fleet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What docs/fleet.md says, over TLS: start, work, status, exclude, pause, resume,
// metrics, files that are kept, collect, remove.
func TestTheCommandsDoWhatThePageSays(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	kill(g.server)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "hub.pem"), filepath.Join(dir, "hub.key")
	if out, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
		"-days", "2", "-subj", "/CN=hub", "-addext", "subjectAltName=IP:198.19.21.1,IP:127.0.0.1").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	g.serve("--tls-cert", cert, "--tls-key", key)
	safe := []string{"--nats", "tls://127.0.0.1:4222", "--nats-ca", cert}
	ctl := func(args ...string) string { t.Helper(); return g.fleet(append(args, safe...)...) }
	g.await("a server", func() bool { _, _, s := g.try(append([]string{"status"}, safe...)...); return s == 0 })
	if _, said, status := g.try("status", "--nats", "tls://127.0.0.1:4222"); status != 4 || !strings.Contains(said, "certificate") {
		t.Errorf("a server whose certificate nobody knows: status %d, %s", status, said)
	}

	list := filepath.Join(dir, "list")
	check(t, os.WriteFile(list, []byte("198.18.200.1\n198.18.200.2:443\nno target\n"), 0o600))
	ctl("start", "page", "--rate", "60", "--shards", "3", "--allow-special", "--max-version", "1.2", "--timeout", "30s", "--retries", "3", "-f", list, "198.18.0.0/23")
	kept := filepath.Join(dir, "kept")
	w := g.start(worker(0), "fleet", "work", "--nats", "tls://198.19.21.1:4222", "--nats-ca", cert, "--nats-token-file", g.token, "--name", "paris", "--keep", kept, "--metrics", "127.0.0.1:9464")
	status := func() (st status) {
		out := ctl("status", "--json", "page")
		check(t, unmarshal(out, &st))
		return st
	}
	g.await("results", func() bool { return status().Done > 20 })
	if s := status(); len(s.Workers) != 1 || s.Workers[0].Name != "paris" || fmt.Sprint(s.Workers[0].Sources) != "[198.19.51.2]" || s.Workers[0].Rate != 60 {
		t.Errorf("%+v", s)
	}
	if m := g.get(worker(0), "127.0.0.1:9464"); !strings.Contains(m, "rawshake_rate_packets 60\n") || !strings.Contains(m, "rawshake_working 1\n") || !strings.Contains(m, "# TYPE rawshake_packets_total counter\n") {
		t.Errorf("metrics:\n%s", m)
	}

	ctl("pause", "page")
	g.await("the pause", func() bool { s := status(); return s.State == "paused" && s.Workers[0].Note == "paused" })
	before := status().Done
	time.Sleep(2 * time.Second)
	if s := status(); s.Done != before {
		t.Errorf("%d targets were done in the pause", s.Done-before)
	}
	ctl("exclude", "page", "198.18.1.0/24", "198.18.0.128-198.18.0.255")
	if out := ctl("status", "page"); !strings.Contains(out, "198.18.1.0-198.18.1.255") {
		t.Errorf("the status does not say what is left out:\n%s", out)
	}
	ctl("resume", "page")
	check(t, w.Signal(unix.SIGTERM)) // it gives its shard back
	w.Wait()
	if w.Status() != 0 {
		t.Errorf("a worker of all scans that was told to end: status %d", w.Status())
	}
	w = g.start(worker(0), "fleet", "work", "--nats", "tls://198.19.21.1:4222", "--nats-ca", cert, "--nats-token-file", g.token, "--name", "paris", "--keep", kept, "page")
	w.Wait()
	if s := status(); !s.over() || w.Status() != 0 {
		t.Fatalf("status %d, %+v", w.Status(), s)
	}

	if out, said, _ := g.try(append([]string{"collect", "page"}, safe...)...); out != "" || !strings.Contains(said, "paris:"+kept) {
		t.Errorf("collect does not say where the results are: %s%s", out, said)
	}
	files, err := filepath.Glob(filepath.Join(kept, "page-*.jsonl.zst"))
	check(t, err)
	count, _ := g.results("page", append(safe, files...)...)
	excluded := 0
	for addr, n := range count {
		if n != 1 {
			t.Errorf("%s has %d results", addr, n)
		}
		if strings.HasPrefix(addr, "198.18.1.") {
			excluded++
		}
	}
	if count["198.18.200.1"] != 1 || len(count) < 128 || len(count) > 380 || uint64(excluded) > before {
		t.Errorf("%d results, %d of them of what was excluded after %d targets", len(count), excluded, before)
	}
	manifest, err := os.ReadFile(filepath.Join(kept, "manifest.jsonl"))
	check(t, err)
	for _, f := range files {
		if !strings.Contains(string(manifest), `"file":"`+filepath.Base(f)+`"`) {
			t.Errorf("the manifest does not have %s:\n%s", f, manifest)
		}
	}
	ctl("remove", "page")
	if _, said, status := g.try(append([]string{"status", "page"}, safe...)...); status != 2 || !strings.Contains(said, "no scan of that name") {
		t.Errorf("status %d, %s", status, said)
	}
}

// get is what an HTTP server on a node says.
func (g *ground) get(node, address string) string {
	g.t.Helper()
	c, err := g.lab.Node(node).Dial(g.t.Context(), "tcp", address)
	check(g.t, err)
	client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }}}
	r, err := client.Get("http://" + address + "/metrics")
	check(g.t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	check(g.t, err)
	return string(b)
}
