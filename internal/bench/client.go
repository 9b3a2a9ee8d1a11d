package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// The contenders. Each performs one handshake after the other. Those with "to
// the certificate" go no further than that, and end with a RST.
const (
	roleTheirs = "net + crypto/tls"
	roleDialer = "rawshake: rawtcp.Dialer, all anew for each connection"
	roleStack  = "rawshake: rawtcp.Stack, one link for all connections"
	roleLoop   = "rawshake: rawtcp.Endpoint in one loop, one link"
	roleCert   = "rawshake, to the certificate: Endpoint in one loop"
	roleJudged = "rawshake, to the certificate, judged: the same"
	roleFloor  = "floor"
	roleMemory = "in memory"
)

// A client performs handshakes.
type client interface {
	// handshake opens a connection and goes as far as it is to go, calls
	// reached, and closes. It returns what was negotiated.
	handshake(ctx context.Context, reached func()) (string, error)
	close()
}

func newClient(t *task) (client, error) {
	switch t.Role {
	case roleTheirs:
		return newTheirs(t)
	case roleDialer:
		return newDialer(t)
	case roleStack:
		return newStack(t)
	case roleLoop:
		return newLoop(t, toFinished)
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
	one := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		begin := time.Now()
		r.Version, err = c.handshake(ctx, func() { latencies = append(latencies, time.Since(begin)) })
		return err
	}
	for n := range t.Warmup {
		if err := one(); err != nil {
			return nil, fmt.Errorf("handshake %d, still warming up: %w", n+1, err)
		}
	}
	latencies = latencies[:0]
	runtime.GC()
	before := cpuTime()
	for n := range t.Handshakes {
		if err := one(); err != nil {
			return nil, fmt.Errorf("handshake %d: %w", n+1, err)
		}
	}
	r.CPU = float64(cpuTime()-before) / float64(t.Handshakes)
	r.Wall = float64(median(latencies))
	return r, nil
}

// cpuTime is what this process has used, in user and system mode.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err) // it knows no failure for the caller itself
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
