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

// A Network is what connections share that begin at one of our addresses and
// go to one next hop: the route, a guard over a block of ports, a link and a
// stack. To set those up costs more than a handshake; a [Dialer] with a Network
// does it once. The zero value is good, and safe for concurrent use.
//
// The ports are the Network's to choose once it has a route, so that rules and
// multipath routes that choose by our port are not heeded; all others are.
//
// Every host on a link of ours is a next hop of its own: for many of those, and
// for many connections that nobody waits for, there is internal/probe. A Network
// belongs to the network namespace in which it is used first.
//
// What is kept does not outlive its use by much: it goes when no connection has
// used it for a while, with Close, or with the process, however that ends. A
// change of the machine's routes or of the neighbour's address is noticed by
// connections that begin [WayLifetime] later.
type Network struct {
	// Stack and Wrap are as in Dialer, whose own are not used.
	Stack StackConfig
	Wrap  func(link.Link) link.Link
	// Idle is for how long what is shared is kept after the last connection; 0
	// means DefaultIdle.
	Idle time.Duration

	mu     sync.Mutex
	closed bool
	routes map[aim]aimed
	ways   map[wayKey][]*way
}

const (
	// WayLifetime is for how long new connections take a way as it was found.
	WayLifetime = 30 * time.Second
	// DefaultIdle is twice as long as a connection of its own holds its port.
	DefaultIdle = 2 * timeWaitHold
	// wayPorts is how many ports a way has, each with a guard. A port serves
	// any number of peers, and each of them again after some round trips.
	wayPorts = 128
	// mostWays bounds those to one next hop: together they have 8192 ports.
	mostWays = 64
	// mostRoutes bounds the routes that are remembered.
	mostRoutes = 4096
)

// An aim is what the kernel is asked a route for.
type aim struct {
	remote netip.Addr
	via    route.Via
}

// aimed is its answer.
type aimed struct {
	route route.Route
	until time.Time
}

// A wayKey is what connections on one way have in common.
type wayKey struct {
	route route.Route
	link  link.Kind
	guard guard.Kind
}

// A way is a guarded block of ports with its link and stack.
type way struct {
	key   wayKey
	ready chan struct{} // closed once what follows is set
	err   error

	guard guard.Range // nil: the address is none that the kernel has
	stack *Stack
	first uint16
	until time.Time // when it is too old for new connections

	// Guarded by Network.mu.
	users int
	next  uint16 // of the ports: the one unused for longest
	idle  *time.Timer
}

// Close ends all connections at once, and what they share.
func (n *Network) Close() error {
	n.mu.Lock()
	n.closed = true
	all := n.ways
	n.ways = nil
	n.mu.Unlock()
	var errs []error
	for _, ways := range all {
		for _, w := range ways {
			<-w.ready
			errs = append(errs, w.close())
		}
	}
	return errors.Join(errs...)
}

// open sends a SYN over a way that is there, or a new one.
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
	var full []*way // no port of theirs can take it
	for {
		w, err := n.take(ctx, d, wayKey{route, kind, d.Guard}, full)
		if err != nil {
			return nil, err
		}
		c, err := n.connect(w, d, remote)
		if err == nil {
			return c, nil
		}
		n.leave(w)
		if !errors.Is(err, endpoint.ErrFlowExists) && !w.failed() {
			return nil, err
		}
		full = append(full, w)
	}
}

// connect opens a connection from the first of the ports that can take it.
func (n *Network) connect(w *way, d *Dialer, remote netip.AddrPort) (c *Conn, err error) {
	for range wayPorts {
		n.mu.Lock()
		local := netip.AddrPortFrom(w.key.route.Source, w.first+w.next)
		w.next = (w.next + 1) % wayPorts
		n.mu.Unlock()
		c, err = w.stack.open(local, remote, d.build, func() { n.leave(w) })
		if !errors.Is(err, endpoint.ErrFlowExists) {
			break
		}
	}
	return c, err
}

// route asks the kernel, or remembers its answer.
func (n *Network) route(remote netip.Addr, via route.Via) (route.Route, error) {
	a, now := aim{remote, via}, time.Now()
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
	if n.routes == nil || len(n.routes) >= mostRoutes {
		n.routes = make(map[aim]aimed)
	}
	n.routes[a] = aimed{route, now.Add(WayLifetime)}
	return route, nil
}

