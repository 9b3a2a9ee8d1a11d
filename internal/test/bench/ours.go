// Our clients: rawtcp with a handshake.Client.

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/rawshake/rawshake/internal/conn"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// ours is what our contenders share.
type ours struct {
	remote netip.AddrPort
	source netip.Addr
	tls    *handshake.Profile
	name   string
	worker worker.Worker

	atATime int
}

func newOurs(t *task) (*ours, error) {
	roots, err := t.roots()
	return &ours{remote: t.Server, source: t.Source, tls: handshake.NewProfile(ourConfig(t)), name: t.ServerName, worker: worker.Worker{Roots: roots, Parsed: new(worker.Parsed)}, atATime: t.AtATime}, err
}

// ourConfig offers what theirConfig offers, to any server.
func ourConfig(t *task) handshake.Config {
	if t.TLS13 {
		return handshake.Config{
			MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13,
			CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_AES_128_GCM_SHA256},
			Groups:       []tlsmsg.NamedGroup{tlsmsg.GroupSecp256r1},
		}
	}
	return handshake.Config{
		CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		Groups:       []tlsmsg.NamedGroup{tlsmsg.GroupSecp256r1},
	}
}

func (o *ours) session(cfg tcb.Config) *conn.Conn {
	id := handshake.Identity{ServerName: o.name}
	rand.Read(id.Random[:])
	tls := new(handshake.Client)
	tls.Reset(o.tls, id)
	return conn.New(tcb.New(cfg), tls)
}

func outcome(s *conn.Conn) (string, error) {
	state := s.TLS().State()
	if state.Judged && state.Verdict != nil {
		return "", state.Verdict
	}
	return fmt.Sprintf("%v in group %v", state.CipherSuite, state.Group), nil
}

// finish drives one connection to Finished and closes it, as internal/connect
// does without a transcript.
func (o *ours) finish(ctx context.Context, c *rawtcp.Conn, s *conn.Conn, reached func()) (string, error) {
	defer func() {
		c.CloseWrite()
		c.Wait(ctx, func() bool { return rawtcp.Done(s) })
		leave, cancel := context.WithCancel(ctx)
		cancel()
		c.Shutdown(leave) // without staying in TIME-WAIT, which would only cost time
	}()
	for {
		var work handshake.Work
		var busy, done bool
		var failure error
		err := c.Wait(ctx, func() bool {
			failure = s.Err()
			done = s.TLS().Stage() >= handshake.StageFinished
			work, busy = s.Work()
			return done || busy || failure != nil
		})
		switch {
		case err != nil:
			return "", err
		case failure != nil:
			return "", failure
		case done:
			reached()
			return outcome(s)
		}
		result := o.worker.Do(work)
		c.Do(func(tcb.Instant) { s.Resume(result) })
	}
}

// dialer sets up route, guard, link and stack for each connection, or once with
// a network.
type dialer struct {
	*ours
	network *rawtcp.Network
}

func newDialer(t *task, n *rawtcp.Network) (client, error) {
	o, err := newOurs(t)
	return dialer{o, n}, err
}

func (d dialer) run(n int, done func(time.Duration, string)) error {
	return blocking(d.handshake).run(n, d.atATime, done)
}

func (d dialer) handshake(ctx context.Context, reached func()) (string, error) {
	var s *conn.Conn
	dialer := rawtcp.Dialer{Source: d.source, Network: d.network, Build: func(cfg tcb.Config) endpoint.Machine {
		s = d.session(cfg)
		return s
	}}
	c, err := dialer.Open(ctx, d.remote)
	if err != nil {
		return "", err
	}
	return d.finish(ctx, c, s, reached)
}

func (d dialer) close() {
	if d.network != nil {
		d.network.Close()
	}
}

// guardedPorts is how many source ports the loop holds and uses in turn: enough
// that no late packet of one connection meets the next.
const guardedPorts = 256

// shared holds ports, guarded for as long as the process lives, and the link
// that they share.
type shared struct {
	*ours
	guards []guard.Guard
	link   link.Link

	mu   sync.Mutex
	free []netip.AddrPort // the longest unused first
}

func newSharedLink(t *task) (*shared, error) {
	o, err := newOurs(t)
	if err != nil {
		return nil, err
	}
	s := &shared{ours: o}
	for range guardedPorts {
		g, err := guard.Open(guard.Options{Local: netip.AddrPortFrom(o.source, 0)})
		if err != nil {
			s.close()
			return nil, err
		}
		s.guards = append(s.guards, g)
		s.free = append(s.free, g.Local())
	}
	flow := link.Flow{Local: netip.AddrPortFrom(o.source, 0), Remote: o.remote}
	if s.link, err = link.Open(context.Background(), link.Options{Flow: flow}); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// take gives out the port that has been unused for longest; there are more
// than connections at a time. give returns it.
func (s *shared) take() netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	local := s.free[0]
	s.free = s.free[1:]
	return local
}

func (s *shared) give(local netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, local)
}

func (s *shared) close() {
	if s.link != nil {
		s.link.Close()
	}
	for _, g := range s.guards {
		g.Close()
	}
}
