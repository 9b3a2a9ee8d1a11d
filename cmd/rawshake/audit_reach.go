//go:build linux

// Which of a host's addresses `audit` asks, and how it gets there.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// A reached is a host whose addresses are tried, one after the other, until one
// answers: all that is asked is asked there.
type reached struct {
	host    string
	dial    func(context.Context, netip.AddrPort) (net.Conn, error) // to one address
	timeout time.Duration
	tell    func(string) // that another address is tried

	mu   sync.Mutex
	list []netip.AddrPort // those that are still to be tried; one: the chosen
}

// address is the one that is asked.
func (r *reached) address() netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list[0]
}

// choose keeps one address alone.
func (r *reached) choose(a netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = []netip.AddrPort{a}
}

// open opens a connection.
func (r *reached) open(ctx context.Context) (net.Conn, error) {
	r.mu.Lock()
	list := r.list
	r.mu.Unlock()
	failed := rawtcp.AddressesError{Host: r.host}
	for i, to := range list {
		conn, err := r.attempt(ctx, to, len(list)-i)
		switch {
		case err == nil:
			r.choose(to)
			return conn, nil
		case len(list) == 1, ctx.Err() != nil && i+1 < len(list), !unreached(err):
			return nil, err
		}
		failed.Add(to, err, !errors.Is(err, route.ErrNoRoute))
		if i+1 < len(list) {
			r.tell(failed.Next(list[i+1]))
		}
	}
	return nil, &failed
}

// attempt tries one address in its share of the time that is left for that many.
func (r *reached) attempt(ctx context.Context, to netip.AddrPort, of int) (net.Conn, error) {
	within := r.timeout
	if end, ok := ctx.Deadline(); ok {
		within = time.Until(end) / time.Duration(of)
	}
	part, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn, err := r.dial(part, to)
	if err != nil && timedOut(err) && !errors.Is(ctx.Err(), context.Canceled) {
		err = &goal.TimeoutError{After: within.Round(100 * time.Millisecond), Waiting: "a SYN-ACK"}
	}
	return conn, err
}

// timedOut reports whether nothing came in time, not even a word of why.
func timedOut(err error) bool {
	var timeout net.Error
	switch goal.Outcome(goal.Finished, err) {
	case goal.Closed, goal.Unreachable:
		return false
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// unreached reports whether an error says that an address cannot be reached,
// rather than what this machine forbids.
func unreached(err error) bool {
	switch goal.Outcome(goal.Finished, err) {
	case goal.Closed, goal.Unreachable, goal.Timeout:
		return true
	}
	return false
}

// reach says how connections to a host are opened: by our TCP, or with --link kernel
// by the kernel's.
func (f *auditFlags) reach(d *rawtcp.Dialer, t target) *reached {
	r := &reached{host: t.host, timeout: f.timeout, list: append([]netip.AddrPort{t.addrPort()}, t.otherAddrPorts()...),
		tell: func(text string) { fmt.Fprintf(os.Stderr, "rawshake: %s\n", plain.Escape(text)) }}
	r.dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		conn, err := d.DialContext(ctx, "tcp", to.String())
		return conn, rawtcp.Cause(err)
	}
	if d.Link == connect.LinkKernel {
		r.dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) { return connect.DialKernel(ctx, d, to) }
	}
	return r
}
