package link

import (
	"bytes"
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

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A request is repeated once a second, as RFC 1122, section 2.3.2.1 allows at
// most, and three times as the kernel does.
const (
	arpTries    = 3
	arpInterval = time.Second
)

// Kernel neighbour states in which the kernel itself would send at once.
const nudUsable = netlink.NUD_REACHABLE | netlink.NUD_STALE | netlink.NUD_DELAY |
	netlink.NUD_PROBE | netlink.NUD_PERMANENT | netlink.NUD_NOARP

// nextHopAddress finds the link-layer address of the route's next hop: in the
// kernel's neighbour table, else by asking on the link. It is empty on an
// interface that has none. The kernel's table is not changed.
func nextHopAddress(ctx context.Context, r Route) (net.HardwareAddr, error) {
	dev, err := netlink.LinkByIndex(r.Index)
	if err != nil {
		return nil, fmt.Errorf("%w: the interface %s is gone: %w", ErrNoRoute, r.Interface, err)
	}
	own := dev.Attrs()
	ether, arp := own.EncapType == "ether", own.RawFlags&unix.IFF_NOARP == 0
	switch {
	case !ether && arp:
		return nil, fmt.Errorf("%w: the interface %s (%s) has link-layer addresses other than Ethernet's; use the raw link", ErrNoNeighbour, r.Interface, own.EncapType)
	case !ether:
		return nil, nil // tun, wireguard, ppp: nobody to address
	case !arp:
		return own.HardwareAddr, nil // what the kernel writes there, too
	}
	if known := kernelNeighbour(r); known != nil {
		return known, nil
	}
	return askARP(ctx, r, own.HardwareAddr)
}

func kernelNeighbour(r Route) net.HardwareAddr {
	table, err := netlink.NeighList(r.Index, netlink.FAMILY_V4)
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

// askARP asks for the next hop's address (RFC 826).
func askARP(ctx context.Context, r Route, own net.HardwareAddr) (net.HardwareAddr, error) {
	if len(own) != wire.HardwareAddrLen {
		return nil, fmt.Errorf("%w: the interface %s has no Ethernet address to ask from", ErrNoNeighbour, r.Interface)
	}
	filter, err := arpFilter()
	if err != nil {
		return nil, err
	}
	what := "open a packet socket for ARP on " + r.Interface
	s, err := openSocket("arp:"+r.Interface, unix.AF_PACKET, unix.SOCK_DGRAM, 0, filter)
	if err != nil {
		return nil, openError(what, err)
	}
	defer s.close()
	err = s.control(func(fd int) error {
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ARP), Ifindex: r.Index})
	})
	if err != nil {
		return nil, openError(what, os.NewSyscallError("bind", err))
	}
	stop := context.AfterFunc(ctx, func() { s.close() })
	defer stop()

	request := wire.ARP{Operation: wire.ARPRequest, SenderHardware: [wire.HardwareAddrLen]byte(own),
		SenderProtocol: r.Source, TargetProtocol: r.NextHop}
	packet := request.AppendTo(nil)
	for range arpTries {
		if err := s.send(packet, linkAddress(r.Index, unix.ETH_P_ARP, broadcast)); err != nil {
			return nil, arpError(ctx, r, err)
		}
		s.setReadDeadline(time.Now().Add(arpInterval))
		hw, err := awaitReply(s, &request)
		if err == nil {
			return hw, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, arpError(ctx, r, err)
		}
	}
	return nil, fmt.Errorf("%w: %v does not answer ARP on %s (%d requests, one a second); is it up, and on that network?",
		ErrNoNeighbour, r.NextHop, r.Interface, arpTries)
}

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// awaitReply waits for the answer to request; other people's are skipped.
func awaitReply(s *socket, request *wire.ARP) (hw net.HardwareAddr, err error) {
	var buf [128]byte
	waitErr := s.await(func(fd int) bool {
		for {
			d, e := read(fd, buf[:])
			if e == unix.EAGAIN {
				return false
			}
			if e != nil {
				err = e
				return true
			}
			if hw = answer(d.data, request); hw != nil {
				return true
			}
		}
	})
	if waitErr != nil {
		return nil, waitErr
	}
	return hw, err
}

// answer returns the sender's address if packet answers request.
func answer(packet []byte, request *wire.ARP) net.HardwareAddr {
	var reply wire.ARP
	c := field.New("ARP", packet)
	if reply.Decode(&c) != nil || reply.Operation != wire.ARPReply ||
		reply.SenderProtocol != request.TargetProtocol || reply.TargetProtocol != request.SenderProtocol ||
		reply.TargetHardware != request.SenderHardware {
		return nil
	}
	if reply.SenderHardware[0]&1 != 0 || reply.SenderHardware == [wire.HardwareAddrLen]byte{} {
		return nil // a group address, or none: nobody's own
	}
	return bytes.Clone(reply.SenderHardware[:])
}

// arpFilter lets replies through that were sent to this machine.
func arpFilter() ([]bpf.RawInstruction, error) {
	var p program
	p.load(bpf.LoadExtension{Num: bpf.ExtType})
	p.require(unix.PACKET_HOST)
	p.load(load(arpOperation, 2))
	p.require(uint32(wire.ARPReply))
	p.jump(labelAccept)
	return p.assemble()
}

// arpOperation is where ar$op stands (RFC 826).
const arpOperation = 6

func arpError(ctx context.Context, r Route, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %v has not answered ARP on %s yet: %w", ErrNoNeighbour, r.NextHop, r.Interface, context.Cause(ctx))
	}
	return fmt.Errorf("%w: ARP for %v on %s: %w", ErrNoNeighbour, r.NextHop, r.Interface, err)
}
