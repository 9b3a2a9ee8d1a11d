// A node: what it is called, and what is done on it.

package lab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
)

// A Node is one host of the lab: a network namespace, with an interface for
// each of its links.
type Node struct {
	name  string
	space *netns.Space
	lab   *Lab
	ports []*port
	owns  []netip.Prefix
	addr4 netip.Addr // the first
	addr6 netip.Addr
}

// Name is the node's name.
func (n *Node) Name() string { return n.name }

// Interface is the name of the node's end of its first link; "" where it has
// none.
func (n *Node) Interface() string {
	if len(n.ports) == 0 {
		return ""
	}
	return n.ports[0].name
}

// HardwareAddr is the Ethernet address of the node's end of its first link.
func (n *Node) HardwareAddr() net.HardwareAddr {
	if len(n.ports) == 0 {
		return nil
	}
	return n.ports[0].mac
}

// Addresses are all addresses of the node, but for those of the networks that
// it owns whole.
func (n *Node) Addresses() (list []netip.Addr) {
	for _, p := range n.ports {
		for _, a := range p.addresses {
			list = append(list, a.Addr())
		}
	}
	return list
}

// Addr is the node's first IPv4 address.
func (n *Node) Addr() netip.Addr { return n.addr4 }

// Addr6 is the node's first IPv6 address. It is the zero Addr where the kernel has no
// IPv6.
func (n *Node) Addr6() netip.Addr { return n.addr6 }

// Inode is the number of the node's network namespace, as in net:[4026532000].
func (n *Node) Inode() uint64 { return n.space.Inode() }

// Do runs f inside the node's namespace: [netns.Space.Do].
func (n *Node) Do(f func() error) error { return n.space.Do(f) }

// Listen announces on an address of the node, which must be a literal one.
func (n *Node) Listen(network, address string) (net.Listener, error) {
	return n.space.Listen(net.ListenConfig{}, network, address)
}

// ListenPacket is [Node.Listen] for packet sockets.
func (n *Node) ListenPacket(network, address string) (net.PacketConn, error) {
	return n.space.ListenPacket(network, address)
}

// Dial connects from the node, through the kernel's TCP, to a literal address.
func (n *Node) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return n.space.Dial(ctx, network, address)
}

// AwaitListener waits until something listens on a literal TCP address of the
// node, without connecting to it.
func (n *Node) AwaitListener(ctx context.Context, address string) error {
	return n.space.AwaitListener(ctx, address)
}

// AddAddress gives the node another address on its first link.
func (n *Node) AddAddress(a netip.Prefix) error { return n.space.AddAddress(n.Interface(), a) }

// OffloadsOff makes the node's kernel send segments as the wire would carry
// them, one by one and with their checksums.
func (n *Node) OffloadsOff() error {
	for _, p := range n.ports {
		if err := n.space.OffloadsOff(p.name); err != nil && !errors.Is(err, unix.ENODEV) { // to come
			return err
		}
	}
	return nil
}

// Command prepares an external command that will run in the node's namespace,
// as [exec.Command] does. It is killed when the lab is closed, and dies with
// this process, even one that was killed.
func (n *Node) Command(name string, args ...string) *netns.Cmd {
	return n.lab.commands.In(n.space, exec.Command(name, args...))
}

// CommandContext is [Node.Command], with a context as [exec.CommandContext]
// takes it.
func (n *Node) CommandContext(ctx context.Context, name string, args ...string) *netns.Cmd {
	return n.lab.commands.In(n.space, exec.CommandContext(ctx, name, args...))
}
