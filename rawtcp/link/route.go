package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Route is how this machine reaches a remote address.
type Route struct {
	Interface string     // the outgoing interface's name
	Index     int        // and its number
	Source    netip.Addr // our address for the remote
	NextHop   netip.Addr // the gateway, or the remote itself where it is on the link
	MTU       int        // the largest IP packet, in bytes
	// Loopback says that the remote is this machine: packets for it never
	// leave, and only the raw link can carry them.
	Loopback bool
}

// Via narrows the choice of a route. Zero fields leave it to the kernel.
type Via struct {
	Interface string
	Source    netip.Addr
}

// FindRoute asks the kernel how it would send to remote, and from which of our
// addresses (RFC 9293, section 3.9.1.1, MUST-44). It needs no privilege. Failures wrap ErrNoRoute and say what is missing.
func FindRoute(remote netip.Addr, via Via) (Route, error) {
	remote = remote.Unmap()
	if err := checkRemote(remote); err != nil {
		return Route{}, err
	}
	options := netlink.RouteGetOptions{}
	if via.Interface != "" {
		dev, err := findInterface(via.Interface)
		if err != nil {
			return Route{}, err
		}
		options.OifIndex = dev.Attrs().Index
	}
	if via.Source.IsValid() {
		options.SrcAddr = via.Source.Unmap().AsSlice()
	}
	found, err := netlink.RouteGetWithOptions(remote.AsSlice(), &options)
	if err != nil {
		return Route{}, routeError(remote, via, err)
	}
	if len(found) == 0 {
		return Route{}, routeError(remote, via, unix.ENETUNREACH)
	}
	return describeRoute(remote, via.Source.Unmap(), found[0])
}

func checkRemote(remote netip.Addr) error {
	switch {
	case !remote.IsValid():
		return errors.New("no address to find a route to")
	case !remote.Is4():
		return fmt.Errorf("%w to %v: IPv6 is not supported yet, use an IPv4 address", ErrNoRoute, remote)
	case remote.IsUnspecified() || remote.IsMulticast() || remote == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("%w to %v: TCP needs the address of one host", ErrNoRoute, remote)
	}
	return nil
}

// findInterface finds an interface that the caller named, and says so where it
// cannot carry anything.
func findInterface(name string) (netlink.Link, error) {
	dev, err := netlink.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("%w: there is no interface %q here (ip link lists them): %w", ErrNoRoute, name, err)
	}
	return dev, usable(dev)
}

func usable(dev netlink.Link) error {
	a := dev.Attrs()
	switch {
	case a.Flags&net.FlagUp == 0:
		return fmt.Errorf("%w: the interface %s is down; set it up with: ip link set %s up", ErrNoRoute, a.Name, a.Name)
	case a.RawFlags&unix.IFF_LOWER_UP == 0:
		return fmt.Errorf("%w: the interface %s is up but has no carrier; look at its cable or its other end", ErrNoRoute, a.Name)
	}
	return nil
}

func describeRoute(remote, source netip.Addr, k netlink.Route) (Route, error) {
	if k.Type == unix.RTN_BROADCAST || k.Type == unix.RTN_MULTICAST {
		return Route{}, fmt.Errorf("%w to %v: it is a broadcast address, TCP needs the address of one host", ErrNoRoute, remote)
	}
	if k.Via != nil {
		return Route{}, fmt.Errorf("%w to %v that this program can use: its gateway %v is not an IPv4 address", ErrNoRoute, remote, k.Via)
	}
	dev, err := netlink.LinkByIndex(k.LinkIndex)
	if err != nil {
		return Route{}, fmt.Errorf("%w to %v: its interface %d is gone: %w", ErrNoRoute, remote, k.LinkIndex, err)
	}
	if err := usable(dev); err != nil {
		return Route{}, err
	}
	a := dev.Attrs()
	r := Route{Interface: a.Name, Index: a.Index, NextHop: remote, MTU: a.MTU,
		Loopback: k.Type == unix.RTN_LOCAL || a.Flags&net.FlagLoopback != 0}
	if k.MTU > 0 {
		// The route's own, or what path MTU discovery learned. The MSS that we
		// announce follows the least that there is (RFC 9293, SHLD-6).
		r.MTU = min(r.MTU, k.MTU)
	}
	r.MTU = min(r.MTU, maxIPv4) // lo has 65536
	if gw, ok := netip.AddrFromSlice(k.Gw); ok {
		r.NextHop = gw.Unmap()
	}
	r.Source = source // the kernel does not repeat what it was told
	if src, ok := netip.AddrFromSlice(k.Src); ok && !source.IsValid() {
		r.Source = src.Unmap()
	}
	if !r.Source.IsValid() || r.Source.IsUnspecified() {
		return Route{}, fmt.Errorf("%w to %v: the interface %s has no IPv4 address; give it one with: ip addr add ADDRESS/PREFIX dev %s", ErrNoRoute, remote, a.Name, a.Name)
	}
	return r, nil
}

// maxIPv4 is the largest total length of an IPv4 packet (RFC 791, section 3.1).
const maxIPv4 = 1<<16 - 1

// ours reports whether the kernel takes packets for a as its own. Not every
// such address is on an interface: think of 127.0.0.2.
func ours(a netip.Addr) bool {
	found, err := netlink.RouteGet(a.Unmap().AsSlice())
	return err == nil && len(found) > 0 && found[0].Type == unix.RTN_LOCAL
}

// routeError turns the kernel's refusal into what is missing.
func routeError(remote netip.Addr, via Via, err error) error {
	why := "add one with: ip route add %v via GATEWAY"
	switch {
	case via.Source.IsValid() && !ours(via.Source):
		return fmt.Errorf("%w to %v from %v: that is not an address of this machine (ip addr lists them): %w", ErrNoRoute, remote, via.Source, err)
	case errors.Is(err, unix.EACCES) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EHOSTUNREACH):
		why = "a rule or route forbids it, see: ip rule; ip route get %v"
	}
	return fmt.Errorf("%w to %v: %w; "+why, ErrNoRoute, remote, err, remote)
}
