package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A request is repeated once a second, as RFC 1122, section 2.3.2.1 allows at
// most and RFC 4861, section 10 has it, and three times as the kernel does.
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
func nextHopAddress(ctx context.Context, r Route) (net.HardwareAddr, error) {
	own, err := r.hardware()
	if err != nil {
		return nil, err
	}
	switch {
	case !own.ether && own.asks:
		return nil, fmt.Errorf("%w: the interface %s (%s) has link-layer addresses other than Ethernet's; use the raw link", ErrNoNeighbour, r.Interface, own.kind)
	case !own.ether:
		return nil, nil // tun, wireguard, ppp: nobody to address
	case !own.asks:
		return own.address, nil // what the kernel writes there, too
	}
	if known := kernelNeighbour(r); known != nil {
		return known, nil
	}
	if len(own.address) != wire.HardwareAddrLen {
		return nil, fmt.Errorf("%w: the interface %s has no Ethernet address to ask from", ErrNoNeighbour, r.Interface)
	}
	q, err := whoHas(r, [wire.HardwareAddrLen]byte(own.address))
	if err != nil {
		return nil, err
	}
	return q.ask(ctx, r)
}

// hardware is what an interface is on its link.
type hardware struct {
	kind    string // the link-layer's name
	ether   bool
	asks    bool // addresses are found by asking: not IFF_NOARP
	address net.HardwareAddr
}

func (r *Route) hardware() (hardware, error) {
	dev, err := netlink.LinkByIndex(r.Index)
	if err != nil {
		return hardware{}, fmt.Errorf("%w: the interface %s is gone: %w", ErrNoRoute, r.Interface, err)
	}
	a := dev.Attrs()
	return hardware{kind: a.EncapType, ether: a.EncapType == "ether", asks: a.RawFlags&unix.IFF_NOARP == 0, address: a.HardwareAddr}, nil
}

func kernelNeighbour(r Route) net.HardwareAddr {
	family := netlink.FAMILY_V4
	if r.NextHop.Is6() {
		family = netlink.FAMILY_V6
	}
	table, err := netlink.NeighList(r.Index, family)
	if err != nil {
		return nil // then ask on the link
	}
	for _, n := range table {
		if a, ok := netip.AddrFromSlice(n.IP); ok && a.Unmap() == r.NextHop &&
			n.State&nudUsable != 0 && len(n.HardwareAddr) == wire.HardwareAddrLen {
			return n.HardwareAddr
		}
	}
	return nil
}

// A question is a request on the link for somebody's address, and how to know
// the answer.
type question struct {
	protocol  string // its name, for people
	etherType uint16
	packet    []byte
	to        [wire.HardwareAddrLen]byte
	filter    []bpf.RawInstruction
	answer    func(packet []byte) net.HardwareAddr // nil where it is none
}

// whoHas asks for the route's next hop, from the interface's address.
func whoHas(r Route, own [wire.HardwareAddrLen]byte) (question, error) {
	if r.NextHop.Is4() {
		return arpQuestion(r, own)
	}
	return solicitation(r, own)
}

func (q *question) ask(ctx context.Context, r Route) (net.HardwareAddr, error) {
	s, err := openLinkSocket(q.protocol, r, q.etherType, q.filter)
	if err != nil {
		return nil, err
	}
	defer s.close()
	stop := context.AfterFunc(ctx, func() { s.close() })
	defer stop()
	for range askTries {
		if err := s.send(q.packet, linkAddress(r.Index, q.etherType, q.to[:])); err != nil {
			return nil, q.failed(ctx, r, err)
		}
		s.setReadDeadline(time.Now().Add(askInterval))
		hw, err := q.await(s)
		if err == nil {
			return hw, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, q.failed(ctx, r, err)
		}
	}
	return nil, fmt.Errorf("%w: %v does not answer %s on %s (%d requests, one a second); is it up, and on that network?",
		ErrNoNeighbour, r.NextHop, q.protocol, r.Interface, askTries)
}

// openLinkSocket opens a socket for a protocol of the link itself. It hears
// nothing before the filter is attached.
func openLinkSocket(protocol string, r Route, etherType uint16, filter []bpf.RawInstruction) (*socket, error) {
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

// await waits for the answer; other people's are skipped.
func (q *question) await(s *socket) (hw net.HardwareAddr, err error) {
	var buf [2048]byte
	err = s.eachDatagram(buf[:], func(d *datagram) bool {
		hw = q.answer(d.data)
		return hw != nil
	})
	return hw, err
}

// eachDatagram gives f what arrives, until it has enough.
func (s *socket) eachDatagram(buf []byte, f func(*datagram) (enough bool)) (err error) {
	waitErr := s.await(func(fd int) bool {
		for {
			d, e := read(fd, buf)
			if e == unix.EAGAIN {
				return false
			}
			if err = e; e != nil || f(&d) {
				return true
			}
		}
	})
	if waitErr != nil {
		return waitErr
	}
	return err
}

func (q *question) failed(ctx context.Context, r Route, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %v has not answered %s on %s yet: %w", ErrNoNeighbour, r.NextHop, q.protocol, r.Interface, context.Cause(ctx))
	}
	return fmt.Errorf("%w: %s for %v on %s: %w", ErrNoNeighbour, q.protocol, r.NextHop, r.Interface, err)
}

// unicast is an address as an answer tells it, or nil of a group's address or
// none, which are nobody's own.
func unicast(hw [wire.HardwareAddrLen]byte) net.HardwareAddr {
	if hw[0]&1 != 0 || hw == [wire.HardwareAddrLen]byte{} {
		return nil
	}
	return hw[:]
}
