package main

import (
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// The figures of the in-memory rows: each side's client without any network.
const (
	ourTime     = "rawshake, ns"
	ourAllocs   = "rawshake, allocs"
	ourBytes    = "rawshake, bytes"
	theirTime   = "crypto/tls, ns"
	theirAllocs = "crypto/tls, allocs"
	theirBytes  = "crypto/tls, bytes"
)

// memory measures the clients alone. The server runs in the same process,
// while the client waits in Read; a meter stands still meanwhile.
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
	theirs := func(c net.Conn) error { return tls.Client(c, config).Handshake() }
	ours := func(c net.Conn) error { return inMemory(c, o.config, &o.worker) }
	r := &report{Parts: make(map[string]float64)}
	for _, side := range []struct {
		time, allocs, bytes string
		client              func(net.Conn) error
	}{{theirTime, theirAllocs, theirBytes, theirs}, {ourTime, ourAllocs, ourBytes, ours}} {
		// Reading the allocation counters stops the world: in turns of its own.
		var clock, heap meter
		heap.allocations = true
		if err := metered(&meter{}, t.Warmup, server, side.client); err != nil {
			return nil, err
		}
		if err := metered(&clock, t.Handshakes, server, side.client); err != nil {
			return nil, err
		}
		few := max(t.Handshakes/10, 1)
		if err := metered(&heap, few, server, side.client); err != nil {
			return nil, err
		}
		r.Parts[side.time] = float64(median(clock.each))
		r.Parts[side.allocs] = float64(heap.objects) / float64(few)
		r.Parts[side.bytes] = float64(heap.bytes) / float64(few)
	}
	return r, nil
}

// inMemory drives our client over a stream: no TCP of ours under it.
func inMemory(stream io.ReadWriter, config handshake.Config, w *worker.Worker) error {
	rand.Read(config.Random[:])
	c := handshake.NewClient(config)
	c.Start()
	buf := make([]byte, 4096)
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

// metered runs client n times against a fresh server each.
func metered(m *meter, n int, server *tls.Config, client func(net.Conn) error) error {
	for range n {
		near, far := net.Pipe()
		deadline := time.Now().Add(patience)
		near.SetDeadline(deadline)
		far.SetDeadline(deadline)
		done := make(chan error, 1)
		go func() { done <- tls.Server(far, server).Handshake() }()
		m.total = 0
		m.start()
		err := client(meteredConn{near, m})
		m.stop()
		m.each = append(m.each, m.total)
		if err == nil {
			err = <-done
		}
		near.Close()
		far.Close()
		if err != nil {
			return err
		}
	}
	return nil
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

// A meter adds up what passes between start and stop: the time, or the heap's
// allocations.
type meter struct {
	allocations bool

	total          time.Duration   // of the handshake that runs
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
