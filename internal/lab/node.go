package lab

import (
	"context"
	"net"
	"net/netip"
	"os/exec"
	"syscall"
)

// A Node is one host of the lab: a network namespace with one interface.
type Node struct {
	name  string
	space *space
	lab   *Lab
	addr4 netip.Addr
	addr6 netip.Addr
	mac   net.HardwareAddr
}

// Name is the node's name, and its interface's.
func (n *Node) Name() string { return n.name }

// Interface is the name of the node's end of the link.
func (n *Node) Interface() string { return n.name }

// HardwareAddr is the Ethernet address of the node's end of the link.
func (n *Node) HardwareAddr() net.HardwareAddr { return n.mac }

// Addr is the node's IPv4 address.
func (n *Node) Addr() netip.Addr { return n.addr4 }

// Addr6 is the node's IPv6 address. It is the zero Addr where the kernel has no
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
