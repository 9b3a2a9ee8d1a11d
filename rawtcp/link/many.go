// Many packets in one system call.

package link

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Batcher is a link that carries several packets in one system call. The
// packet link is one. [SendAll] and [ReceiveAll] work with any link.
type Batcher interface {
	Link
	// SendBatch transmits packets in their order, as Send does each. It
	// returns how many were sent before the one that the error is about.
	SendBatch(packets [][]byte) (n int, err error)
	// ReceiveBatch waits for one packet, as Receive does, and takes the others
	// that have arrived, as many as b has room for, in the order of their
	// arrival. Their Data aliases b, and is valid until its next use.
	ReceiveBatch(b *Arrivals) ([]Packet, error)
}

// SendAll transmits packets in their order, in one call if the link is a
// Batcher. It returns how many were sent before the one that the error is
// about.
func SendAll(l Link, packets [][]byte) (n int, err error) {
	if many, ok := l.(Batcher); ok && len(packets) > 1 {
		return many.SendBatch(packets)
	}
	for n, p := range packets {
		if err := l.Send(p); err != nil {
			return n, err
		}
	}
	return len(packets), nil
}

// ReceiveAll waits for one packet, and takes the others that have arrived if
// the link is a Batcher. See [Batcher.ReceiveBatch].
func ReceiveAll(l Link, b *Arrivals) ([]Packet, error) {
	if many, ok := l.(Batcher); ok {
		return many.ReceiveBatch(b)
	}
	p, err := l.Receive(b.room(0))
	if err != nil {
		return nil, err
	}
	b.packets = append(b.packets[:0], p)
	return b.packets, nil
}

// Arrivals are buffers for packets that arrive together. They are used again,
// by one goroutine at a time.
type Arrivals struct {
	store   []byte // size bytes for each packet
	size    int
	packets []Packet

	headers []mmsghdr // point into what follows
	iovecs  []unix.Iovec
	names   []unix.RawSockaddrLinklayer
	oobs    [][oobSize]byte
}

// mmsghdr is the kernel's struct mmsghdr: what recvmmsg and sendmmsg take.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// NewArrivals makes room for n packets of up to size bytes each. A longer
// packet is lost: a size of MaxPacket is enough for any. Memory that no packet
// has touched yet costs nothing.
func NewArrivals(n, size int) *Arrivals {
	b := &Arrivals{store: make([]byte, n*size), size: size, packets: make([]Packet, 0, n), headers: make([]mmsghdr, n),
		iovecs: make([]unix.Iovec, n), names: make([]unix.RawSockaddrLinklayer, n), oobs: make([][oobSize]byte, n)}
	for i := range b.headers {
		b.iovecs[i].Base = &b.store[i*size]
		b.iovecs[i].SetLen(size)
		h := &b.headers[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		h.Iov = &b.iovecs[i]
		h.SetIovlen(1)
		h.Control = &b.oobs[i][0]
	}
	return b
}

// room is where packet i goes.
func (b *Arrivals) room(i int) []byte { return b.store[i*b.size : (i+1)*b.size : (i+1)*b.size] }

// read takes what is there without waiting, and returns how many datagrams it
// was. The error is unix.EAGAIN when there is none.
func (b *Arrivals) read(fd int) (n int, err error) {
	for i := range b.headers { // the kernel writes how much it used
		h := &b.headers[i].hdr
		h.Namelen = uint32(unix.SizeofSockaddrLinklayer)
		h.SetControllen(oobSize)
	}
	err = ignoringEINTR(func() error {
		// Raw: it never waits, so Go's scheduler need not hear of it.
		r, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])),
			uintptr(len(b.headers)), unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			return errno
		}
		n = int(r)
		return nil
	})
	return n, err
}

// datagram tells of the one that read took at i. Now stands for the time of
// those whose arrival the kernel did not note.
func (b *Arrivals) datagram(i int, now time.Time) (d datagram) {
	h := &b.headers[i].hdr
	d.data, d.truncated = b.room(i)[:b.headers[i].len], h.Flags&unix.MSG_TRUNC != 0
	from := &b.names[i]
	d.outgoing, d.from = from.Pkttype == unix.PACKET_OUTGOING, hop{from.Addr, from.Halen}
	d.control(b.oobs[i][:h.Controllen])
	if d.at.IsZero() {
		d.at = now
	}
	return d
}

// An outbox is what sendmmsg needs, used again for each call.
type outbox struct {
	headers []mmsghdr
	iovecs  []unix.Iovec
}

// maxSent is how many packets go into one call: more than enough to make its
// cost small.
const maxSent = 256

// fill makes headers for as many packets as fit, all of them to one place.
func (o *outbox) fill(packets [][]byte, to *unix.RawSockaddrLinklayer) []mmsghdr {
	n := min(len(packets), maxSent)
	for len(o.headers) < n {
		o.headers, o.iovecs = append(o.headers, mmsghdr{}), append(o.iovecs, unix.Iovec{})
	}
	for i, p := range packets[:n] {
		o.iovecs[i].Base = unsafe.SliceData(p)
		o.iovecs[i].SetLen(len(p))
		h := &o.headers[i].hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(to)), uint32(unix.SizeofSockaddrLinklayer)
		h.Iov = &o.iovecs[i]
		h.SetIovlen(1)
	}
	return o.headers[:n]
}

// forget drops the references to the packets.
func (o *outbox) forget() {
	for i := range o.iovecs {
		o.iovecs[i].Base = nil
	}
}

// sendMany transmits datagrams, waiting while the socket's send buffer is full,
// and returns how many were sent before the one that failed. What a full queue
// further down refuses (ENOBUFS) counts as sent: it is a loss like any other in
// the network.
func (s *socket) sendMany(headers []mmsghdr) (n int, err error) {
	var failure error
	err = s.conn.Write(func(fd uintptr) bool {
		for n < len(headers) {
			r, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&headers[n])),
				uintptr(len(headers)-n), 0, 0, 0)
			switch errno {
			case 0:
				n += int(r)
			case unix.EINTR:
			case unix.ENOBUFS:
				n++
			case unix.EAGAIN:
				return false
			default:
				failure = errno
				return true
			}
		}
		return true
	})
	if err != nil {
		return n, s.explain(err)
	}
	return n, failure
}
