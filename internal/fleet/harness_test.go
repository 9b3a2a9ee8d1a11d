package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/fleet/server"
	"github.com/rawshake/rawshake/internal/probe/store"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newServer starts a NATS server in this process.
func newServer(t testing.TB, dir, listen string) *server.Server {
	t.Helper()
	s, err := server.Start(server.Options{Listen: listen, Dir: dir})
	check(t, err)
	return s
}

// newHub is a connection to a server of the test's.
func newHub(t testing.TB, s *server.Server) *Hub {
	t.Helper()
	h, err := Connect(s.URL())
	check(t, err)
	t.Cleanup(h.Close)
	return h
}

// newScan is a scan on a server of its own.
func newScan(t testing.TB, change func(*Spec)) *Scan {
	t.Helper()
	s := newServer(t, t.TempDir(), "127.0.0.1:0")
	t.Cleanup(s.Close)
	return startScan(t, newHub(t, s), change)
}

func startScan(t testing.TB, h *Hub, change func(*Spec)) *Scan {
	t.Helper()
	spec := NewSpec("test")
	spec.Rate, spec.Shards, spec.Targets = 1000, 4, 400
	if change != nil {
		change(&spec)
	}
	scan, err := h.Start(t.Context(), spec, nil)
	check(t, err)
	return scan
}

// again is the same scan over a connection of its own.
func again(t testing.TB, s *Scan) *Scan {
	t.Helper()
	h, err := Connect(s.hub.conn.ConnectedUrl())
	check(t, err)
	t.Cleanup(h.Close)
	other, err := h.Find(t.Context(), s.Spec.Name)
	check(t, err)
	return other
}

// await waits as long as a busy machine may take.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come about: %s", what)
		}
	}
}

// A pretence is a Probe that sends nothing: it writes a result for each target of its
// shard, and keeps a checkpoint after each few.
type pretence struct {
	job     *Job
	targets uint64
	step    time.Duration // between targets

	stuck error

	mu    sync.Mutex
	rate  float64
	until time.Time
	left  []string
	done  uint64
}

func (p *pretence) Run(soft, hard context.Context) error {
	from := uint64(0)
	var before uint64
	if c := p.job.Resume; c != nil {
		from, before = c.Loops[0].Base, c.Results
	}
	save := func(n uint64, finished bool) error {
		return p.job.Keep(&store.Checkpoint{Version: 3, Shard: p.job.Shard, Shards: p.job.Spec.Shards, Finished: finished, Results: before + n - from,
			Loops: []store.LoopExtent{{Base: n, Head: n, Ceiling: n, Done: []byte{}}}})
	}
	for n := from; n < p.targets; n++ {
		line := fmt.Sprintf(`{"type":"target","addr":"198.18.%d.%d","port":443}`+"\n", p.job.Shard, n)
		if _, err := p.job.Results.Write([]byte(line)); err != nil {
			return err
		}
		if err := save(n+1, n+1 == p.targets); err != nil {
			return err
		}
		p.mu.Lock()
		p.done++
		p.mu.Unlock()
		if !sleep(soft, p.step) {
			return nil
		}
	}
	return nil
}

func (p *pretence) Stuck() error          { return p.stuck }
func (p *pretence) SetRate(r float64)     { p.mu.Lock(); p.rate = r; p.mu.Unlock() }
func (p *pretence) SendUntil(t time.Time) { p.mu.Lock(); p.until = t; p.mu.Unlock() }
func (p *pretence) Exclude(list []string) {
	p.mu.Lock()
	p.left = slices.Clone(list)
	p.mu.Unlock()
}

func (p *pretence) Progress() (packets, results, excluded uint64, sources []netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done, p.done, 0, []netip.Addr{netip.MustParseAddr("198.18.0.1")}
}

// newWorker is one that pretends. open may be nil.
func newWorker(t testing.TB, s *Scan, name string, open func(*Job) (Probe, error)) *Worker {
	if open == nil {
		open = func(job *Job) (Probe, error) { return &pretence{job: job, targets: 100}, nil }
	}
	return &Worker{Hub: s.hub, Name: name, Open: func(_ context.Context, job *Job) (Probe, error) { return open(job) }, Log: t.Logf}
}

// collected are the addresses that collecting gives, in their order.
func collected(t testing.TB, s *Scan, files ...string) (addrs []string, c Collected) {
	t.Helper()
	var out bytes.Buffer
	c, err := s.Collect(t.Context(), &out, files...)
	check(t, err)
	for line := range bytes.Lines(out.Bytes()) {
		r, err := parse(line)
		check(t, err)
		addrs = append(addrs, r.Addr)
	}
	return addrs, c
}

var errBroken = errors.New("this machine is broken")
