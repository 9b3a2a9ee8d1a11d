// The raw link: raw IP sockets, through the kernel's routing and netfilter.

package link

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// rawLink carries packets through raw IP sockets: one that sends, and receives
// TCP; one that receives ICMP; and the witness. All three wait behind one epoll
// descriptor, because a Receive waits for whichever comes first.
//
// ipv4.RawConn would split each packet into a header value and a payload; this
// link hands over the bytes as they came, and needs the descriptors for epoll.
// For what an IPv6 socket does not hand over, see raw6.go.
type rawLink struct {
	tcp, icmp *socket
	witness   *witness
	reset     Packet // a peer's, which waits until the witness has nothing to say
	resetData []byte
	rejected  rejections
	ready     *socket
	route     route.Route
	six       bool
	blocked   string // the IPsec policy that blocks what the link is for; empty: none
}

// OpenRaw opens the raw link: through the kernel's routing and netfilter in
// both directions. It never sees fragments, since the kernel puts them
// together first. See Open.
//
// The kernel writes some fields of the IP header itself; Send refuses a packet
// that it would change, so that a frame shown is the frame sent.
func OpenRaw(_ context.Context, o Options) (Link, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if o.Route.Foreign {
		return nil, fmt.Errorf("%w through the raw link from %v: that is not an address of this machine, and the kernel would not take what comes for it; use the packet link (--link auto does)", route.ErrNoRoute, o.Flow.Local.Addr())
	}
	if to := o.Flow.Remote.Addr(); to.IsValid() {
		if err := route.CheckRaw(o.Route, to); err != nil {
			return nil, err
		}
	}
	l := &rawLink{route: o.Route, six: o.Flow.six()}
	l.blocked = blockedBy(o.Route, o.Flow.Remote.Addr())
	if err := l.open(o.Flow); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *rawLink) open(f Flow) (err error) {
	icmp := wire.ProtocolICMP
	if l.six {
		icmp = wire.ProtocolICMPv6
	}
	if l.tcp, err = l.openRaw("tcp", wire.ProtocolTCP, f); err != nil {
		return err
	}
	if err := l.tcp.control(func(fd int) error { return l.setSendOptions(fd, f) }); err != nil {
		return openError("set up a raw IP socket", err)
	}
	if l.icmp, err = l.openRaw("icmp", icmp, f); err != nil {
		return err
	}
	if l.witness, err = openWitness(f, l.route); err != nil {
		return err
	}
	l.ready, err = openEpoll(l.tcp, l.icmp, l.witness.sock)
	return err
}

// openRaw opens a raw socket that receives what is ours, from now on. A raw
// socket receives everything from its creation on, so what came in before the
// filter was attached is discarded.
func (l *rawLink) openRaw(name string, protocol int, f Flow) (*socket, error) {
	filter, err := rawFilter(f, protocol)
	if err != nil {
		return nil, err
	}
	domain := unix.AF_INET
	if l.six {
		domain = unix.AF_INET6
	}
	what := "open a raw IP socket for " + name
	s, err := openSocket("raw:"+name, domain, unix.SOCK_RAW, protocol, filter)
	if err != nil {
		return nil, openError(what, err)
	}
	s.tune()
	err = s.control(func(fd int) error {
		if err := unix.Bind(fd, l.sockaddr(f.Local.Addr())); err != nil {
			return os.NewSyscallError("bind", err)
		}
		if l.six {
			if err := askForHeaders(fd); err != nil {
				return err
			}
		}
		var stale [1]byte
		for {
			if _, err := read(fd, stale[:]); err != nil {
				return nil // EAGAIN: nothing is left
			}
		}
	})
	if err != nil {
		s.close()
		return nil, openError(what, err)
	}
	if l.six {
		s.recv = func(fd int, buf []byte) (datagram, error) { return readRaw6(fd, buf, uint8(protocol)) }
	}
	return s, nil
}

// sockaddr is an address as raw sockets take it: without a port, and with the
// interface, which only link-local addresses of IPv6 need.
func (l *rawLink) sockaddr(a netip.Addr) unix.Sockaddr {
	if l.six {
		return &unix.SockaddrInet6{Addr: a.As16(), ZoneId: uint32(l.route.Index)}
	}
	return &unix.SockaddrInet4{Addr: a.As4()}
}

// setSendOptions makes the kernel take our IP headers.
func (l *rawLink) setSendOptions(fd int, f Flow) error {
	level, header := unix.SOL_IP, unix.IP_HDRINCL
	if l.six {
		level, header = unix.SOL_IPV6, unix.IPV6_HDRINCL
	}
	if err := unix.SetsockoptInt(fd, level, header, 1); err != nil {
		return os.NewSyscallError("setsockopt HDRINCL", err)
	}
	if err := l.sendBy(fd); err != nil && !f.Local.Addr().IsLinkLocalUnicast() { // that is bound to it already
		return os.NewSyscallError("setsockopt UNICAST_IF", err)
	}
	// Before Linux 5.17 the mark needs CAP_NET_ADMIN. Without it only a
	// netfilter guard suffers: it then drops our own RSTs too.
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, route.Mark)
	return nil
}

