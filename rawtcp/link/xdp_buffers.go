// The buffers that all rings of an interface share, and who has them.

package link

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// upToPower is the next power of two.
func upToPower(n int) int { return 1 << bits.Len(uint(n-1)) }

// open registers the buffers, and takes the queues: of those that there may be,
// as many as there are.
func (d *xdpDevice) open(frames, queues int) (err error) {
	d.umem, err = unix.Mmap(-1, 0, (frames+xdpSlots*xdpSendFrames)*d.frame, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	for n := range queues {
		err := d.openQueue(n, frames)
		if n > 0 && errors.Is(err, unix.EINVAL) {
			break // there is none of that number
		}
		if err != nil {
			return err
		}
	}
	d.code.queues = len(d.queues)
	d.each = max(frames/upToPower(len(d.queues)), 1)
	for n, q := range d.queues {
		buffers := make([]uint64, d.each)
		for i := range buffers {
			buffers[i] = uint64((n*d.each + i) * d.frame)
		}
		q.give(buffers)
	}
	for slot := range d.home {
		for i := range xdpSendFrames {
			d.home[slot] = append(d.home[slot], uint64(d.sendFrom()+(slot*xdpSendFrames+i)*d.frame))
		}
	}
	d.sockets, err = newXDPMap(xdpSlots * len(d.queues))
	if err == nil {
		d.code.sockets = d.sockets.FD()
	}
	return err
}

// openQueue binds a socket that holds a queue. The first registers the buffers.
func (d *xdpDevice) openQueue(n, frames int) error {
	fd, err := newXDPSocket()
	if err != nil {
		return err
	}
	q := &xdpQueue{fd: fd}
	a := unix.SockaddrXDP{Ifindex: uint32(d.key.index), QueueID: uint32(n), Flags: unix.XDP_COPY}
	if n == 0 {
		reg := unix.XDPUmemReg{Addr: uint64(uintptr(unsafe.Pointer(&d.umem[0]))), Len: uint64(len(d.umem)), Size: uint32(d.frame)}
		err = os.NewSyscallError("setsockopt XDP_UMEM_REG", xdpOption(unix.SYS_SETSOCKOPT, fd, unix.XDP_UMEM_REG, unsafe.Pointer(&reg), unsafe.Sizeof(reg)))
	} else {
		a.Flags, a.SharedUmemFD = unix.XDP_SHARED_UMEM, uint32(d.queues[0].fd)
	}
	if err == nil {
		err = q.makeRings(frames)
	}
	if err == nil {
		err = os.NewSyscallError("bind", bindXDP(fd, a))
	}
	if errors.Is(err, unix.EBUSY) {
		err = fmt.Errorf("%w: queue %d is in use by another program's AF_XDP socket, or one that has just ended: %w", ErrNoXDP, n, err)
	}
	if err != nil {
		q.close()
		return err
	}
	d.queues = append(d.queues, q)
	return nil
}

func (q *xdpQueue) makeRings(frames int) (err error) {
	q.fill, err = makeRing[uint64](q.fd, unix.XDP_UMEM_FILL_RING, frames, unix.XDP_UMEM_PGOFF_FILL_RING,
		func(o *unix.XDPMmapOffsets) unix.XDPRingOffset { return o.Fr })
	if err == nil {
		q.done, err = makeRing[uint64](q.fd, unix.XDP_UMEM_COMPLETION_RING, xdpSlots*xdpSendFrames, unix.XDP_UMEM_PGOFF_COMPLETION_RING,
			func(o *unix.XDPMmapOffsets) unix.XDPRingOffset { return o.Cr })
	}
	if err == nil {
		err = sizeRing(q.fd, unix.XDP_RX_RING, 1) // without one it cannot be bound
	}
	return err
}

// fill gives buffers of a queue back to the kernel.
func (d *xdpDevice) fill(queue int, buffers []uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queues[queue].give(buffers)
}

// reap takes the buffers that were sent from all queues, and gives a ring those
// of its slot. One that another ring left in a driver comes home late.
func (d *xdpDevice) reap(r *xdpRing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := uint64(d.sendFrom())
	for _, q := range d.queues {
		at, end := atomic.LoadUint32(q.done.consumer), atomic.LoadUint32(q.done.producer)
		for ; at != end; at++ {
			b := *q.done.at(at)
			slot := (b - first) / uint64(xdpSendFrames*d.frame)
			d.home[slot] = append(d.home[slot], b)
		}
		atomic.StoreUint32(q.done.consumer, end)
	}
	r.free = append(r.free, d.home[r.slot]...)
	d.home[r.slot] = d.home[r.slot][:0]
}

// sendFrom is where the buffers to send from begin.
func (d *xdpDevice) sendFrom() int { return len(d.umem) - xdpSlots*xdpSendFrames*d.frame }
