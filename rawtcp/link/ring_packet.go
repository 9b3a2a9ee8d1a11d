// The ring over AF_PACKET.

package link

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/rawshake/rawshake/rawtcp/route"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// packetRing is a receive ring that the kernel shares with us (TPACKET_V3,
// Documentation/networking/packet_mmap.rst), and sendmmsg past the queueing
// discipline. Both sockets are of the datagram kind, so that interfaces without
// Ethernet work as well.
type packetRing struct {
	fd     int
	mem    []byte
	block  int // the next to be read
	blocks int
	queue  sendQueue
	route  route.Route
	answer *responder // for an address that the kernel does not have; or nil
	clock  stampClock
	// witness says that a RST that the ring sees leave is the kernel's.
	witness bool

	received, dropped uint64
}

// The kernel hands a block over when it is full, or this long after its first
// packet.
const (
	ringBlock  = 128 << 10 // more than the largest packet
	ringRetire = 2         // milliseconds

	// receivePackets bounds what one Receive takes, or little more, so that a
	// flood leaves its caller time for the rest.
	receivePackets = 2048
)

func openPacketRing(o RingOptions) (Ring, error) {
	f, err := o.flow().check()
	if err != nil {
		return nil, err
	}
	// Answers may come in by other interfaces, too. Where there are others, the
	// socket hears all of them, and the filter chooses.
	own := o.Route.Index
	beside := indices(o.Route.Beside())
	if len(beside) > 0 {
		beside, own = append(beside, own), 0
	}
	filter, err := packetFilter(f, beside...)
	if err != nil {
		return nil, err
	}
	what := "open a packet ring on " + o.Route.Interface
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, openError(what, os.NewSyscallError("socket", err))
	}
	r := &packetRing{fd: fd, route: o.Route, clock: stampClock{now: time.Now()}}
	if err := r.setUp(filter, f, own, max(or(o.Ring, DefaultRing)/ringBlock, 2)); err != nil {
		r.Close()
		return nil, openError(what, err)
	}
	if o.Route.Foreign {
		if r.answer, err = openResponder(o.Route, o.MayAnswer); err != nil {
			r.Close()
			return nil, err
		}
	}
	return r, nil
}

func or(v, otherwise int) int {
	if v <= 0 {
		return otherwise
	}
	return v
}

// setUp prepares a socket, which receives nothing (protocol 0) until it is
// bound.
func (r *packetRing) setUp(filter []bpf.RawInstruction, f Flow, index, blocks int) error {
	if err := attachFilter(r.fd, filter); err != nil {
		return os.NewSyscallError("attach socket filter", err)
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return os.NewSyscallError("setsockopt PACKET_VERSION", err)
	}
	req := unix.TpacketReq3{Block_size: ringBlock, Block_nr: uint32(blocks), Frame_size: ringBlock,
		Frame_nr: uint32(blocks), Retire_blk_tov: ringRetire}
	if err := unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return os.NewSyscallError("setsockopt PACKET_RX_RING", err)
	}
	mem, err := unix.Mmap(r.fd, 0, blocks*ringBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	r.mem, r.blocks = mem, blocks
	// If the kernel is too old for one of these, the link works all the same.
	// What bypasses the queueing discipline passes no tap, so that no outgoing
	// packet that the ring sees is ours.
	r.witness = unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1) == nil
	if !r.witness {
		unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	enlargeSending(r.fd)
	r.queue.init(r.route.Index, f.etherType())
	return os.NewSyscallError("bind", unix.Bind(r.fd, linkAddress(index, unix.ETH_P_ALL, nil)))
}

func (r *packetRing) Receive(wait time.Duration, f func(Packet)) error {
	if !r.ready() {
		if err := pollFor(r.fd, unix.POLLIN, wait); err != nil {
			return receiveError(err, r.route)
		}
	}
	for most := r.received + receivePackets; r.received < most; {
		if !r.ready() {
			break
		}
		r.clock.read(time.Now())
		r.takeBlock(f)
	}
	return nil
}

// status returns the word that says whether a block is ours or the kernel's.
func (r *packetRing) status() *uint32 {
	desc := (*unix.TpacketBlockDesc)(unsafe.Pointer(&r.mem[r.block*ringBlock]))
	return (*uint32)(unsafe.Pointer(&desc.Hdr))
}

func (r *packetRing) ready() bool { return atomic.LoadUint32(r.status())&unix.TP_STATUS_USER != 0 }

// takeBlock reads the packets of the block at hand, and gives it back.
func (r *packetRing) takeBlock(f func(Packet)) {
	b := r.mem[r.block*ringBlock:][:ringBlock]
	head := (*unix.TpacketHdrV1)(unsafe.Pointer(r.status()))
	at := head.Offset_to_first_pkt
	for range head.Num_pkts {
		h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&b[at]))
		p := ringPacket(b[at:], h, &r.clock)
		if !p.KernelSent {
			r.received++
		}
		if p.Data != nil && (!p.KernelSent || r.witness) {
			f(p)
		}
		at += h.Next_offset
	}
	atomic.StoreUint32(r.status(), unix.TP_STATUS_KERNEL)
	r.block = (r.block + 1) % r.blocks
}

