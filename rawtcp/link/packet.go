// The packet link: AF_PACKET, below netfilter in both directions.

package link

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// packetLink carries packets on one interface through one AF_PACKET socket.
// The socket is of the datagram kind: the kernel writes and strips the
// link-layer header, so that interfaces without one work as well.
type packetLink struct {
	sock      *socket // on the route's interface
	aside     *socket // on other interfaces, see Beside; or nil
	ready     *socket // readable when one of the two is; nil without aside
	route     route.Route
	nextHop   unix.RawSockaddrLinklayer
	responder *responder // answers ARP or neighbour discovery for a foreign address; or nil
	hops      *hops      // in place of nextHop, if the remote may be anybody

	sending sync.Mutex
	outbox  outbox
	one     [1][]byte // the packet of a Send
}

// OpenPacket opens the packet link: below netfilter in both directions, with
// the next hop's link-layer address resolved. See Open.
func OpenPacket(ctx context.Context, o Options) (Link, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	r := o.Route
	if r.Loopback {
		return nil, fmt.Errorf("%w to %v through the packet link: that is an address of this machine, and the kernel drops what AF_PACKET puts on %s as martian; use the raw link (--link auto does)",
			route.ErrNoRoute, o.Flow.Remote.Addr(), r.Interface)
	}
	// The socket comes before the question to the neighbour: without the
	// privilege there is nothing to ask for.
	s, err := openTap(o.Flow, r)
	if err != nil {
		return nil, err
	}
	if !o.Flow.Remote.Addr().IsValid() && !r.NextHop.IsValid() {
		return &packetLink{sock: s, route: r, hops: newHops()}, nil
	}
	l := &packetLink{sock: s, route: r}
	if err := l.complete(ctx, o.Flow); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// complete opens what is needed besides the first socket, and finds the next
// hop.
func (l *packetLink) complete(ctx context.Context, f Flow) error {
	if err := l.listenAside(f); err != nil {
		return err
	}
	hw, err := nextHopAddress(ctx, l.route)
	if err != nil {
		return err
	}
	l.nextHop = *rawLinkAddress(linkAddress(l.route.Index, f.etherType(), hw))
	if l.route.Foreign {
		l.responder, err = openResponder(l.route, nil)
	}
	return err
}

// listenAside opens the socket for answers on other interfaces. The first
// socket stays bound to its own, and is told when that goes down.
func (l *packetLink) listenAside(f Flow) (err error) {
	beside := l.route.Beside()
	if len(beside) == 0 {
		return nil
	}
	if l.aside, err = openTap(f, route.Route{Interface: "other interfaces"}, indices(beside)...); err != nil {
		return err
	}
	l.ready, err = openEpoll(l.sock, l.aside)
	return err
}

// openTap opens the socket, on the route's interface, or on all of those given
// where the route has none. It receives nothing (protocol 0) until the filter
// is attached, and is only then bound, so that no stray packet gets in.
func openTap(f Flow, r route.Route, interfaces ...int) (*socket, error) {
	filter, err := packetFilter(f, interfaces...)
	if err != nil {
		return nil, err
	}
	return openPacketSocket("packet:", "open a packet socket on "+r.Interface, r, filter)
}

// openPacketSocket opens a packet socket that sees what goes in and out by an interface.
func openPacketSocket(name, what string, r route.Route, filter []bpf.RawInstruction) (*socket, error) {
	s, err := openSocket(name+r.Interface, unix.AF_PACKET, unix.SOCK_DGRAM, 0, filter)
	if err != nil {
		return nil, openError(what, err)
	}
	s.tune()
	err = s.control(func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
			return os.NewSyscallError("setsockopt PACKET_AUXDATA", err)
		}
		// ETH_P_ALL: a tap on ETH_P_IP alone does not see outgoing packets.
		return os.NewSyscallError("bind", unix.Bind(fd, linkAddress(r.Index, unix.ETH_P_ALL, nil)))
	})
	if err != nil {
		s.close()
		return nil, openError(what, err)
	}
	return s, nil
}

func (l *packetLink) Send(packet []byte) error {
	if l.hops != nil {
		return l.sendBack(packet)
	}
	l.sending.Lock()
	defer l.sending.Unlock()
	l.one[0] = packet
	_, err := l.sendAll(l.one[:])
	l.one[0] = nil
	return err
}

// SendBatch transmits packets in one system call, or few.
func (l *packetLink) SendBatch(packets [][]byte) (n int, err error) {
	if l.hops != nil {
		for n, p := range packets {
			if err := l.sendBack(p); err != nil {
				return n, err
			}
		}
		return len(packets), nil
	}
	l.sending.Lock()
	defer l.sending.Unlock()
	for n < len(packets) && err == nil {
		var sent int
		sent, err = l.sendAll(packets[n:min(n+maxSent, len(packets))])
		n += sent
	}
	return n, err
}

// sendAll sends what fits into one call, to the next hop.
func (l *packetLink) sendAll(packets [][]byte) (n int, err error) {
	n, err = l.sock.sendMany(l.outbox.fill(packets, &l.nextHop))
	l.outbox.forget()
	if err == unix.EMSGSIZE {
		return n, tooLarge(len(packets[n]), l.route)
	}
	return n, sendError(err, l.route)
}

// sendBack sends a packet to the link-layer address that the peer's packets
// came from.
func (l *packetLink) sendBack(packet []byte) error {
	_, dst := wire.Addresses(packet)
	to, ok := l.hops.towards(dst, l.route.Index, etherType(dst))
	if !ok {
		return fmt.Errorf("send on %s: %w: nothing has come from %v yet that tells where it is on the link", l.route.Interface, ErrNoNeighbour, dst)
	}
	err := l.sock.send(packet, to)
	if err == unix.EMSGSIZE {
		return tooLarge(len(packet), l.route)
	}
	return sendError(err, l.route)
}

