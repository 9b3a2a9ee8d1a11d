// Connections that share a route, a guarded block of ports, a link and a stack.

package rawtcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// A Network is what connections from one of our addresses to one next hop
// share: the route, a guarded block of ports, a link and a stack. Setting those
// up costs more than a handshake; a [Dialer] with a Network does it once. The
// zero value is ready to use, and safe for concurrent use.
//
// The Network chooses our port when it already has a route. Rules and multipath
// routes that look at our port are therefore not followed; all others are.
//
// Every host on a directly connected network is a next hop of its own: for very
// many of those use an endpoint of your own over a [Port]. A Network belongs to
// the network namespace in which it is first used.
//
// What is shared is freed when no connection has used it for Idle, by Close, or
// when the process ends, however that happens. A change of the machine's routes
// or of the next hop's link-layer address is noticed by connections that begin
// [PathLifetime] later.
type Network struct {
	// Stack and Wrap are as in Dialer, and used in their place.
	Stack StackConfig
	Wrap  func(link.Link) link.Link
	// Idle is how long what is shared is kept after the last connection; 0
	// means DefaultIdle.
	Idle time.Duration

	mu     sync.Mutex
	closed bool
	routes map[routeKey]routeEntry
	paths  map[pathKey][]*path
}

const (
	// PathLifetime is how long a route and its next hop's link-layer address are
	// used for new connections.
	PathLifetime = 30 * time.Second
	// DefaultIdle is twice as long as a connection without a Network holds its
	// port.
	DefaultIdle = 2 * timeWaitHold
	// pathPorts is how many ports a path has, each with a guard. A port serves
	// any number of peers, and each of them again after some round trips.
	pathPorts = 128
	// maxPaths bounds the paths to one next hop: together they have 8192 ports.
	maxPaths = 64
	// maxRoutes bounds the routes that are remembered.
	maxRoutes = 4096
)

// A routeKey is what the kernel is asked a route for.
type routeKey struct {
	remote netip.Addr
	via    route.Via
}

// A routeEntry is the kernel's answer.
type routeEntry struct {
	route route.Route
	until time.Time
}

// A pathKey is what connections on one path have in common.
type pathKey struct {
	route route.Route
	link  link.Kind
	guard guard.Kind
}

// A path is a guarded block of ports with its link and stack.
type path struct {
	key   pathKey
	ready chan struct{} // closed once the fields below are set
	err   error

	guard guard.Range // nil: the kernel does not have the address
	stack *Stack
	first uint16
	until time.Time // after this it takes no new connections

	// Guarded by Network.mu.
	users int
	next  uint16 // the port that was used longest ago
	idle  *time.Timer
}

// Close ends all connections at once, without telling their peers, and frees
// what they share. A Dial after it fails with net.ErrClosed.
func (n *Network) Close() error {
	n.mu.Lock()
	n.closed = true
	all := n.paths
	n.paths = nil
	n.mu.Unlock()
	var errs []error
	for _, paths := range all {
		for _, p := range paths {
			<-p.ready
			errs = append(errs, p.close())
		}
	}
	return errors.Join(errs...)
}

// open sends a SYN over an existing path, or a new one.
func (n *Network) open(ctx context.Context, d *Dialer, remote netip.AddrPort) (*Conn, error) {
	if d.SourcePort != 0 {
		return nil, fmt.Errorf("source port %d: connections that share a Network have ports of its choice", d.SourcePort)
	}
	route, err := n.route(remote.Addr(), route.Via{Interface: d.Interface, Source: d.Source, RemotePort: remote.Port()})
	if err != nil {
		return nil, err
	}
	remote = netip.AddrPortFrom(remote.Addr().Unmap().WithZone(""), remote.Port())
	kind := link.ChooseKind(d.Link, route, remote)
	var full []*path // none of their ports is free for this remote
	for {
		p, err := n.take(ctx, d, pathKey{route, kind, d.Guard}, full)
		if err != nil {
			return nil, err
		}
		c, err := n.connect(p, d, remote)
		if err == nil {
			return c, nil
		}
		n.leave(p)
		if !errors.Is(err, endpoint.ErrFlowExists) && !p.failed() {
			return nil, err
		}
		full = append(full, p)
	}
}

// connect opens a connection from the first port that is free for this remote.
func (n *Network) connect(p *path, d *Dialer, remote netip.AddrPort) (c *Conn, err error) {
	for range pathPorts {
		n.mu.Lock()
		local := netip.AddrPortFrom(p.key.route.Source, p.first+p.next)
		p.next = (p.next + 1) % pathPorts
		n.mu.Unlock()
		c, err = p.stack.open(local, remote, d.build, func() { n.leave(p) })
		if !errors.Is(err, endpoint.ErrFlowExists) {
			break
		}
	}
	return c, err
}

// route returns the kernel's route, which it remembers for a while.
func (n *Network) route(remote netip.Addr, via route.Via) (route.Route, error) {
	a, now := routeKey{remote, via}, time.Now()
	n.mu.Lock()
	known, ok := n.routes[a]
	n.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.route, nil
	}
	route, err := route.Find(remote, via)
	if err != nil {
		return route, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.routes == nil || len(n.routes) >= maxRoutes {
		n.routes = make(map[routeKey]routeEntry)
	}
	n.routes[a] = routeEntry{route, now.Add(PathLifetime)}
	return route, nil
}