// ringPacket makes a Packet of a frame in the ring. The kernel wrote the
// lengths, and the packet lies within its block.
func ringPacket(frame []byte, h *unix.Tpacket3Hdr, clock *stampClock) Packet {
	if h.Snaplen < h.Len {
		return Packet{}
	}
	d := datagram{
		data:    frame[h.Net:][:h.Snaplen:h.Snaplen],
		at:      clock.at(int64(h.Sec)*int64(time.Second) + int64(h.Nsec)),
		partial: h.Status&unix.TP_STATUS_CSUMNOTREADY != 0,
	}
	from := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&frame[sockaddrOffset]))
	d.outgoing = from.Pkttype == unix.PACKET_OUTGOING
	return d.packet()
}

// sockaddrOffset is the offset of a frame's link-layer address: behind the
// header, TPACKET_ALIGN(sizeof(struct tpacket3_hdr)).
const sockaddrOffset = (unsafe.Sizeof(unix.Tpacket3Hdr{}) + unix.TPACKET_ALIGNMENT - 1) &^ (unix.TPACKET_ALIGNMENT - 1)

func (r *packetRing) Queue(packet []byte, hop Hop) error {
	if len(packet) > r.route.MTU {
		return tooLarge(len(packet), r.route)
	}
	if r.queue.full(len(packet)) {
		if err := r.Flush(); err != nil {
			return err
		}
	}
	r.queue.add(packet, hop)
	return nil
}

func (r *packetRing) Flush() error { return sendError(r.queue.flush(r.fd), r.route) }

func (r *packetRing) Stats() RingStats {
	// Reading the kernel's counters sets them back to zero.
	if st, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.dropped += uint64(st.Drops)
	}
	return RingStats{Sent: r.queue.sent, Unsent: r.queue.unsent, Received: r.received, Dropped: r.dropped}
}

func (r *packetRing) MTU() int      { return r.route.MTU }
func (r *packetRing) Kind() Kind    { return KindPacket }
func (r *packetRing) Witness() bool { return r.witness }

func (r *packetRing) Close() error {
	if r.fd < 0 {
		return os.ErrClosed
	}
	r.answer.close()
	if r.mem != nil {
		unix.Munmap(r.mem)
		r.mem = nil
	}
	err := unix.Close(r.fd)
	r.fd = -1
	return err
}

// pollFor waits until a descriptor is ready, but no longer than wait.
func pollFor(fd int, events int16, wait time.Duration) error {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: events}}
	ts := unix.NsecToTimespec(max(wait, 0).Nanoseconds())
	_, err := unix.Ppoll(fds[:], &ts, nil)
	if err == unix.EINTR {
		return nil
	}
	if err == nil && fds[0].Revents&unix.POLLERR != 0 {
		if pending, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); pending != 0 {
			return unix.Errno(pending)
		}
	}
	return err
}

// A sendQueue gathers packets for one sendmmsg(2). Nothing in it moves, since
// the system call reads it by address.
type sendQueue struct {
	n, used int
	sent    uint64
	unsent  uint64
	msgs    [sendBatch]mmsghdr
	iovs    [sendBatch]unix.Iovec
	addrs   [sendBatch]unix.RawSockaddrLinklayer
	data    [sendBatch * sendRoom]byte
}

// sendRoom is what a packet takes on average; data has room for any.
const sendRoom = 1024

func (q *sendQueue) init(index int, protocol uint16) {
	for i := range q.msgs {
		q.addrs[i] = unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Protocol: htons(protocol), Ifindex: int32(index)}
		q.msgs[i].hdr.Name = (*byte)(unsafe.Pointer(&q.addrs[i]))
		q.msgs[i].hdr.Namelen = uint32(unsafe.Sizeof(q.addrs[i]))
		q.msgs[i].hdr.Iov = &q.iovs[i]
		q.msgs[i].hdr.SetIovlen(1)
	}
}

func (q *sendQueue) full(n int) bool { return q.n == sendBatch || q.used+n > len(q.data) }

func (q *sendQueue) add(packet []byte, to Hop) {
	at := q.data[q.used:][:copy(q.data[q.used:], packet)]
	q.used += len(at)
	q.iovs[q.n].Base = &at[0]
	q.iovs[q.n].SetLen(len(at))
	q.addrs[q.n].Addr, q.addrs[q.n].Halen = to.addr, to.len
	q.n++
}

// flush sends what is queued. A packet for which there is no room is skipped;
// it waits for a full send buffer.
func (q *sendQueue) flush(fd int) error {
	defer func() { q.n, q.used = 0, 0 }()
	for done := 0; done < q.n; {
		// The call does not block, so Go's scheduler need not know of it: it
		// would treat a long batch as a blocked thread.
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&q.msgs[done])),
			uintptr(q.n-done), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			done += int(n)
			q.sent += uint64(n)
		case unix.EINTR:
		case unix.ENOBUFS:
			done++
			q.unsent++
		case unix.EAGAIN:
			if err := pollFor(fd, unix.POLLOUT, time.Millisecond); err != nil {
				return err
			}
		default:
			return fmt.Errorf("sendmmsg: %w", errno)
		}
	}
	runtime.KeepAlive(q)
	return nil
}

func indices(list []net.Interface) (n []int) {
	for _, i := range list {
		n = append(n, i.Index)
	}
	return n
}
