// The ring over AF_XDP.

package link

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// xdpRing receives and sends through AF_XDP sockets, before the kernel's stack
// and past it. What the program of its interface does not take, a packet ring
// beside it hears: fragments, answers that come in by other interfaces, the
// kernel's RSTs.
type xdpRing struct {
	dev    *xdpDevice
	slot   int
	socks  []xdpSocket // one for each queue
	out    *xdpSocket  // the one that sends
	beside *packetRing
	route  route.Route
	head   [etherHeader]byte // of what is sent, without its destination
	polls  []unix.PollFd     // of socks, then of beside
	free   []uint64          // buffers to send from
	taken  []uint64          // buffers that were received into
	clock  monotonicClock
	last   time.Time // when the last packet arrived
	crowd  crowd
	queued int // packets, not yet given to the kernel

	sent, unsent, received uint64
}

// etherHeader is the length of an Ethernet header, in bytes.
const etherHeader = 14

// besideRing is the size of the packet ring beside, which hears little.
const besideRing = 1 << 20

func openXDPRing(o RingOptions) (Ring, error) {
	f, err := o.flow().check()
	if err != nil {
		return nil, err
	}
	own, err := suitsXDP(o.Route, f.Local.Addr())
	if err != nil {
		return nil, err
	}
	packets := o
	packets.Ring = besideRing
	beside, err := openPacketRing(packets)
	if err != nil {
		return nil, err
	}
	r := &xdpRing{route: o.Route, beside: beside.(*packetRing), slot: -1, clock: newMonotonicClock()}
	copy(r.head[wire.HardwareAddrLen:], own.address)
	binary.BigEndian.PutUint16(r.head[etherHeader-2:], f.etherType())
	if err := joinXDP(r, f, or(o.Ring, DefaultRing)); err != nil {
		beside.Close()
		return nil, xdpError("open an AF_XDP ring on "+o.Route.Interface, err)
	}
	for i := range r.socks {
		r.polls = append(r.polls, unix.PollFd{Fd: int32(r.socks[i].fd), Events: unix.POLLIN})
	}
	r.polls = append(r.polls, unix.PollFd{Fd: int32(r.beside.fd), Events: unix.POLLIN})
	return r, nil
}

// suitsXDP refuses interfaces on which AF_XDP makes no sense.
func suitsXDP(r route.Route, local netip.Addr) (hardware, error) {
	if r.Loopback {
		return hardware{}, fmt.Errorf("%w to this machine itself through an AF_XDP link: the kernel carries those packets; use --link raw, or auto", route.ErrNoRoute)
	}
	own, err := hardwareOf(r)
	if err == nil && (!own.ether || len(own.address) != wire.HardwareAddrLen) {
		err = fmt.Errorf("%w: the interface %s (%s) is not Ethernet's; use --link packet", ErrNoXDP, r.Interface, own.kind)
	}
	return own, err
}

func (r *xdpRing) Receive(wait time.Duration, f func(Packet)) error {
	if !r.ready() {
		wait = r.crowd.gather(wait)
	}
	if !r.ready() {
		ts := unix.NsecToTimespec(max(wait, 0).Nanoseconds())
		if _, err := unix.Ppoll(r.polls, &ts, nil); err != nil && err != unix.EINTR {
			return receiveError(os.NewSyscallError("ppoll", err), r.route)
		}
	}
	before := r.received
	for n := range r.socks {
		r.take(n, f)
	}
	if n := r.received - before; n > 0 {
		r.crowd.note(int(n), time.Now())
	}
	events := &r.polls[len(r.socks)].Revents
	if *events == 0 && !r.beside.ready() {
		return nil
	}
	*events = 0
	return r.beside.Receive(0, func(p Packet) {
		if p.Time.Before(r.last) {
			p.Time = r.last
		}
		f(p)
	})
}

