//go:build linux

package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/build"
)

// program is rawshake, built by TestMain.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rawshake-fleet-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "rawshake")
	if err := build.Program(program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A ground is a hub with NATS, workers, and a network that answers. Each worker has a
// link to either.
type ground struct {
	t     testing.TB
	lab   *lab.Lab
	dir   string // of the NATS server
	token string // a file

	mu     sync.Mutex
	server *netns.Cmd
	said   bytes.Buffer // by all programs
}

// newGround makes one with a NATS server that runs.
func newGround(t testing.TB, workers int) *ground {
	t.Helper()
	top := lab.Topology{Name: "fleet", Nodes: []lab.NodeConfig{{Name: "hub"}}}
	far := lab.NodeConfig{Name: "far", Owns: []netip.Prefix{netip.MustParsePrefix("198.18.0.0/16")},
		Services: []service.Service{{Kind: service.TLS, Port: 443, MaxVersion: "1.2"}}}
	for i := range workers {
		name := worker(i)
		top.Nodes = append(top.Nodes, lab.NodeConfig{Name: name})
		top.Links = append(top.Links,
			link("hub", name, fmt.Sprintf("198.19.%d.1/24", 21+i), fmt.Sprintf("198.19.%d.2/24", 21+i)),
			link(name, "far", fmt.Sprintf("198.19.%d.2/24", 51+i), fmt.Sprintf("198.19.%d.1/24", 51+i)))
	}
	top.Nodes = append(top.Nodes, far)
	l, err := lab.New(t.Context(), lab.With(top))
	if errors.Is(err, netns.ErrForbidden) && os.Getenv("CI") == "" {
		t.Skipf("this test makes network namespaces: %v", err)
	}
	check(t, err)
	g := &ground{t: t, lab: l, dir: t.TempDir(), token: filepath.Join(t.TempDir(), "token")}
	check(t, os.WriteFile(g.token, []byte("open sesame\n"), 0o600))
	t.Cleanup(func() {
		l.Close()
		if t.Failed() {
			g.mu.Lock()
			t.Logf("the programs said:\n%s", g.said.String())
			g.mu.Unlock()
		}
	})
	g.serve()
	return g
}

func worker(i int) string { return fmt.Sprintf("w%d", i+1) }

func link(a, b, addrA, addrB string) lab.LinkConfig {
	return lab.LinkConfig{Ends: []lab.End{{Node: a, Addresses: []netip.Prefix{netip.MustParsePrefix(addrA)}}, {Node: b, Addresses: []netip.Prefix{netip.MustParsePrefix(addrB)}}}}
}

// Write takes what programs say.
func (g *ground) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.said.Write(p)
}

// start starts the program on a node.
func (g *ground) start(node string, args ...string) *netns.Cmd {
	g.t.Helper()
	cmd := g.lab.Node(node).Command(program, args...)
	cmd.Stdout, cmd.Stderr = g, g
	check(g.t, cmd.Start())
	return cmd
}

// fleet runs `rawshake fleet` on the hub, and returns what it writes.
func (g *ground) fleet(args ...string) string {
	g.t.Helper()
	out, errs, status := g.try(args...)
	if status != 0 {
		g.t.Fatalf("rawshake fleet %q: status %d\n%s", args, status, errs)
	}
	return out
}

// try is fleet, whatever the exit status.
func (g *ground) try(args ...string) (stdout, stderr string, status int) {
	cmd := g.lab.Node("hub").Command(program, append([]string{"fleet", "--nats-token-file", g.token}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run()
	return out.String(), errs.String(), cmd.Status()
}

// serve starts the NATS server, and waits for it.
func (g *ground) serve(more ...string) {
	g.t.Helper()
	g.server = g.start("hub", append([]string{"fleet", "serve", "--dir", g.dir, "--listen", "0.0.0.0:4222", "--token-file", g.token}, more...)...)
}

// work starts a worker on its node.
func (g *ground) work(i int, args ...string) *netns.Cmd {
	g.t.Helper()
	return g.start(worker(i), append([]string{"fleet", "work", "--nats", fmt.Sprintf("nats://198.19.%d.1:4222", 21+i), "--nats-token-file", g.token}, args...)...)
}

// status is the scan's.
func (g *ground) status(scan string) (st status, ok bool) {
	out, _, code := g.try("status", "--json", scan)
	return st, code == 0 && json.Unmarshal([]byte(out), &st) == nil
}

type status struct {
	State  string
	Done   uint64 `json:"targets_done"`
	Shards struct {
		Done  uint64
		Aside uint64 `json:"set_aside"`
	}
	Scan struct {
		Shards, Targets uint64
	}
	Workers []struct {
		Name     string
		Rate     float64
		Packets  uint64
		Excluded uint64
		Sources  []string
		Note     string
		Shard    *uint64
		Left     bool
		Silent   bool
	}
}

func (s *status) over() bool {
	return s.Scan.Shards > 0 && s.Shards.Done+s.Shards.Aside == s.Scan.Shards
}

// await waits for something to come about, as long as a busy machine may take.
func (g *ground) await(what string, holds func() bool) {
	g.t.Helper()
	for end := time.Now().Add(5 * time.Minute); !holds(); {
		if time.Now().After(end) {
			g.t.Fatalf("it did not come about: %s\n%s", what, g.fleet("status"))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// results are those that collect writes, as count of each address.
func (g *ground) results(scan string, args ...string) (count map[string]int, repeats int) {
	g.t.Helper()
	count = make(map[string]int)
	whole := 0
	for line := range strings.Lines(g.fleet(append([]string{"collect", scan}, args...)...)) {
		var r struct {
			Addr, Outcome string
			Repeat        bool
		}
		check(g.t, json.Unmarshal([]byte(line), &r))
		count[r.Addr]++
		if r.Repeat {
			repeats++
		}
		if r.Outcome == "certificate" { // a busy machine may not come that far in time
			whole++
		}
	}
	if len(count) > 0 && whole == 0 {
		g.t.Errorf("of %d results none came to its certificate", len(count))
	}
	return count, repeats
}

// once checks that each address of a block has one result.
func (g *ground) once(scan, block string, args ...string) {
	g.t.Helper()
	count, repeats := g.results(scan, args...)
	p := netip.MustParsePrefix(block)
	want := 1 << (32 - p.Bits())
	missing, double := 0, 0
	for a := p.Addr(); p.Contains(a); a = a.Next() {
		switch n := count[a.String()]; {
		case n == 0:
			missing++
		case n > 1:
			double++
		}
	}
	if len(count) != want || missing+double > 0 {
		g.t.Errorf("%s: %d results of %d targets, %d missing, %d double", scan, len(count), want, missing, double)
	}
	g.t.Logf("%s: %d results, %d of targets that may have been probed twice", scan, len(count), repeats)
}

// down takes a worker's link to the hub away, or back.
func (g *ground) down(i int, down bool) {
	g.t.Helper()
	check(g.t, g.lab.Node("hub").Do(func() error {
		dev, err := netlink.LinkByName(worker(i))
		if err != nil {
			return err
		}
		if down {
			return netlink.LinkSetDown(dev)
		}
		return netlink.LinkSetUp(dev)
	}))
}

func kill(cmd *netns.Cmd) {
	cmd.Signal(unix.SIGKILL)
	cmd.Wait()
}

func unmarshal(s string, into any) error { return json.Unmarshal([]byte(s), into) }