// take returns a way to use, none of the full; leave ends the use.
func (n *Network) take(ctx context.Context, d *Dialer, key wayKey, full []*way) (*way, error) {
	for {
		w, mine, err := n.find(key, full)
		if err != nil {
			return nil, err
		}
		if mine {
			w.err = w.open(ctx, n, d)
			close(w.ready)
		}
		select {
		case <-w.ready:
		case <-ctx.Done():
			n.leave(w)
			return nil, ctx.Err()
		}
		switch {
		case w.err == nil:
			return w, nil
		case mine:
			n.forget(w)
			return nil, w.err
		}
		n.forget(w) // another's attempt; its context need not be ours
	}
}

// find counts the caller among the users of a way, or makes a new one for it to
// open.
func (n *Network) find(key wayKey, full []*way) (w *way, mine bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, false, net.ErrClosed
	}
	ways := n.ways[key]
	i := slices.IndexFunc(ways, func(w *way) bool { return !slices.Contains(full, w) && !w.stale() })
	switch mine = i < 0; {
	case !mine:
		w = ways[i]
	case len(ways) >= mostWays:
		return nil, false, fmt.Errorf("%w: all %d ports of the %d blocks from %v to this peer are in use", endpoint.ErrFlowExists, mostWays*wayPorts, mostWays, key.route.Source)
	default:
		w = &way{key: key, ready: make(chan struct{})}
		if n.ways == nil {
			n.ways = make(map[wayKey][]*way)
		}
		n.ways[key] = append(n.ways[key], w)
	}
	if w.users++; w.idle != nil {
		w.idle.Stop()
	}
	return w, mine, nil
}

// stale reports whether a way should take no new connections.
func (w *way) stale() bool {
	select {
	case <-w.ready:
		return w.err != nil || w.failed() || time.Now().After(w.until)
	default:
		return false
	}
}

// failed reports whether its link has ended.
func (w *way) failed() bool {
	w.stack.mu.Lock()
	defer w.stack.mu.Unlock()
	return w.stack.err != nil
}

// leave ends one use. A way that nobody has used for a while goes.
func (n *Network) leave(w *way) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if w.users--; w.users > 0 || n.closed {
		return
	}
	w.idle = time.AfterFunc(cmp.Or(n.Idle, DefaultIdle), func() {
		if n.forget(w) {
			w.close()
		}
	})
}

// forget takes a way that nobody uses, or that came to nothing, out of the
// list, and reports whether it was there.
func (n *Network) forget(w *way) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if w.users > 0 && w.err == nil {
		return false
	}
	ways := n.ways[w.key]
	i := slices.Index(ways, w)
	if i < 0 {
		return false
	}
	if ways = slices.Delete(ways, i, i+1); len(ways) > 0 {
		n.ways[w.key] = ways
	} else {
		delete(n.ways, w.key)
	}
	return true
}

// open sets a way up. The guard stands before anything leaves.
func (w *way) open(ctx context.Context, n *Network, d *Dialer) (err error) {
	r := w.key.route
	if r.Foreign { // nobody else knows of its ports
		w.first = uint16(1<<15 + rand.N(1<<15-wayPorts))
	} else {
		w.guard, err = guard.OpenRange(guard.RangeOptions{Kind: w.key.guard, Addrs: []netip.Addr{r.ScopedSource()}, Count: wayPorts,
			Hold: true, Interface: d.tapped(r, netip.AddrPort{}), Beside: d.beside(r, netip.AddrPort{})})
		if err != nil {
			return err
		}
		w.first, _ = w.guard.Ports()
		d.note("guard", string(w.guard.Kind()), w.guard.Describe())
	}
	flow := link.Flow{Local: netip.AddrPortFrom(r.Source, w.first), Ports: wayPorts}
	l, err := link.Open(ctx, link.Options{Kind: w.key.link, Flow: flow, Route: r})
	if err != nil {
		return errors.Join(err, w.unguard())
	}
	d.note("link", string(l.Kind()), fmt.Sprintf("%s link on %s, from %v, %d ports from %d on, MTU %d", l.Kind(), r.Interface, r.Source, wayPorts, w.first, l.MTU()))
	if n.Wrap != nil {
		l = n.Wrap(l)
	}
	w.stack, w.until = NewStack(l, n.Stack.along(r)), time.Now().Add(WayLifetime)
	return nil
}

func (w *way) close() error {
	if w.err != nil {
		return nil
	}
	return errors.Join(w.stack.Close(), w.unguard())
}

func (w *way) unguard() error {
	if w.guard == nil {
		return nil
	}
	return w.guard.Close()
}