// sendBy makes packets leave by the route's interface. Packets for this machine
// itself must not be bound: if told lo, the kernel takes another interface's
// address for a neighbour's there, and sends no RST for it.
func (l *rawLink) sendBy(fd int) error {
	if l.route.Loopback && route.IsLocal(l.route.NextHop) {
		return nil
	}
	level, unicast := unix.SOL_IP, unix.IP_UNICAST_IF
	if l.six {
		level, unicast = unix.SOL_IPV6, unix.IPV6_UNICAST_IF
	}
	index := make([]byte, 4) // in network order
	binary.BigEndian.PutUint32(index, uint32(l.route.Index))
	return unix.SetsockoptInt(fd, level, unicast, int(int32(binary.NativeEndian.Uint32(index))))
}

// openEpoll returns a descriptor that is readable when one of the sockets is.
func openEpoll(socks ...*socket) (*socket, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	for _, s := range socks {
		err := s.control(func(fd int) error {
			return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
		})
		if err != nil {
			unix.Close(ep)
			return nil, os.NewSyscallError("epoll_ctl", err)
		}
	}
	// So that os.NewFile hands it to Go's poller, which nests epolls well.
	if err := unix.SetNonblock(ep, true); err != nil {
		unix.Close(ep)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return newSocket(ep, "raw:ready")
}

func (l *rawLink) Send(packet []byte) error {
	if err := asSent(packet, l.six); err != nil {
		return fmt.Errorf("send through the raw socket: %w; the packet link would send it as it is", err)
	}
	if len(packet) > l.route.MTU {
		return tooLarge(len(packet), l.route)
	}
	l.witness.note(packet)
	_, to := wire.Addresses(packet)
	l.rejected.mu.Lock()
	err := l.tcp.send(packet, l.sockaddr(to))
	refused := errors.Is(err, unix.EPERM)
	if refused {
		l.rejected.note(packet)
	}
	l.rejected.mu.Unlock()
	if refused {
		return fmt.Errorf("send on %s: %w: %s (%w)", l.route.Interface, ErrFiltered, l.whoRefuses(to), err)
	}
	return sendError(err, l.route)
}

func (l *rawLink) Receive(buf []byte) (p Packet, err error) {
	var failure error
	err = l.ready.await(func(int) bool {
		p, failure = l.poll(buf)
		return p.Data != nil || failure != nil
	})
	if err == nil {
		err = failure
	}
	return p, err
}

// poll takes the next packet without waiting, in the order in which one leads
// to the other: a segment before the RST with which the kernel answered it, and
// that before the peer's RST.
func (l *rawLink) poll(buf []byte) (Packet, error) {
	p, err := l.take(buf)
	if p.Data != nil && resets(p.Data) {
		l.reset, l.resetData = p, append(l.resetData[:0], p.Data...)
		p = Packet{}
	}
	if p.Data != nil || err != nil {
		return p, err
	}
	if p, err = l.next(l.witness.sock, buf, l.witness.packet); p.Data != nil || err != nil || l.reset.Data == nil {
		return p, err
	}
	p, l.reset = l.reset, Packet{}
	p.Data = buf[:copy(buf, l.resetData)]
	return p, nil
}

// take takes the next packet that has arrived, unless a RST waits for its turn.
func (l *rawLink) take(buf []byte) (p Packet, err error) {
	for _, s := range [...]*socket{l.tcp, l.icmp} {
		if l.reset.Data == nil && p.Data == nil && err == nil {
			p, err = l.next(s, buf, l.arrived)
		}
	}
	return p, err
}

// next takes packets from s until one makes a Packet.
func (l *rawLink) next(s *socket, buf []byte, make func(*datagram) Packet) (p Packet, err error) {
	for {
		var d datagram
		err := s.control(func(fd int) (err error) {
			d, err = s.recv(fd, buf)
			return err
		})
		if errors.Is(err, unix.EAGAIN) {
			return Packet{}, nil
		}
		if err != nil {
			return Packet{}, receiveError(err, l.route)
		}
		if p := make(&d); p.Data != nil {
			return p, nil
		}
	}
}

// arrived makes a Packet of what a raw socket received, unless this machine's own
// firewall sent it.
func (l *rawLink) arrived(d *datagram) Packet {
	p := rawPacket(d)
	if p.Data != nil && l.rejected.answered(p.Data) {
		return Packet{}
	}
	return p
}

// rawPacket makes a Packet of what a raw socket received.
func rawPacket(d *datagram) Packet {
	b := trim(d.data)
	if b == nil || d.truncated {
		return Packet{}
	}
	return Packet{Data: b, Time: d.at, ChecksumPartial: completePartial(b)}
}

func (l *rawLink) SetReadDeadline(t time.Time) error { return l.ready.setReadDeadline(t) }
func (l *rawLink) MTU() int                          { return l.route.MTU }
func (l *rawLink) Kind() Kind                        { return KindRaw }

// Close closes the epoll descriptor first, then the sockets behind it.
func (l *rawLink) Close() error {
	var errs []error
	for _, s := range [...]*socket{l.ready, l.tcp, l.icmp, l.witness.socket()} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(errs...)
}
