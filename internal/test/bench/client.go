// The clients that are measured, and the loop that measures them.

package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/rawtcp"
)

// The contenders. Those "to the certificate" go no further than that, and end
// with a RST; the others close in good order, with close_notify and FIN.
const (
	roleTheirs = "net + crypto/tls"
	roleDialer = "rawshake: rawtcp.Dialer, all anew for each connection"
	roleShared = "rawshake: rawtcp.Dialer over one rawtcp.Network"
	roleLoop   = "rawshake: endpoint.Endpoint in one loop, one link"
	roleCert   = "rawshake: Endpoint in one loop, certificate received"
	roleJudged = "rawshake: the same, certificate received and judged"

	roleProbe     = "rawshake: probe to finished, each chain verified anew"
	roleKnown     = "rawshake: probe to finished, a chain met before believed"
	roleProbeCert = "rawshake: probe to certificate"

	roleFloor   = "floor"
	roleMemory  = "in memory"
	roleServing = "server in memory"
)

// A client performs n handshakes, as many at a time as its task says, and calls
// done with the latency of each.
type client interface {
	run(n int, done func(latency time.Duration, negotiated string)) error
	close()
}

func newClient(t *task) (client, error) {
	switch t.Role {
	case roleTheirs:
		return newTheirs(t)
	case roleDialer:
		return newDialer(t, nil)
	case roleShared:
		return newDialer(t, new(rawtcp.Network))
	case roleLoop:
		return newLoop(t, toFinished)
	case roleProbe, roleKnown:
		return newScanner(t, probe.GoalFinished)
	case roleProbeCert:
		return newScanner(t, probe.GoalCertificate)
	case roleCert:
		return newLoop(t, toCertificate)
	case roleJudged:
		return newLoop(t, toJudged)
	}
	return nil, fmt.Errorf("no contender is called %q", t.Role)
}

// handshakes warms up and measures.
func handshakes(t *task) (*report, error) {
	c, err := newClient(t)
	if err != nil {
		return nil, err
	}
	defer c.close()
	r := &report{}
	latencies := make([]time.Duration, 0, t.Handshakes)
	done := func(latency time.Duration, negotiated string) {
		r.Negotiated = negotiated
		latencies = append(latencies, latency)
	}
	if err := c.run(t.Warmup, done); err != nil {
		return nil, fmt.Errorf("warming up: %w", err)
	}
	latencies = latencies[:0]
	runtime.GC()
	before := cpuTime()
	if err := c.run(t.Handshakes, done); err != nil {
		return nil, err
	}
	r.CPU = float64(cpuTime()-before) / float64(t.Handshakes)
	r.Wall = float64(median(latencies))
	return r, nil
}

// A blocking client opens a connection, performs the handshake, calls reached,
// and closes. It returns what was negotiated.
type blocking func(ctx context.Context, reached func()) (string, error)

// run runs a goroutine for each handshake at a time.
func (b blocking) run(n, atATime int, done func(time.Duration, string)) error {
	var mu sync.Mutex
	var failure error
	var wg sync.WaitGroup
	for range min(atATime, n) {
		wg.Go(func() {
			for {
				mu.Lock()
				last := n == 0 || failure != nil
				if !last {
					n--
				}
				mu.Unlock()
				if last {
					return
				}
				latency, negotiated, err := b.one()
				mu.Lock()
				if err != nil {
					failure = err
				} else {
					done(latency, negotiated)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failure
}

func (b blocking) one() (latency time.Duration, negotiated string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	begin := time.Now()
	negotiated, err = b(ctx, func() { latency = time.Since(begin) })
	return latency, negotiated, err
}

// cpuTime is what this process has used, in user and system mode.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err) // it cannot fail for the calling process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (t *task) roots() (*x509.CertPool, error) {
	ca, err := x509.ParseCertificate(t.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return pool, nil
}
