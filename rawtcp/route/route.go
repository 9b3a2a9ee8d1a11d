// The kernel's route to a remote address, and our address for it.

package route

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Route is how this machine reaches a remote address.
type Route struct {
	Interface string     // the outgoing interface's name
	Index     int        // and its number
	Source    netip.Addr // our address for the remote
	// NextHop is the gateway, or the remote itself if it is on the link. It is
	// IPv6 for some routes of IPv4 (RFC 8950; "via inet6").
	NextHop netip.Addr
	MTU     int // the largest IP packet, in bytes
	// AdvMSS bounds our MSS option, in octets (the route's "advmss"); 0 leaves
	// it to the MTU.
	AdvMSS int
	// Loopback says that the remote is this machine: packets for it never
	// leave, and only the raw link can carry them.
	Loopback bool
	// Foreign says that Source is not an address of this machine. The kernel
	// does not answer for it, so no guard is needed; the packet link answers
	// ARP or neighbour discovery for it.
	Foreign bool
}

// ScopedSource returns Source, with the interface as its zone if it is
// link-local.
func (r *Route) ScopedSource() netip.Addr {
	if r.Source.Is6() && r.Source.IsLinkLocalUnicast() {
		return r.Source.WithZone(r.Interface)
	}
	return r.Source
}

// Via narrows the choice of a route. Zero fields leave the choice to the
// kernel, or are not known yet.
type Via struct {
	Interface string
	Source    netip.Addr
	// LocalPort and RemotePort are the connection's ports: rules ("ip rule",
	// sport and dport) and multipath routes may look at them.
	LocalPort, RemotePort uint16
}

// Find asks the kernel how it would send a TCP connection to remote, and from
// which of our addresses (RFC 9293, section 3.9.1.1, MUST-44). It needs no
// privilege. For a link-local remote the interface is needed, in its zone (a
// name or a number) or in via.
//
// Without a source it asks twice, as the kernel's own connect does: for the
// source, and then for the route from there, since rules may look at it. Once
// the source port is known, call Find again.
//
// Of a route's metrics, the MTU and the MSS to announce are used, but not those
// for windows, timers, congestion control, hop limit or ECN.
//
// Via.Source may be an address that this machine does not have, see
// [Route.Foreign], if it belongs to the directly connected network that the
// route goes through: answers can then come back.
//
// Failures wrap ErrNoRoute and say what is missing.
func Find(remote netip.Addr, via Via) (Route, error) {
	remote, via = normal(remote, via)
	if err := checkRemote(remote, via); err != nil {
		return Route{}, err
	}
	q, err := via.query(remote)
	if err != nil {
		return Route{}, err
	}
	if via.Source.IsValid() && !ownAddress(via.Source) {
		return findForeign(q, via)
	}
	q.source = via.Source
	found, err := q.askTwice()
	if err != nil {
		return Route{}, routeError(remote, via, err)
	}
	return describeRoute(remote, q.source, found)
}

// findForeign finds a route for packets from an address that is not ours.
func findForeign(q routeQuery, via Via) (Route, error) {
	found, err := q.ask()
	if err != nil {
		return Route{}, routeError(q.remote, via, err)
	}
	r, err := describeRoute(q.remote, via.Source, found)
	if err == nil {
		err = r.checkForeign(q.remote)
		r.Foreign = true
	}
	if err != nil {
		return Route{}, err
	}
	return r, nil
}

// normal brings addresses into the form that the kernel knows, and moves a zone
// into via.Interface.
func normal(remote netip.Addr, via Via) (netip.Addr, Via) {
	remote = remote.Unmap()
	if via.Interface == "" {
		via.Interface = zoneInterface(remote.Zone())
	}
	via.Source = via.Source.Unmap().WithZone("")
	return remote.WithZone(""), via
}

// zoneInterface returns the interface that a zone names. RFC 4007, section
// 11.2, has numbers as well as names.
func zoneInterface(zone string) string {
	index, err := strconv.Atoi(zone)
	if err != nil {
		return zone
	}
	if _, err := netlink.LinkByName(zone); err == nil {
		return zone // a name of digits
	}
	if dev, err := netlink.LinkByIndex(index); err == nil {
		return dev.Attrs().Name
	}
	return zone
}

// Zone returns the name of the interface that an IPv6 zone means.
func Zone(zone string) (name string, err error) {
	name = zoneInterface(zone)
	if _, err := netlink.LinkByName(name); err != nil {
		return "", fmt.Errorf("%w: there is no interface %q here (ip link lists them)", ErrNoRoute, zone)
	}
	return name, nil
}

// query returns the query for remote that via describes, without the source.
func (via Via) query(remote netip.Addr) (routeQuery, error) {
	q := routeQuery{remote: remote, localPort: via.LocalPort, remotePort: via.RemotePort}
	if via.Interface != "" {
		dev, err := findInterface(via.Interface)
		if err != nil {
			return q, err
		}
		q.iface = dev.Attrs().Index
	}
	return q, nil
}

// IsLocal reports whether the kernel takes packets for a as its own. Not every
// such address is on an interface: 127.0.0.2 is not.
func IsLocal(a netip.Addr) bool {
	found, err := routeQuery{remote: a.Unmap().WithZone("")}.ask()
	return err == nil && found.kind == unix.RTN_LOCAL
}

