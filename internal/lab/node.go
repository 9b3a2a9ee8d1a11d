package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Node is one host of the lab: a network namespace, with an interface for
// each of its links.
type Node struct {
	name  string
	space *space
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

// Addresses are those of the node's links.
func (n *Node) Addresses() []netip.Addr { return n.addresses() }

// addresses are all addresses of the node, but for those of the networks that
// it owns whole.
func (n *Node) addresses() (list []netip.Addr) {
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
func (n *Node) Inode() uint64 { return n.space.inode }

// Do runs f inside the node's namespace, on the calling goroutine with its
// thread locked. Sockets that f opens stay in the namespace for good;
// goroutines that it starts are not there.
func (n *Node) Do(f func() error) error { return n.space.do(f) }

// Listen announces on an address of the node, which must be a literal one.
func (n *Node) Listen(network, address string) (net.Listener, error) {
	var ln net.Listener
	err := n.Do(func() (err error) {
		ln, err = net.Listen(network, address)
		return err
	})
	return ln, err
}

// ListenPacket is [Node.Listen] for packet sockets.
func (n *Node) ListenPacket(network, address string) (net.PacketConn, error) {
	var pc net.PacketConn
	err := n.Do(func() (err error) {
		pc, err = net.ListenPacket(network, address)
		return err
	})
	return pc, err
}

// Dial connects from the node, through the kernel's TCP, to a literal address.
func (n *Node) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var conn net.Conn
	err := n.Do(func() (err error) {
		var d net.Dialer
		conn, err = d.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// AwaitListener waits until something listens on a literal TCP address of the
// node, without connecting to it: an external server says "ready" in its own
// way, if at all. The port is taken as soon as the server holds it.
func (n *Node) AwaitListener(ctx context.Context, address string) error {
	want, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	for {
		listens := false
		if err := n.Do(func() (err error) {
			listens, err = listening(want)
			return err
		}); err != nil {
			return fmt.Errorf("lab: look for a listener on %s: %w", want, err)
		}
		if listens {
			return nil
		}
		select {
		case <-time.After(listenerPoll):
		case <-ctx.Done():
			return fmt.Errorf("lab: nobody listens on %s: %w", want, context.Cause(ctx))
		}
	}
}

const listenerPoll = 5 * time.Millisecond

// listening asks the kernel (sock_diag) for a listener in the calling thread's
// namespace, on the address or on all.
func listening(want netip.AddrPort) (bool, error) {
	const tcpListen = 10 // TCP_LISTEN, include/net/tcp_states.h
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		socks, err := netlink.SocketDiagTCP(family)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // what it had is good
			return false, err
		}
		for _, s := range socks {
			at, _ := netip.AddrFromSlice(s.ID.Source)
			at = at.Unmap()
			if s.State == tcpListen && s.ID.SourcePort == want.Port() && (at == want.Addr() || at.IsUnspecified()) {
				return true, nil
			}
		}
	}
	return false, nil
}

// Command prepares an external command that will run in the node's namespace,
// as [exec.Command] does. It is killed when the lab is closed, and dies with
// this process, even one that was killed.
func (n *Node) Command(name string, args ...string) *Cmd {
	return n.cmd(exec.Command(name, args...))
}

// CommandContext is [Node.Command], with a context as [exec.CommandContext]
// takes it.
func (n *Node) CommandContext(ctx context.Context, name string, args ...string) *Cmd {
	return n.cmd(exec.CommandContext(ctx, name, args...))
}

func (n *Node) cmd(c *exec.Cmd) *Cmd {
	c.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		// A group of its own, so that its children can be ended with it. The
		// init of a PID namespace needs none, and a terminal stays usable.
		Setpgid: !Inside(),
	}
	return &Cmd{Cmd: c, node: n}
}