// take returns a path to use that is not among the full; leave ends the use.
func (n *Network) take(ctx context.Context, d *Dialer, key pathKey, full []*path) (*path, error) {
	for {
		p, mine, err := n.find(key, full)
		if err != nil {
			return nil, err
		}
		if mine {
			p.err = p.open(ctx, n, d)
			close(p.ready)
		} else if err := p.await(ctx); err != nil {
			n.leave(p)
			return nil, err
		}
		switch {
		case p.err == nil:
			return p, nil
		case mine:
			n.forget(p)
			return nil, p.err
		}
		n.forget(p) // another caller's attempt, which may have ended with its context
	}
}

// await waits until another caller has opened the path, or failed to.
func (p *path) await(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	case <-ctx.Done():
		r := p.key.route
		return fmt.Errorf("%w: the link to %v on %s is still being opened: %w", link.ErrNoNeighbour, r.NextHop, r.Interface, ctx.Err())
	}
}

// find counts the caller among the users of a path, or makes a new one for the
// caller to open.
func (n *Network) find(key pathKey, full []*path) (p *path, mine bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, false, net.ErrClosed
	}
	paths := n.paths[key]
	i := slices.IndexFunc(paths, func(p *path) bool { return !slices.Contains(full, p) && !p.stale() })
	switch mine = i < 0; {
	case !mine:
		p = paths[i]
	case len(paths) >= maxPaths:
		return nil, false, fmt.Errorf("%p: all %d ports of the %d blocks from %v to this peer are in use", endpoint.ErrFlowExists, maxPaths*pathPorts, maxPaths, key.route.Source)
	default:
		p = &path{key: key, ready: make(chan struct{})}
		if n.paths == nil {
			n.paths = make(map[pathKey][]*path)
		}
		n.paths[key] = append(n.paths[key], p)
	}
	if p.users++; p.idle != nil {
		p.idle.Stop()
	}
	return p, mine, nil
}

// stale reports whether a path should take no new connections.
func (p *path) stale() bool {
	select {
	case <-p.ready:
		return p.err != nil || p.failed() || time.Now().After(p.until)
	default:
		return false
	}
}

// failed reports whether the path's link has ended.
func (p *path) failed() bool {
	p.stack.mu.Lock()
	defer p.stack.mu.Unlock()
	return p.stack.err != nil
}

// leave ends one use. A path that nobody has used for a while is closed.
func (n *Network) leave(p *path) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p.users--; p.users > 0 || n.closed {
		return
	}
	p.idle = time.AfterFunc(cmp.Or(n.Idle, DefaultIdle), func() {
		if n.forget(p) {
			p.close()
		}
	})
}

// forget takes a path that nobody uses, or that failed to open, out of the
// list, and reports whether it was there.
func (n *Network) forget(p *path) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p.users > 0 && p.err == nil {
		return false
	}
	paths := n.paths[p.key]
	i := slices.Index(paths, p)
	if i < 0 {
		return false
	}
	if paths = slices.Delete(paths, i, i+1); len(paths) > 0 {
		n.paths[p.key] = paths
	} else {
		delete(n.paths, p.key)
	}
	return true
}

// open sets a path up. The guard is up before any packet leaves.
func (p *path) open(ctx context.Context, n *Network, d *Dialer) (err error) {
	r := p.key.route
	if r.Foreign { // the kernel has no sockets there to keep clear of
		p.first = uint16(1<<15 + rand.N(1<<15-pathPorts))
	} else {
		p.guard, err = guard.OpenRange(guard.RangeOptions{Kind: p.key.guard, Addrs: []netip.Addr{r.ScopedSource()}, Count: pathPorts,
			Hold: true, Interface: d.tapped(r, netip.AddrPort{}), Beside: d.beside(r, netip.AddrPort{})})
		if err != nil {
			return err
		}
		p.first, _ = p.guard.Ports()
		d.note("guard", string(p.guard.Kind()), p.guard.Describe())
	}
	flow := link.Flow{Local: netip.AddrPortFrom(r.Source, p.first), Ports: pathPorts}
	l, err := link.Open(ctx, link.Options{Kind: p.key.link, Flow: flow, Route: r})
	if err != nil {
		return errors.Join(err, p.unguard())
	}
	d.note("link", string(l.Kind()), fmt.Sprintf("%s link on %s, from %v, %d ports from %d on, MTU %d", l.Kind(), r.Interface, r.Source, pathPorts, p.first, l.MTU()))
	if n.Wrap != nil {
		l = n.Wrap(l)
	}
	p.stack, p.until = NewStack(l, n.Stack.along(r)), time.Now().Add(PathLifetime)
	return nil
}

func (p *path) close() error {
	if p.err != nil {
		return nil
	}
	return errors.Join(p.stack.Close(), p.unguard())
}

func (p *path) unguard() error {
	if p.guard == nil {
		return nil
	}
	return p.guard.Close()
}
