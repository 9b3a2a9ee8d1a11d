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
)

var errClosed = fmt.Errorf("lab: %w", os.ErrClosed)

// A Lab is two hosts, near and far, joined by one link.
type Lab struct {
	near, far *Node

	mu      sync.Mutex
	closed  bool
	cmds    []*Cmd
	closers []io.Closer // peers, in the order of their start
	ownHome bool        // near is the process's own namespace
}

// An Option changes the lab that [New] makes.
type Option func(*options)

type options struct{ isolated bool }

// Isolated gives the near node a namespace of its own also inside a
// re-executed process, whose other labs may then stand at the same time.
func Isolated() Option { return func(o *options) { o.isolated = true } }

// homeTaken says that a lab stands in the process's own namespace, where there
// is room for one.
var homeTaken atomic.Bool

// The lab's addresses are those of RFC 2544's benchmarking network and of RFC
// 3849's documentation prefix: no route leads out.
var (
	nearPrefix4 = netip.MustParsePrefix("198.18.0.1/24")
	farPrefix4  = netip.MustParsePrefix("198.18.0.2/24")
	nearPrefix6 = netip.MustParsePrefix("2001:db8::1/64")
	farPrefix6  = netip.MustParsePrefix("2001:db8::2/64")
	// Locally administered, and made of the IPv4 addresses, so that a capture
	// can be read.
	nearMAC = net.HardwareAddr{2, 0, 198, 18, 0, 1}
	farMAC  = net.HardwareAddr{2, 0, 198, 18, 0, 2}
)

// New makes the lab. Where the near node stands depends on [Inside]: in the
// process's own namespace after [Reexec], in a new one otherwise. An error for
// want of permission is a [*ForbiddenError].
func New(ctx context.Context, opts ...Option) (*Lab, error) {
	var o options
	for _, set := range opts {
		set(&o)
	}
	l := &Lab{}
	if err := l.build(ctx, o); err != nil {
		_ = l.Close()
		return nil, forbidden(fmt.Errorf("lab: %w", err))
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context, o options) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	makeNear := newSpace
	if Inside() && !o.isolated {
		if !homeTaken.CompareAndSwap(false, true) {
			return errors.New("another lab stands in this process's own namespace: close it, or ask for lab.Isolated()")
		}
		l.ownHome = true
		makeNear = ownSpace
	}
	near, err := makeNear()
	if err != nil {
		return err
	}
	l.near = &Node{name: "near", space: near, lab: l, mac: nearMAC}
	far, err := newSpace()
	if err != nil {
		return err
	}
	l.far = &Node{name: "far", space: far, lab: l, mac: farMAC}
	return l.wire(ctx)
}

// Near is the client's side.
func (l *Lab) Near() *Node { return l.near }

// Far is the side of the peers.
func (l *Lab) Far() *Node { return l.far }

// adopt takes note of a running command. It reports false after Close.
func (l *Lab) adopt(c *Cmd) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.cmds = append(l.cmds, c)
	return true
}

func (l *Lab) disown(c *Cmd) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cmds = slices.DeleteFunc(l.cmds, func(x *Cmd) bool { return x == c })
}

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
	cmds, closers := slices.Clone(l.cmds), l.closers
	l.mu.Unlock()

	var errs []error
	for _, c := range cmds {
		c.end()
	}
	for _, c := range slices.Backward(closers) {
		if err := c.Close(); err != nil && !isClosed(err) && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, l.unwire())
	for _, n := range []*Node{l.far, l.near} {
		if n != nil {
			errs = append(errs, n.space.close())
		}
	}
	if l.ownHome {
		homeTaken.Store(false)
	}
	return errors.Join(errs...)
}
