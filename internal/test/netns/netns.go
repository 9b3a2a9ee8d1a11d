// Package netns gives tests two hosts of their own: network namespaces joined
// by a veth pair. They have no names and leave nothing behind, also when the
// test is killed.
package netns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/vishvananda/netlink"

	lab "github.com/rawshake/rawshake/internal/lab/netns"
)

// Main is a TestMain for packages whose tests need namespaces. An ordinary
// user's tests run again where they may have them.
func Main(m *testing.M) {
	if os.Geteuid() == 0 && !lab.Inside() {
		os.Exit(m.Run())
	}
	if lab.Inside() { // a new namespace, without what every machine has
		if own, err := lab.Own(); err == nil {
			_ = errors.Join(own.LoopbackUp(), own.Close())
		}
	}
	os.Exit(RunTests(m))
}

// A Host is one network namespace.
type Host struct {
	Addr netip.Addr // the one that the test is about: Addr4 or Addr6

	Addr4 netip.Addr // on Dev, in a /24 with the other host
	Addr6 netip.Addr // on Dev, in a /64 with the other host
	Dev   string
	space *lab.Space
	end   lab.End
	local netip.Prefix // link-local
}

// A Pair is two hosts on one link, 198.18.0.1 and 198.18.0.2, 2001:db8::1 and
// 2001:db8::2.
type Pair struct{ Client, Server *Host }

// NewPair makes two hosts. From here on the test's own goroutine runs on the
// client, locked to its thread. The test is about IPv4.
func NewPair(t testing.TB) *Pair {
	t.Helper()
	p := &Pair{
		Client: newHost(t, "198.18.0.1", "2001:db8::1", "fe80::1:1", "veth0"),
		Server: newHost(t, "198.18.0.2", "2001:db8::2", "fe80::1:2", "veth1"),
	}
	leave, err := p.Client.space.Enter()
	Check(t, err)
	t.Cleanup(leave)
	Check(t, lab.Veth(p.Client.end, p.Server.end, mtu))
	Check(t, errors.Join(p.Client.up(), p.Server.up()))
	Check(t, errors.Join(p.Client.await(), p.Server.await()))
	return p
}

const mtu = 1500

// Join puts another link between the two hosts, without addresses.
func (p *Pair) Join(t testing.TB, client, server string) {
	t.Helper()
	Check(t, lab.Veth(lab.End{Space: p.Client.space, Name: client}, lab.End{Space: p.Server.space, Name: server}, mtu))
	_, err := p.Client.space.LinkUp(client, mtu)
	Check(t, err)
	_, err = p.Server.space.LinkUp(server, mtu)
	Check(t, err)
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

func newHost(t testing.TB, addr, addr6, local, dev string) *Host {
	t.Helper()
	space, err := lab.New()
	Check(t, err)
	t.Cleanup(func() { space.Close() })
	return &Host{
		Addr: netip.MustParseAddr(addr), Addr4: netip.MustParseAddr(addr), Addr6: netip.MustParseAddr(addr6), Dev: dev,
		space: space, end: lab.End{Space: space, Name: dev}, local: netip.PrefixFrom(netip.MustParseAddr(local), 64),
	}
}

// Do runs f on the host. Sockets made in f belong to the host for good.
func (h *Host) Do(t testing.TB, f func() error) {
	t.Helper()
	if err := h.space.Do(f); err != nil {
		t.Fatal(err)
	}
}

// up gives the host its addresses.
func (h *Host) up() error {
	_, err := h.space.LinkUp(h.Dev, mtu, netip.PrefixFrom(h.Addr4, 24), netip.PrefixFrom(h.Addr6, 64), h.local)
	return errors.Join(err, h.space.LoopbackUp())
}

// await waits until what is sent arrives.
func (h *Host) await() error {
	return h.space.AwaitLink(context.Background(), h.Dev, netip.PrefixFrom(h.Addr6, 64))
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
