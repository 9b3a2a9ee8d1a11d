// Asking on a link for link-layer addresses, for event loops.

package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An Asker asks on an interface's link who has an address, by ARP (RFC 826) or
// neighbour discovery (RFC 4861), and does not touch the kernel's neighbour
// table. It is for event loops that look for many hosts at a time, and for one
// goroutine. The caller decides when to ask, and how often.
type Asker struct {
	route    route.Route
	own      [wire.HardwareAddrLen]byte
	sock     *socket
	protocol string
	ethType  uint16
	buf      [2048]byte
}

// OpenAsker opens an asker on the route's interface, from the route's source
// address, or, where an IPv4 route has an IPv6 next hop, from one of the
// interface's. It fails with ErrNoNeighbour if nobody can be asked on that
// link, and with ErrPermission.
func OpenAsker(r route.Route) (*Asker, error) {
	if r.Source.Is4() && r.NextHop.Is6() {
		if r.Source = route.NeighbourSource(r.Index); !r.Source.IsValid() {
			return nil, fmt.Errorf("%w: the next hop %v is to be asked for by %s, and %s has no IPv6 address to ask from", ErrNoNeighbour, r.NextHop, neighbourDiscovery, r.Interface)
		}
	}
	own, err := hardwareOf(r)
	if err != nil {
		return nil, err
	}
	if len(own.address) != wire.HardwareAddrLen {
		return nil, fmt.Errorf("%w: the interface %s has no Ethernet address to ask from", ErrNoNeighbour, r.Interface)
	}
	a := &Asker{route: r, own: [wire.HardwareAddrLen]byte(own.address), protocol: "ARP", ethType: unix.ETH_P_ARP}
	var filter []bpf.RawInstruction
	if r.Source.Is4() {
		filter, err = arpReplies()
	} else {
		a.protocol, a.ethType = neighbourDiscovery, unix.ETH_P_IPV6
		filter, err = neighbourFilter(wire.NeighbourAdvertisement, netip.Addr{})
	}
	if err != nil {
		return nil, err
	}
	if a.sock, err = openLinkSocket(a.protocol, r, a.ethType, filter); err != nil {
		return nil, err
	}
	a.sock.tune()
	return a, nil
}

// Protocol returns the protocol that it asks by: "ARP" or "neighbor discovery".
func (a *Asker) Protocol() string { return a.protocol }

// Ask sends one request.
func (a *Asker) Ask(who netip.Addr) error {
	packet, to := []byte(nil), broadcast
	if who.Is4() {
		packet = a.requestARP(who)
	} else {
		group := wire.SolicitedNode(who)
		packet, to = a.solicitation(who, group), wire.MulticastHardware(group)
	}
	return sendError(a.sock.send(packet, linkAddress(a.route.Index, a.ethType, to[:])), a.route)
}

// answer returns whose address an arrived packet gives; hw is nil if it is no
// answer to us.
func (a *Asker) answer(packet []byte) (who netip.Addr, hw net.HardwareAddr) {
	if a.route.Source.Is4() {
		return a.answeredARP(packet)
	}
	return a.advertised(packet)
}

// Answers calls f for the addresses that were received since the last call,
// asked for or not, and does not wait. It reads some hundreds of packets at
// most: the rest of a flood is left for the next call.
func (a *Asker) Answers(f func(who netip.Addr, hop Hop)) error {
	return a.sock.control(func(fd int) error {
		for range maxInARow {
			d, err := a.sock.recv(fd, a.buf[:])
			if err == unix.EAGAIN {
				return nil
			}
			if err != nil {
				return receiveError(err, a.route)
			}
			if who, hw := a.answer(d.data); hw != nil {
				f(who, HopTo(hw))
			}
		}
		return nil
	})
}

// Close frees the asker's sockets.
func (a *Asker) Close() error { return a.sock.close() }

// find asks for one address, and waits for the answer.
func (a *Asker) find(ctx context.Context, who netip.Addr) (net.HardwareAddr, error) {
	stop := context.AfterFunc(ctx, func() { a.sock.close() })
	defer stop()
	for range askTries {
		if err := a.Ask(who); err != nil {
			return nil, a.failed(ctx, who, err)
		}
		a.sock.setReadDeadline(time.Now().Add(askInterval))
		hw, err := a.await(who)
		if err == nil {
			return hw, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, a.failed(ctx, who, err)
		}
	}
	return nil, Unanswered(a.route, who, a.protocol, askTries)
}

// Unanswered returns the error for a neighbour that did not answer that many
// requests, one a second. It wraps ErrNoNeighbour.
func Unanswered(r route.Route, who netip.Addr, protocol string, requests int) error {
	return fmt.Errorf("%w: %v does not answer %s on %s (%d requests, one a second); is it up, and on that network?",
		ErrNoNeighbour, who, protocol, r.Interface, requests)
}

// await waits for the answer about who, and skips others.
func (a *Asker) await(who netip.Addr) (hw net.HardwareAddr, err error) {
	err = a.sock.eachDatagram(a.buf[:], func(d *datagram) bool {
		var told netip.Addr
		told, hw = a.answer(d.data)
		if told != who {
			hw = nil
		}
		return hw != nil
	})
	return hw, err
}

func (a *Asker) failed(ctx context.Context, who netip.Addr, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %v has not answered %s on %s yet: %w", ErrNoNeighbour, who, a.protocol, a.route.Interface, context.Cause(ctx))
	}
	return fmt.Errorf("%w: %s for %v on %s: %w", ErrNoNeighbour, a.protocol, who, a.route.Interface, err)
}