func (l *packetLink) Receive(buf []byte) (p Packet, err error) {
	err = l.await(func(fd int) (got bool, err error) {
		for {
			d, err := read(fd, buf)
			if err != nil {
				return false, err
			}
			if p = l.take(&d); p.Data != nil {
				return true, nil
			}
		}
	})
	return p, err
}

// ReceiveBatch takes what has arrived, in one system call.
func (l *packetLink) ReceiveBatch(b *Arrivals) (packets []Packet, err error) {
	err = l.await(func(fd int) (got bool, err error) {
		for {
			n, err := b.read(fd)
			if err != nil {
				return false, err
			}
			packets = b.packets[:0]
			now := time.Now()
			for i := range n {
				d := b.datagram(i, now)
				if p := l.take(&d); p.Data != nil {
					packets = append(packets, p)
				}
			}
			if len(packets) > 0 {
				return true, nil
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return packets, nil
}

// await calls take for each socket until it has got packets, and waits in
// between; take fails with unix.EAGAIN if there are none.
func (l *packetLink) await(take func(fd int) (got bool, err error)) error {
	var failure error
	one := func(fd int) (done bool) {
		got, err := take(fd)
		if err != nil && err != unix.EAGAIN {
			failure = receiveError(err, l.route)
		}
		return got || failure != nil
	}
	var err error
	if l.ready == nil {
		err = l.sock.await(one)
	} else {
		err = l.ready.await(func(int) bool { return l.either(one) })
	}
	if err == nil {
		err = failure
	}
	return err
}

// either tries both sockets, the one on the route's interface first.
func (l *packetLink) either(try func(fd int) (done bool)) (done bool) {
	for _, s := range [...]*socket{l.sock, l.aside} {
		err := s.control(func(fd int) error {
			done = try(fd)
			return nil
		})
		if done || err != nil {
			return true
		}
	}
	return false
}

// take makes a Packet of a datagram, and notes where it came from where that
// is of use.
func (l *packetLink) take(d *datagram) Packet {
	p := d.packet()
	if l.hops != nil && p.Data != nil && !p.KernelSent {
		src, _ := wire.Addresses(p.Data)
		l.hops.learn(src, d.from)
	}
	return p
}

func (l *packetLink) SetReadDeadline(t time.Time) error {
	if l.ready != nil {
		return l.ready.setReadDeadline(t)
	}
	return l.sock.setReadDeadline(t)
}
func (l *packetLink) MTU() int   { return l.route.MTU }
func (l *packetLink) Kind() Kind { return KindPacket }

func (l *packetLink) Close() error {
	if l.ready != nil { // it ends the waiting
		l.ready.close()
	}
	err := l.sock.close()
	if l.aside != nil {
		l.aside.close()
	}
	l.responder.close()
	return err
}

// packet makes a Packet of what a tap saw. Data is nil for one that cannot be
// shown whole.
func (d *datagram) packet() Packet {
	b := trim(d.data)
	if b == nil || d.truncated {
		return Packet{}
	}
	p := Packet{Data: b, Time: d.at, KernelSent: d.outgoing, ChecksumPartial: d.partial}
	if d.partial {
		completeChecksum(b)
	}
	return p
}

// trim cuts link-layer padding off an IP packet. A packet that is shorter than
// its header says is left for the endpoint to refuse.
func trim(b []byte) []byte {
	if !headerThere(b) {
		return nil
	}
	if n := totalLength(b); n >= wire.IPv4HeaderLen && n < len(b) {
		return b[:n]
	}
	return b
}

func linkAddress(index int, protocol uint16, hw net.HardwareAddr) *unix.SockaddrLinklayer {
	a := &unix.SockaddrLinklayer{Protocol: htons(protocol), Ifindex: index, Halen: uint8(len(hw))}
	copy(a.Addr[:], hw)
	return a
}

// rawLinkAddress returns an address as the kernel takes it.
func rawLinkAddress(a *unix.SockaddrLinklayer) *unix.RawSockaddrLinklayer {
	return &unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Protocol: a.Protocol, Ifindex: int32(a.Ifindex),
		Hatype: a.Hatype, Pkttype: a.Pkttype, Halen: a.Halen, Addr: a.Addr}
}

// htons is for the protocol fields of AF_PACKET, which are in network order.
func htons(v uint16) uint16 {
	if nativeLittle {
		return bits.ReverseBytes16(v)
	}
	return v
}

func tooLarge(n int, r route.Route) error {
	return fmt.Errorf("send on %s: a packet of %d bytes exceeds the MTU of %d", r.Interface, n, r.MTU)
}

func sendError(err error, r route.Route) error {
	switch {
	case err == nil, errors.Is(err, net.ErrClosed):
		return err
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("send on %s: %w: %s (%w)", r.Interface, ErrFiltered, outputRule, err)
	}
	return fmt.Errorf("send on %s: %w", r.Interface, downOr(err))
}

func receiveError(err error, r route.Route) error {
	return fmt.Errorf("receive on %s: %w", r.Interface, downOr(err))
}

// downOr gives the errors of an interface or a route that has gone a clear
// text.
func downOr(err error) error {
	var errno unix.Errno
	errors.As(err, &errno)
	switch errno {
	case unix.ENETDOWN, unix.ENODEV, unix.ENXIO:
		return fmt.Errorf("%w: the interface went down: %w", route.ErrNoRoute, err)
	case unix.ENETUNREACH, unix.EHOSTUNREACH: // a raw socket, whose packets the kernel routes
		return fmt.Errorf("%w: %w", route.ErrNoRoute, err)
	}
	return err
}
