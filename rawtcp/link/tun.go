// A TUN device: a network of our own beside the kernel.

package link

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TUNOptions are the parameters of a TUN device.
type TUNOptions struct {
	// Name is the device's name; with "%d" in it, or empty, the kernel chooses.
	Name string
	// Kernel are the addresses of the kernel's end, each with the network
	// behind the device: our stack may have any other address in it. Without
	// any, the caller configures the device by its Name.
	Kernel []netip.Prefix
	MTU    int // bytes; 0: 1500
}

// A TUN is a link to the kernel of this machine, through a device of its own:
// what the kernel routes there is ours to receive, and what is sent arrives at
// the kernel as from a network. It filters nothing, since every packet for an
// address on our end is ours, and needs no guard, since the kernel has none of
// these addresses. The device is removed with the link, also by kill -9.
type TUN struct {
	dev  *socket
	name string
	mtu  int
}

// tunDevice is where TUN devices are made.
const tunDevice = "/dev/net/tun"

// OpenTUN makes a TUN device and its link. It needs CAP_NET_ADMIN in the
// network namespace.
func OpenTUN(o TUNOptions) (*TUN, error) {
	if o.MTU == 0 {
		o.MTU = pipeMTU
	}
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, tunError("open "+tunDevice, err)
	}
	name, err := createTUN(fd, o.Name)
	if err != nil {
		unix.Close(fd)
		return nil, tunError("make the TUN device "+o.Name, err)
	}
	dev, err := newSocket(fd, "tun:"+name)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	if err := configureTUN(name, o); err != nil {
		dev.close()
		return nil, err
	}
	return &TUN{dev: dev, name: name, mtu: o.MTU}, nil
}

// createTUN makes the device for an open descriptor, without the four bytes
// that would otherwise precede each packet.
func createTUN(fd int, name string) (string, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return "", fmt.Errorf("%q is no name for an interface: %w", name, err)
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return "", os.NewSyscallError("ioctl TUNSETIFF", err)
	}
	return request.Name(), nil
}

func configureTUN(name string, o TUNOptions) error {
	dev, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find the TUN device %s: %w", name, err)
	}
	if err := netlink.LinkSetMTU(dev, o.MTU); err != nil {
		return fmt.Errorf("set the MTU of %s to %d: %w", name, o.MTU, err)
	}
	for _, p := range o.Kernel {
		a, err := netlink.ParseAddr(p.String())
		if err != nil {
			return fmt.Errorf("the kernel's address on %s: %w", name, err)
		}
		if p.Addr().Is6() {
			a.Flags = unix.IFA_F_NODAD // there is nobody to ask
		}
		if err := netlink.AddrAdd(dev, a); err != nil {
			return fmt.Errorf("give %v to %s: %w", p, name, err)
		}
	}
	if err := netlink.LinkSetUp(dev); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return awaitOurs(name, o.Kernel)
}

// The kernel adds an IPv6 address to its own in deferred work, usually at once.
const (
	oursPatience = 5 * time.Second
	oursPoll     = time.Millisecond
)

// awaitOurs waits until the kernel takes packets for its addresses.
func awaitOurs(name string, addrs []netip.Prefix) error {
	end := time.Now().Add(oursPatience)
	for _, p := range addrs {
		for !route.IsLocal(p.Addr()) {
			if time.Now().After(end) {
				return fmt.Errorf("the kernel has not taken %v on %s as its own", p.Addr(), name)
			}
			time.Sleep(oursPoll)
		}
	}
	return nil
}

func tunError(what string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s: %w: it needs the capability CAP_NET_ADMIN in the network namespace (%w)", what, ErrPermission, err)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("%s: this system has no TUN devices: modprobe tun, or give the container --device %s (%w)", what, tunDevice, err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%s: somebody uses that device already; choose another name (%w)", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Name returns the device's name.
func (l *TUN) Name() string { return l.name }

// Send hands one IP packet to the kernel, as if it had arrived on the device.
func (l *TUN) Send(packet []byte) error {
	if len(packet) > l.mtu {
		return fmt.Errorf("send on %s: a packet of %d bytes exceeds the MTU of %d", l.name, len(packet), l.mtu)
	}
	_, err := l.dev.file.Write(packet)
	if err != nil {
		return l.dev.explain(fmt.Errorf("send on %s: %w", l.name, err))
	}
	return nil
}

// Receive waits for the next packet that the kernel sends to the device.
func (l *TUN) Receive(buf []byte) (Packet, error) {
	for {
		n, err := l.dev.file.Read(buf)
		switch {
		case err != nil && errors.Is(err, os.ErrDeadlineExceeded):
			return Packet{}, os.ErrDeadlineExceeded
		case err != nil:
			return Packet{}, l.dev.explain(fmt.Errorf("receive on %s: %w", l.name, err))
		}
		if b := trim(buf[:n]); b != nil {
			return Packet{Data: b, Time: time.Now()}, nil
		}
	}
}

// SetReadDeadline makes Receive fail at t.
func (l *TUN) SetReadDeadline(t time.Time) error { return l.dev.setReadDeadline(t) }

// MTU returns the device's MTU when it was made, in bytes.
func (l *TUN) MTU() int { return l.mtu }

// Kind returns KindTUN.
func (l *TUN) Kind() Kind { return KindTUN }

// Close removes the device.
func (l *TUN) Close() error { return l.dev.close() }
