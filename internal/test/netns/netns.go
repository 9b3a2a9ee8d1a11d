// Package netns gives tests two hosts of their own: network namespaces joined
// by a veth pair. They have no names and leave nothing behind, also when the
// test is killed.
package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Main is a TestMain for packages whose tests need namespaces. An ordinary
// user's tests run again in a user namespace, where they may have them.
func Main(m *testing.M) {
	const inside = "RAWSHAKE_TEST_USERNS"
	if os.Getenv(inside) != "" {
		loopback()
	}
	if os.Geteuid() == 0 || os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	}
	os.Exit(m.Run()) // no user namespaces here: the tests will say so
}

// loopback gives a new namespace what every machine has.
func loopback() {
	if lo, err := netlink.LinkByName("lo"); err == nil {
		_ = netlink.LinkSetUp(lo)
	}
}

// A Host is one network namespace.
type Host struct {
	Addr netip.Addr // the one that the test is about: Addr4 or Addr6

	Addr4 netip.Addr // on Dev, in a /24 with the other host
	Addr6 netip.Addr // on Dev, in a /64 with the other host
	Dev   string
	ns    netns.NsHandle
}

// A Pair is two hosts on one link, 198.18.0.1 and 198.18.0.2, 2001:db8::1 and
// 2001:db8::2.
type Pair struct{ Client, Server *Host }

// NewPair makes two hosts. From here on the test's own goroutine runs on the
// client, locked to its thread. The test is about IPv4.
func NewPair(t testing.TB) *Pair {
	t.Helper()
	runtime.LockOSThread()
	home, err := netns.Get()
	Check(t, err)
	t.Cleanup(func() {
		if netns.Set(home) == nil {
			runtime.UnlockOSThread()
		} // else the thread ends with the goroutine
		home.Close()
	})
	p := &Pair{
		Client: newHost(t, "198.18.0.1", "2001:db8::1", "veth0"),
		Server: newHost(t, "198.18.0.2", "2001:db8::2", "veth1"),
	}
	Check(t, netns.Set(p.Client.ns))
	Check(t, netlink.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: p.Client.Dev, MTU: 1500},
		PeerName:  p.Server.Dev, PeerNamespace: netlink.NsFd(p.Server.ns),
	}))
	p.Server.Do(t, p.Server.configure)
	Check(t, p.Client.configure())
	p.Server.Do(t, p.Server.awaitUp)
	Check(t, p.Client.awaitUp())
	return p
}

// Join puts another link between the two hosts, without addresses.
func (p *Pair) Join(t testing.TB, client, server string) {
	t.Helper()
	Check(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: client, MTU: 1500}, PeerName: server, PeerNamespace: netlink.NsFd(p.Server.ns)}))
	up := func(name string) error {
		dev, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(dev)
	}
	p.Server.Do(t, func() error { return up(server) })
	Check(t, up(client))
}

// NewPair6 is NewPair for a test that is about IPv6.
func NewPair6(t testing.TB) *Pair {
	t.Helper()
	return NewPair(t).Version6()
}

// Version6 is the same two hosts, for what is about IPv6.
func (p *Pair) Version6() *Pair {
	client, server := *p.Client, *p.Server
	client.Addr, server.Addr = client.Addr6, server.Addr6
	return &Pair{Client: &client, Server: &server}
}

// EachVersion runs a test of both IP versions, with a pair of hosts for each.
func EachVersion(t *testing.T, f func(t *testing.T, p *Pair)) {
	t.Run("IPv4", func(t *testing.T) { f(t, NewPair(t)) })
	t.Run("IPv6", func(t *testing.T) { f(t, NewPair6(t)) })
}

// Check ends the test on an error. One of permission means that namespaces are
// Missing.
func Check(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, os.ErrPermission) {
		Missing(t, "network namespaces, as root or in a user namespace", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Missing skips the test for want of something, or fails it where CI is set.
func Missing(t testing.TB, what string, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("needs %s: %v", what, err)
	}
	t.Skipf("needs %s: %v", what, err)
}

func newHost(t testing.TB, addr, addr6, dev string) *Host {
	t.Helper()
	ns, err := netns.New()
	Check(t, err)
	t.Cleanup(func() { ns.Close() })
	return &Host{Addr: netip.MustParseAddr(addr), Addr4: netip.MustParseAddr(addr), Addr6: netip.MustParseAddr(addr6), Dev: dev, ns: ns}
}

// Do runs f on the host, on a thread that ends with it. Sockets made in f
// belong to the host for good.
func (h *Host) Do(t testing.TB, f func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is spoilt
		err := netns.Set(h.ns)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func (h *Host) configure() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	dev, err := netlink.LinkByName(h.Dev)
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(h.Addr4.String() + "/24")
	if err != nil {
		return err
	}
	addr6, err := netlink.ParseAddr(h.Addr6.String() + "/64")
	if err != nil {
		return err
	}
	addr6.Flags = unix.IFA_F_NODAD // usable at once
	return errors.Join(netlink.AddrAdd(dev, addr), netlink.AddrAdd(dev, addr6), netlink.LinkSetUp(lo), netlink.LinkSetUp(dev))
}

// awaitUp waits until the kernel has noticed the carrier, before which it drops
// what is sent, and has made the IPv6 address its own.
func (h *Host) awaitUp() error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		dev, err := netlink.LinkByName(h.Dev)
		if err != nil {
			return err
		}
		own, err := netlink.RouteGet(h.Addr6.AsSlice())
		if dev.Attrs().OperState == netlink.OperUp && err == nil && own[0].Type == unix.RTN_LOCAL {
			return nil
		}
	}
	return fmt.Errorf("%s did not come up", h.Dev)
}

// Sysctl sets a variable below /proc/sys on the host.
func (h *Host) Sysctl(t *testing.T, name, value string) {
	t.Helper()
	h.Do(t, func() error { return os.WriteFile("/proc/sys/"+name, []byte(value), 0) })
}

// Device is the interface of a name in this namespace.
func Device(t testing.TB, name string) netlink.Link {
	t.Helper()
	dev, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

// CIDR is the network that s names.
func CIDR(t *testing.T, s string) *net.IPNet {
	t.Helper()
	_, n, err := net.ParseCIDR(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// HostNetwork is the network of one address.
func HostNetwork(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
