// The link-layer address of the next hop: what the kernel knows, or who
// answers.

package link

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A request is sent once a second, the most that RFC 1122, section 2.3.2.1
// allows and the default of RFC 4861, section 10, and three times, as the
// kernel does.
const (
	askTries    = 3
	askInterval = time.Second
)

// Kernel neighbour states in which the kernel itself would send at once.
const nudUsable = netlink.NUD_REACHABLE | netlink.NUD_STALE | netlink.NUD_DELAY |
	netlink.NUD_PROBE | netlink.NUD_PERMANENT | netlink.NUD_NOARP

// nextHopAddress finds the link-layer address of the route's next hop: in the
// kernel's neighbour table, else by asking on the link. It is empty on an
// interface that has none. The kernel's table is not changed.
func nextHopAddress(ctx context.Context, r route.Route) (net.HardwareAddr, error) {
	if hw, fixed, err := fixedHop(r); fixed || err != nil {
		return hw, err
	}
	if known := kernelNeighbour(r); known != nil {
		return known, nil
	}
	asker, err := OpenAsker(r)
	if err != nil {
		return nil, err
	}
	defer asker.Close()
	return asker.find(ctx, r.NextHop)
}

// fixedHop returns the link-layer address that every packet on the interface
// goes to, if there is nobody to ask for one.
func fixedHop(r route.Route) (hw net.HardwareAddr, fixed bool, err error) {
	own, err := hardwareOf(r)
	switch {
	case err != nil:
		return nil, false, err
	case !own.ether && own.asks:
		return nil, false, fmt.Errorf("%w: the interface %s (%s) has link-layer addresses other than Ethernet's; use the raw link", ErrNoNeighbour, r.Interface, own.kind)
	case !own.ether:
		return nil, true, nil // tun, wireguard, ppp: nobody to address
	case !own.asks:
		return own.address, true, nil // what the kernel writes there, too
	}
	return nil, false, nil
}

// hardware is an interface's own link-layer address and kind.
type hardware struct {
	kind    string // the link-layer's name
	ether   bool
	asks    bool // addresses are found by asking: not IFF_NOARP
	address net.HardwareAddr
}

func hardwareOf(r route.Route) (hardware, error) {
	dev, err := netlink.LinkByIndex(r.Index)
	if err != nil {
		return hardware{}, fmt.Errorf("%w: the interface %s is gone: %w", route.ErrNoRoute, r.Interface, err)
	}
	a := dev.Attrs()
	return hardware{kind: a.EncapType, ether: a.EncapType == "ether", asks: a.RawFlags&unix.IFF_NOARP == 0, address: a.HardwareAddr}, nil
}

// kernelNeighbour returns the kernel's entry for the route's next hop.
func kernelNeighbour(r route.Route) (hw net.HardwareAddr) {
	eachNeighbour(r, nudUsable, func(a netip.Addr, known net.HardwareAddr) {
		if a == r.NextHop {
			hw = known
		}
	})
	return hw
}

// Neighbours returns the hosts on the route's interface that the kernel knows.
func Neighbours(r route.Route) map[netip.Addr]Hop { return neighboursIn(r, nudUsable) }

// WrittenNeighbours returns the permanent entries of the kernel's neighbour
// table. Such hosts need not answer requests.
func WrittenNeighbours(r route.Route) map[netip.Addr]Hop {
	return neighboursIn(r, netlink.NUD_PERMANENT)
}

func neighboursIn(r route.Route, states int) map[netip.Addr]Hop {
	known := make(map[netip.Addr]Hop)
	eachNeighbour(r, states, func(a netip.Addr, hw net.HardwareAddr) { known[a] = HopTo(hw) })
	return known
}

// eachNeighbour calls f for the entries of the kernel's table in one of these
// states, if it can be read.
func eachNeighbour(r route.Route, states int, f func(netip.Addr, net.HardwareAddr)) {
	family := netlink.FAMILY_V4
	if r.Source.Is6() || r.NextHop.Is6() {
		family = netlink.FAMILY_V6
	}
	table, _ := netlink.NeighList(r.Index, family)
	for _, n := range table {
		if a, ok := netip.AddrFromSlice(n.IP); ok && n.State&states != 0 && len(n.HardwareAddr) == wire.HardwareAddrLen {
			f(a.Unmap(), n.HardwareAddr)
		}
	}
}

// openLinkSocket opens a socket for a protocol of the link itself. It receives
// nothing before the filter is attached.
func openLinkSocket(protocol string, r route.Route, etherType uint16, filter []bpf.RawInstruction) (*socket, error) {
	what := fmt.Sprintf("open a packet socket for %s on %s", protocol, r.Interface)
	s, err := openSocket(protocol+":"+r.Interface, unix.AF_PACKET, unix.SOCK_DGRAM, 0, filter)
	if err != nil {
		return nil, openError(what, err)
	}
	err = s.control(func(fd int) error {
		return unix.Bind(fd, linkAddress(r.Index, etherType, nil))
	})
	if err != nil {
		s.close()
		return nil, openError(what, os.NewSyscallError("bind", err))
	}
	return s, nil
}

// maxInARow is how many datagrams are read before the deadline and Close are
// checked again: a flood must not delay these.
const maxInARow = 256

// eachDatagram calls f with what arrives, until it has enough.
func (s *socket) eachDatagram(buf []byte, f func(*datagram) (enough bool)) error {
	for {
		var enough bool
		var err error
		waitErr := s.await(func(fd int) bool {
			for range maxInARow {
				var d datagram
				if d, err = s.recv(fd, buf); err == unix.EAGAIN {
					return false
				}
				if err != nil {
					return true
				}
				if enough = f(&d); enough {
					return true
				}
			}
			return true
		})
		if waitErr != nil {
			return waitErr
		}
		if enough || err != nil {
			return err
		}
	}
}

// unicast returns the address in an answer, or nil if it is a group's or zero,
// which no host has.
func unicast(hw [wire.HardwareAddrLen]byte) net.HardwareAddr {
	if hw[0]&1 != 0 || hw == [wire.HardwareAddrLen]byte{} {
		return nil
	}
	return hw[:]
}
