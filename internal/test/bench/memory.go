// The clients in memory, without any network.

package main

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"time"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// The contenders of the in-memory rows: each side's client without any network.
// A reused client takes its memory from a pool, as a prober's clients do.
const (
	theirClient = "crypto/tls"
	ourClient   = "rawshake: tlsmsg/handshake"
	againClient = "the same, one client used again"

	floorTime = "floor in memory, ns"
)

// The figures of a contender.
func timeOf(name string) string   { return name + ", ns" }
func allocsOf(name string) string { return name + ", allocs" }
func bytesOf(name string) string  { return name + ", bytes" }

// memory measures the clients alone, and the part of the floor that is in them.
// The server runs in the same process while the client waits in Read; the meter
// is stopped meanwhile. All take turns, handshake by handshake, since figures
// so close to each other cannot be compared otherwise.
func memory(t *task) (*report, error) {
	server, err := serverConfig(t)
	if err != nil {
		return nil, err
	}
	config, err := theirConfig(t)
	if err != nil {
		return nil, err
	}
	o, err := newOurs(t)
	if err != nil {
		return nil, err
	}
	ops, err := floorOperations(t)
	if err != nil {
		return nil, err
	}
	pooled := ourConfig(t)
	pooled.Pool = new(slab.Pool)
	lending, again := handshake.NewProfile(pooled), new(handshake.Client)
	buf := make([]byte, 4096)
	peer := func(c net.Conn) error { return tls.Server(c, server).Handshake() }
	sides := []*side{
		{name: theirClient, client: func(c net.Conn) error { return tls.Client(c, config).Handshake() }},
		{name: ourClient, client: func(c net.Conn) error {
			return inMemory(c, new(handshake.Client), o.tls, o.name, buf, &o.worker)
		}},
		{name: againClient, client: func(c net.Conn) error {
			defer again.Release()
			return inMemory(c, again, lending, o.name, buf, &o.worker)
		}},
	}
	var floor []time.Duration
	for i := range t.Warmup + moreInMemory*t.Handshakes {
		if i == t.Warmup {
			runtime.GC()
			floor = nil
			for _, s := range sides {
				s.clock.each = nil
			}
		}
		for _, s := range sides {
			if err := metered(&s.clock, peer, s.client); err != nil {
				return nil, err
			}
		}
		took, err := timed(ops, floorParts)
		if err != nil {
			return nil, err
		}
		floor = append(floor, took)
	}
	return figures(t, sides, floor, peer)
}

// timed times the parts of a floor, one after the other.
func timed(ops map[string]func() error, parts []string) (time.Duration, error) {
	begin := time.Now()
	for _, name := range parts {
		if err := ops[name](); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
	}
	return time.Since(begin), nil
}

// figures are what is reported of the sides, with a few more handshakes for what they
// allocate.
func figures(t *task, sides []*side, floor []time.Duration, peer func(net.Conn) error) (*report, error) {
	r := &report{Parts: map[string]float64{floorTime: float64(undisturbed(floor))}}
	for _, s := range sides {
		r.Parts[timeOf(s.name)] = float64(undisturbed(s.clock.each))
		// Reading the allocation counters stops the world, so it has turns of
		// its own.
		heap, few := meter{allocations: true}, max(t.Handshakes/10, 1)
		for range few {
			if err := metered(&heap, peer, s.client); err != nil {
				return nil, err
			}
		}
		r.Parts[allocsOf(s.name)] = float64(heap.objects) / float64(few)
		r.Parts[bytesOf(s.name)] = float64(heap.bytes) / float64(few)
	}
	return r, nil
}

// moreInMemory is how many times more handshakes there are than over the
// network, since the difference is small beside the floor.
const moreInMemory = 4

// undisturbed is the lower quartile: what a handshake takes when nothing else
// on the machine interferes.
func undisturbed(v []time.Duration) time.Duration {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/4]
}

// side is one client.
type side struct {
	name   string
	client func(net.Conn) error
	clock  meter
}

// inMemory drives our client over a stream, without our TCP below it.
func inMemory(stream io.ReadWriter, c *handshake.Client, profile *handshake.Profile, name string, buf []byte, w *worker.Worker) error {
	id := handshake.Identity{ServerName: name}
	rand.Read(id.Random[:])
	c.Reset(profile, id)
	c.Start()
	for {
		w.Finish(c)
		if out := c.Next(); out != nil {
			if _, err := stream.Write(out); err != nil {
				return err
			}
		}
		if c.Err() != nil || c.Stage() >= handshake.StageFinished {
			return c.Err()
		}
		n, err := stream.Read(buf)
		if err != nil {
			return err
		}
		c.Receive(buf[:n])
	}
}

// metered runs one side once, against a fresh peer.
func metered(m *meter, peer, one func(net.Conn) error) error {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	deadline := time.Now().Add(patience)
	near.SetDeadline(deadline)
	far.SetDeadline(deadline)
	done := make(chan error, 1)
	go func() { done <- peer(far) }()
	m.total = 0
	m.start()
	err := one(meteredConn{near, m})
	m.stop()
	m.each = append(m.each, m.total)
	if err == nil {
		err = <-done
	}
	return err
}

// meteredConn stops the meter while the other side is at work.
type meteredConn struct {
	net.Conn
	m *meter
}

func (c meteredConn) Read(p []byte) (int, error) {
	c.m.stop()
	defer c.m.start()
	return c.Conn.Read(p)
}

func (c meteredConn) Write(p []byte) (int, error) {
	c.m.stop()
	defer c.m.start()
	return c.Conn.Write(p)
}

// A meter adds up the time, or the heap allocations, between start and stop.
type meter struct {
	allocations bool

	total          time.Duration   // of the current handshake
	each           []time.Duration // of every one
	objects, bytes uint64

	since time.Time
	mem   runtime.MemStats
}

func (m *meter) start() {
	if m.allocations {
		runtime.ReadMemStats(&m.mem)
		return
	}
	m.since = time.Now()
}

func (m *meter) stop() {
	if !m.allocations {
		m.total += time.Since(m.since)
		return
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	m.objects += now.Mallocs - m.mem.Mallocs
	m.bytes += now.TotalAlloc - m.mem.TotalAlloc
}
