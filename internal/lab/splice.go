// Where bridges stand, and how one gets into a link that stands already.

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/netem"
)

// makeEther makes the namespace in which bridges stand, which is no node's.
func (l *Lab) makeEther() (err error) {
	if l.ether == nil {
		l.ether, err = netns.New()
	}
	return err
}

// etherEnd is one of the two interfaces that a link's bridge stands between. No
// node can be called so.
func (l *Lab) etherEnd(link, end int) netns.End {
	return netns.End{
		Space: l.ether, Name: fmt.Sprintf("~%c%d", 'a'+end, link),
		MAC: net.HardwareAddr{2, 2, 0, 0, byte(link), byte(end)},
	}
}

// etherUp sets one of them up, without addresses.
func (l *Lab) etherUp(p *port, end int) error {
	_, err := l.ether.LinkUp(l.etherEnd(p.link, end).Name, max(p.mtu, netns.MinMTU6))
	return err
}

func (l *Lab) awaitEther(ctx context.Context, link int) error {
	return errors.Join(
		l.ether.AwaitLink(ctx, l.etherEnd(link, 0).Name), l.ether.AwaitLink(ctx, l.etherEnd(link, 1).Name))
}

// startBridge begins to carry a link's frames.
func (l *Lab) startBridge(w netem.Impairment, link int) error {
	names := [2]string{l.etherEnd(link, 0).Name, l.etherEnd(link, 1).Name}
	b, err := netns.StartBridge(l.ether, names, netns.BridgeConfig{Impairment: w, Seed: l.topology.Seed, Link: link, Log: l.netemLog})
	if err != nil {
		return err
	}
	if l.bridges == nil {
		l.bridges = map[int]*netns.Bridge{}
	}
	l.bridges[link] = b
	return l.owns(b)
}

// splice puts a bridge into a link that stands. The far end of its veth pair
// moves to where bridges are, so that the port's interface, with all that looks
// at it, is not touched; the far node gets a new interface of the old one's
// name, and on it everything that the old one had.
func (p *port) splice(ctx context.Context, w netem.Impairment) error {
	l, far := p.node.lab, p.peer
	if err := l.makeEther(); err != nil {
		return err
	}
	fresh := far.end()
	fresh.Name = "~new"
	if err := netns.Veth(fresh, l.etherEnd(p.link, 1), far.mtu); err != nil {
		return err
	}
	err := l.etherUp(p, 1)
	if err == nil {
		err = far.node.space.ReplaceLink(far.name, fresh.Name, l.ether, l.etherEnd(p.link, 0).Name)
	}
	if err != nil {
		return errors.Join(err, l.ether.RemoveLink(l.etherEnd(p.link, 1).Name)) // and with it fresh
	}
	if err := l.etherUp(p, 0); err != nil {
		return err
	}
	if err := errors.Join(p.node.OffloadsOff(), far.node.OffloadsOff()); err != nil {
		return err
	}
	if err := l.startBridge(w, p.link); err != nil {
		return err
	}
	return errors.Join(l.awaitEther(ctx, p.link), p.await(ctx), far.await(ctx))
}