func (r *xdpRing) ready() bool {
	for i := range r.socks {
		if r.socks[i].rx.waiting() > 0 {
			return true
		}
	}
	return r.beside.ready()
}

// take reads what has arrived on a queue, and gives the buffers back.
func (r *xdpRing) take(queue int, f func(Packet)) {
	rx := &r.socks[queue].rx
	n := min(rx.waiting(), receivePackets)
	if n == 0 {
		return
	}
	now := time.Now()
	at := atomic.LoadUint32(rx.consumer)
	for i := range n {
		d := rx.at(at + i)
		r.arrive(r.clock.stamped(r.dev.umem, d.Addr, now), now)
		if p := r.packet(r.dev.umem[d.Addr:][:d.Len:d.Len]); p.Data != nil {
			f(p)
		}
		r.taken = append(r.taken, d.Addr&^uint64(r.dev.frame-1))
	}
	r.received += uint64(n)
	atomic.StoreUint32(rx.consumer, at+n)
	r.dev.fill(queue, r.taken)
	r.taken = r.taken[:0]
}

// arrive notes when a packet came: not before the one that was read before it, which may
// have come by another queue, and not after now.
func (r *xdpRing) arrive(at, now time.Time) {
	if at.After(now) {
		at = now
	}
	if at.After(r.last) {
		r.last = at
	}
}

// packet makes a Packet of a frame. Nothing tells that a local kernel has left a
// checksum unfinished, but that it is the pseudo-header's.
func (r *xdpRing) packet(frame []byte) Packet {
	if len(frame) < etherHeader {
		return Packet{}
	}
	b := trim(frame[etherHeader:])
	if b == nil {
		return Packet{}
	}
	return Packet{Data: b, Time: r.last, ChecksumPartial: mayBePartial(b) && completePartial(b)}
}

// mayBePartial reports whether a packet's TCP checksum is that of the
// pseudo-header. IPv6 with extension headers does not come here.
func mayBePartial(ip []byte) bool {
	var sum uint64
	var segment []byte
	if ip[0]>>4 == 6 {
		if ip[wire.IPv6NextOffset] != wire.ProtocolTCP {
			return false
		}
		segment = ip[wire.IPv6HeaderLen:]
		sum = wire.Sum(ip[wire.IPv6SrcOffset:wire.IPv6HeaderLen], 0)
	} else {
		n := int(ip[0]&0xf) * 4
		if ip[wire.IPv4ProtocolOffset] != wire.ProtocolTCP || n < wire.IPv4HeaderLen || n > len(ip) {
			return false
		}
		segment = ip[n:]
		sum = wire.Sum(ip[wire.IPv4SrcOffset:wire.IPv4HeaderLen], 0)
	}
	return len(segment) >= wire.TCPHeaderLen &&
		binary.BigEndian.Uint16(segment[wire.TCPChecksumOffset:]) == wire.Fold(sum+wire.ProtocolTCP+uint64(len(segment)))
}

func (r *xdpRing) Stats() RingStats {
	s := r.beside.Stats()
	s.Add(RingStats{Sent: r.sent, Unsent: r.unsent, Received: r.received})
	for i := range r.socks {
		var st unix.XDPStatistics
		size := uint32(unsafe.Sizeof(st))
		if xdpOption(unix.SYS_GETSOCKOPT, r.socks[i].fd, unix.XDP_STATISTICS, unsafe.Pointer(&st), uintptr(unsafe.Pointer(&size))) == nil {
			s.Dropped += st.Rx_dropped + st.Rx_ring_full
		}
	}
	return s
}

func (r *xdpRing) MTU() int      { return r.route.MTU }
func (r *xdpRing) Kind() Kind    { return KindXDP }
func (r *xdpRing) Witness() bool { return r.beside.Witness() }

func (r *xdpRing) Close() error {
	if r.dev == nil {
		return os.ErrClosed
	}
	leaveXDP(r)
	return r.beside.Close()
}
