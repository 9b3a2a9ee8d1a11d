// A lab from its topology to its end.

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

var errClosed = fmt.Errorf("lab: %w", os.ErrClosed)

// A Lab is a private network: nodes, and links between them.
type Lab struct {
	topology Topology
	nodes    []*Node
	papers   func() (*pki.Papers, error)

	changing sync.Mutex            // held while a link's impairment is changed
	ether    *netns.Space          // where bridges stand; nil: no link is impaired
	bridges  map[int]*netns.Bridge // by the number of their link
	netemLog io.Writer

	commands netns.Commands

	mu      sync.Mutex
	closed  bool
	closers []io.Closer // peers, in the order of their start
	ownHome bool        // the first node is the process's own namespace
}

// An Option changes the lab that [New] makes.
type Option func(*options)

type options struct {
	isolated bool
	topology Topology
	log      io.Writer
}

// NetemLog has a line written for each packet that a link loses, doubles or
// holds back, and at the end one for those that went by it unseen, if there are
// any. Writes come one at a time for each link.
func NetemLog(w io.Writer) Option { return func(o *options) { o.log = w } }

// Isolated gives the first node a namespace of its own also inside a
// re-executed process, whose other labs may then stand at the same time.
func Isolated() Option { return func(o *options) { o.isolated = true } }

// With makes a lab of this topology. Without, it is [Bare].
func With(t Topology) Option { return func(o *options) { o.topology = t } }

// homeTaken says that a lab stands in the process's own namespace, where there
// is room for one.
var homeTaken atomic.Bool

// New makes the lab. Where the first node stands depends on [netns.Inside]: in the
// process's own namespace after [netns.Reexec], in a new one otherwise. An error for
// want of permission is a [*netns.ForbiddenError].
func New(ctx context.Context, opts ...Option) (*Lab, error) {
	o := options{topology: Bare()}
	for _, set := range opts {
		set(&o)
	}
	if err := o.topology.Check(); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	l := &Lab{topology: o.topology, netemLog: o.log}
	l.topology.Links = slices.Clone(o.topology.Links) // which may change
	l.papers = sync.OnceValues(l.makePapers)
	if err := l.build(ctx, o); err != nil {
		_ = l.Close()
		return nil, netns.Refusal(fmt.Errorf("lab: %w", err))
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context, o options) error {
	if err := errors.Join(ctx.Err(), netns.NeedProc()); err != nil {
		return err
	}
	makeFirst := netns.New
	if netns.Inside() && !o.isolated {
		if !homeTaken.CompareAndSwap(false, true) {
			return errors.New("another lab stands in this process's own namespace: close it, or ask for lab.Isolated()")
		}
		l.ownHome = true
		makeFirst = netns.Own
	}
	for i, c := range o.topology.Nodes {
		makeSpace := netns.New
		if i == 0 {
			makeSpace = makeFirst
		}
		s, err := makeSpace()
		if err != nil {
			return err
		}
		l.nodes = append(l.nodes, &Node{name: c.Name, space: s, lab: l, owns: c.Owns})
	}
	for i := range o.topology.Links {
		l.plug(&o.topology, i)
	}
	for _, n := range l.nodes {
		if len(n.ports) > 1 { // before it has addresses: a router solicits no other
			if err := n.forward(); err != nil {
				return err
			}
		}
	}
	if err := l.wire(ctx); err != nil {
		return err
	}
	if err := l.route(); err != nil {
		return err
	}
	for i, n := range l.nodes {
		if len(n.owns) > 0 {
			n.manyConnections()
		}
		if err := l.startServices(n, o.topology.Nodes[i].Services); err != nil {
			return err
		}
	}
	return nil
}

// Near is the first node, where commands run.
func (l *Lab) Near() *Node { return l.nodes[0] }

// Far is the last node: of two hosts, the side of the peers.
func (l *Lab) Far() *Node { return l.nodes[len(l.nodes)-1] }

// Node returns the node of a name, or nil.
func (l *Lab) Node(name string) *Node {
	for _, n := range l.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// Nodes are all nodes, in the topology's order.
func (l *Lab) Nodes() []*Node { return slices.Clone(l.nodes) }

// Topology is what the lab was made of, with what its links are now.
func (l *Lab) Topology() Topology {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.topology
	t.Links = slices.Clone(t.Links)
	return t
}

// Papers are the certificates of the lab's own CA, which signs those of all
// services in the topology: the CA for clients to trust, a certificate for
// clients to show, and one for servers that are somebody else's.
func (l *Lab) Papers() (*pki.Papers, error) { return l.papers() }

func (l *Lab) makePapers() (*pki.Papers, error) {
	var addresses []netip.Addr
	var names []string
	for _, n := range l.nodes {
		names = append(names, n.name, n.name+".lab.test")
		addresses = append(addresses, n.Addresses()...)
	}
	certificates, err := pki.New(pki.Options{Names: names, Addresses: addresses, Local: true})
	if err != nil {
		return nil, err
	}
	p, err := pki.NewPapers(certificates)
	if err != nil {
		return nil, err
	}
	return p, l.owns(p)
}

// ReapOrphans waits for orphans until done, in an init: children of this process
// that are none of the lab's commands.
func (l *Lab) ReapOrphans(done <-chan struct{}) { l.commands.ReapOrphans(done) }

// owns makes Close close c too. After Close, c is closed at once.
func (l *Lab) owns(c io.Closer) error {
	l.mu.Lock()
	closed := l.closed
	if !closed {
		l.closers = append(l.closers, c)
	}
	l.mu.Unlock()
	if closed {
		_ = c.Close()
		return errClosed
	}
	return nil
}

// Close ends the peers and the commands and takes the network away. It may be
// called twice.
func (l *Lab) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	closers := l.closers
	l.mu.Unlock()

	var errs []error
	l.commands.Close()
	for _, c := range slices.Backward(closers) {
		if err := c.Close(); err != nil && !errors.Is(err, os.ErrClosed) && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, l.unwire())
	for _, n := range slices.Backward(l.nodes) {
		errs = append(errs, n.space.Close())
	}
	if l.ether != nil {
		errs = append(errs, l.ether.Close())
	}
	if l.ownHome {
		homeTaken.Store(false)
	}
	return errors.Join(errs...)
}