// ownAddress is IsLocal, but true a moment earlier for a new IPv6 address: when
// the interface has it, and the kernel has yet to make its route.
func ownAddress(a netip.Addr) bool {
	if IsLocal(a) {
		return true
	}
	all, _ := netlink.AddrList(nil, netlink.FAMILY_ALL)
	return slices.ContainsFunc(all, func(own netlink.Addr) bool { return own.IP.Equal(a.AsSlice()) })
}

// checkForeign refuses a source address to which no answer could come back.
func (r *Route) checkForeign(remote netip.Addr) error {
	if r.Loopback {
		return fmt.Errorf("%w to %v from %v: this machine does not have that address, and would not send to itself from it", ErrNoRoute, remote, r.Source)
	}
	if !r.onLink(r.Source) {
		return fmt.Errorf("%w to %v from %v: it is neither an address of this machine nor of a network on %s, so that no answer would come here (ip addr lists them)",
			ErrNoRoute, remote, r.Source, r.Interface)
	}
	return nil
}

// onLink reports whether other hosts expect an address on the route's link: it
// is in the network of one of the interface's addresses, or the kernel's route
// to it goes there directly. (If it is told the interface, the kernel takes any
// IPv4 address to be on its link.)
func (r *Route) onLink(a netip.Addr) bool {
	if found, err := (routeQuery{remote: a}).ask(); err == nil && found.iface == r.Index {
		return found.kind == unix.RTN_UNICAST && !found.gateway.IsValid()
	}
	dev, err := netlink.LinkByIndex(r.Index)
	if err != nil {
		return false
	}
	own, _ := netlink.AddrList(dev, netlink.FAMILY_ALL)
	return slices.ContainsFunc(own, func(x netlink.Addr) bool { return x.IPNet.Contains(a.AsSlice()) })
}

func checkRemote(remote netip.Addr, via Via) error {
	switch {
	case !remote.IsValid():
		return errors.New("no address to find a route to")
	case remote.IsUnspecified() || remote.IsMulticast() || remote == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("%w to %v: TCP needs the address of one host", ErrNoRoute, remote)
	case via.Source.IsValid() && via.Source.Is4() != remote.Is4():
		return fmt.Errorf("%w to %v from %v: the addresses are of two IP versions", ErrNoRoute, remote, via.Source)
	case via.Source.IsValid() && (via.Source.IsUnspecified() || via.Source.IsMulticast()):
		return fmt.Errorf("%w to %v from %v: that is not the address of one host", ErrNoRoute, remote, via.Source)
	case remote.Is6() && remote.IsLinkLocalUnicast() && via.Interface == "":
		return fmt.Errorf("%w to %v: a link-local address needs its interface: %v%%INTERFACE (ip link lists them)", ErrNoRoute, remote, remote)
	}
	return nil
}

// findInterface finds an interface by name. It fails if the interface cannot
// carry packets.
func findInterface(name string) (netlink.Link, error) {
	dev, err := netlink.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("%w: there is no interface %q here (ip link lists them): %w", ErrNoRoute, name, err)
	}
	return dev, usable(dev)
}

// Down says why the route's interface cannot carry packets; nil if it can.
func (r *Route) Down() error {
	_, err := findInterface(r.Interface)
	return err
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

func describeRoute(remote, source netip.Addr, k kernelRoute) (Route, error) {
	if k.kind == unix.RTN_BROADCAST || k.kind == unix.RTN_MULTICAST {
		return Route{}, fmt.Errorf("%w to %v: it is a broadcast address, TCP needs the address of one host", ErrNoRoute, remote)
	}
	dev, err := netlink.LinkByIndex(k.iface)
	if err != nil {
		return Route{}, fmt.Errorf("%w to %v: its interface %d is gone: %w", ErrNoRoute, remote, k.iface, err)
	}
	if err := usable(dev); err != nil {
		return Route{}, err
	}
	a := dev.Attrs()
	r := Route{Interface: a.Name, Index: a.Index, Source: source, NextHop: remote, MTU: a.MTU, AdvMSS: k.advMSS,
		Loopback: k.kind == unix.RTN_LOCAL || a.Flags&net.FlagLoopback != 0}
	if k.mtu > 0 {
		// The route's own MTU, or what path MTU discovery learned. The MSS that
		// we announce follows the smallest (RFC 9293, SHLD-6).
		r.MTU = min(r.MTU, k.mtu)
	}
	r.MTU = min(r.MTU, maxTotal) // lo has 65536
	if k.gateway.IsValid() {
		r.NextHop = k.gateway
	}
	if !source.IsValid() { // the kernel does not repeat a source that it was given
		r.Source = k.source
	}
	if !r.Source.IsValid() || r.Source.IsUnspecified() {
		return Route{}, fmt.Errorf("%w to %v: the interface %s has no %s address; give it one with: ip addr add ADDRESS/PREFIX dev %s",
			ErrNoRoute, remote, a.Name, version(remote), a.Name)
	}
	return r, nil
}

func version(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// maxTotal is the largest total length of an IPv4 packet (RFC 791, section
// 3.1); IPv6 allows more, which nobody needs.
const maxTotal = 1<<16 - 1
