// Opening a listener: address, guard, link and stack.

package rawtcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// A ListenConfig opens listeners. Each has a link, a guard and a stack of its
// own, which end when it is closed and the last of its connections is done. The
// zero value is ready to use.
type ListenConfig struct {
	// Link is "auto" (or ""), "packet" or "raw". Auto is raw: the kernel's
	// routes and firewall then hold for peers from anywhere. The packet link
	// hears only peers that come in by the interface that has the address, and
	// answers to the link-layer address that they came from.
	Link  link.Kind
	Guard guard.Kind // "auto" (or ""), "listener", "nftables", "none"

	Stack StackConfig                    // the tap on packets, and how connections begin
	Wrap  func(link.Link) link.Link      // wraps the link, for example to lose packets; may be nil
	Notes func(layer, name, text string) // is told how the listener was set up; may be nil
}

// Listen announces on address, "host:port", with default settings. Network is
// "tcp", "tcp4" or "tcp6". The host must be one address of this machine, since
// the guard keeps the kernel's TCP away from that alone; port 0 chooses a free
// one.
func Listen(ctx context.Context, network, address string) (*Listener, error) {
	return new(ListenConfig).Listen(ctx, network, address)
}

// Listen announces on address; see the function [Listen]. The context bounds
// the set-up only.
func (lc *ListenConfig) Listen(ctx context.Context, network, address string) (*Listener, error) {
	_, list, err := new(Dialer).resolve(ctx, "listen", network, address)
	if err != nil {
		return nil, err
	}
	local := list[0]
	ln, err := lc.open(ctx, local)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: tcpAddr(local), Err: classify(err)}
	}
	return ln, nil
}

func (lc *ListenConfig) open(ctx context.Context, local netip.AddrPort) (*Listener, error) {
	route, err := route.Local(local.Addr())
	if err != nil {
		return nil, err
	}
	// The guard is up before the first SYN can arrive: the kernel would answer
	// it with a RST.
	g, err := guard.Open(guard.Options{Kind: lc.Guard, Local: local})
	if err != nil {
		return nil, err
	}
	lc.note("guard", string(g.Kind()), g.Describe())
	local = g.Local()
	kind := lc.Link
	if kind == "" || kind == link.KindAuto {
		kind = link.KindRaw
	}
	l, err := link.Open(ctx, link.Options{Kind: kind, Flow: link.Flow{Local: local}, Route: route})
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	lc.note("link", string(l.Kind()), fmt.Sprintf("%s link on %s, at %v, MTU %d", l.Kind(), route.Interface, local, l.MTU()))
	if lc.Wrap != nil {
		l = lc.Wrap(l)
	}
	stack := NewStack(l, lc.Stack)
	ln, err := stack.Listen(local)
	if err != nil {
		return nil, errors.Join(err, stack.Close(), g.Close())
	}
	stack.releaseWith(func() {
		stack.Close()
		g.Close()
	})
	return ln, nil
}

func (lc *ListenConfig) note(layer, name, text string) {
	if lc.Notes != nil {
		lc.Notes(layer, name, text)
	}
}
