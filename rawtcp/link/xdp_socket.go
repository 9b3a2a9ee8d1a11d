// AF_XDP sockets, and the rings that the kernel shares with them
// (Documentation/networking/af_xdp.rst).

package link

import (
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A sharedRing is a ring of one producer and one consumer, of which we are one
// and the kernel is the other.
type sharedRing[T any] struct {
	producer, consumer *uint32
	entries            []T
	mem                []byte
}

// waiting is how many entries the producer has written and the consumer not yet taken.
func (r *sharedRing[T]) waiting() uint32 {
	return atomic.LoadUint32(r.producer) - atomic.LoadUint32(r.consumer)
}

func (r *sharedRing[T]) at(i uint32) *T { return &r.entries[i&uint32(len(r.entries)-1)] }

func (r *sharedRing[T]) unmap() {
	if r.mem != nil {
		unix.Munmap(r.mem)
		r.mem = nil
	}
}

// makeRing has the kernel make a ring of n entries, a power of two, and maps it.
func makeRing[T any](fd, option, n int, page int64, where func(*unix.XDPMmapOffsets) unix.XDPRingOffset) (r sharedRing[T], err error) {
	if err := sizeRing(fd, option, n); err != nil {
		return r, err
	}
	var all unix.XDPMmapOffsets
	size := uint32(unsafe.Sizeof(all))
	if err := xdpOption(unix.SYS_GETSOCKOPT, fd, unix.XDP_MMAP_OFFSETS, unsafe.Pointer(&all), uintptr(unsafe.Pointer(&size))); err != nil {
		return r, os.NewSyscallError("getsockopt XDP_MMAP_OFFSETS", err)
	}
	var entry T
	off := where(&all)
	r.mem, err = unix.Mmap(fd, page, int(off.Desc)+n*int(unsafe.Sizeof(entry)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return r, os.NewSyscallError("mmap", err)
	}
	r.producer = (*uint32)(unsafe.Pointer(&r.mem[off.Producer]))
	r.consumer = (*uint32)(unsafe.Pointer(&r.mem[off.Consumer]))
	r.entries = unsafe.Slice((*T)(unsafe.Pointer(&r.mem[off.Desc])), n)
	return r, nil
}

func sizeRing(fd, option, n int) error {
	return os.NewSyscallError("setsockopt of an AF_XDP ring", unix.SetsockoptInt(fd, unix.SOL_XDP, option, n))
}

// xdpOption reads or sets an option that is a structure.
func xdpOption(call uintptr, fd, option int, p unsafe.Pointer, size uintptr) error {
	if _, _, errno := unix.Syscall6(call, uintptr(fd), unix.SOL_XDP, uintptr(option), uintptr(p), size, 0); errno != 0 {
		return errno
	}
	return nil
}

// A queue stays busy for a moment after a socket on it was closed.
const (
	bindTries = 100
	bindPause = 20 * time.Millisecond
)

func bindXDP(fd int, a unix.SockaddrXDP) (err error) {
	for range bindTries {
		if err = unix.Bind(fd, &a); err != unix.EBUSY {
			break
		}
		time.Sleep(bindPause)
	}
	return err
}

// An xdpQueue is a queue of an interface, with what all sockets on it share. Its
// own socket receives nothing, and holds it.
type xdpQueue struct {
	fd   int
	fill sharedRing[uint64] // buffers for what arrives
	done sharedRing[uint64] // those that were sent
}

func (q *xdpQueue) close() {
	q.fill.unmap()
	q.done.unmap()
	unix.Close(q.fd)
}

// give hands buffers to the kernel.
func (q *xdpQueue) give(buffers []uint64) {
	at := atomic.LoadUint32(q.fill.producer)
	for i, b := range buffers {
		*q.fill.at(at + uint32(i)) = b
	}
	atomic.StoreUint32(q.fill.producer, at+uint32(len(buffers)))
}

// An xdpSocket is one ring link's socket on one queue.
type xdpSocket struct {
	fd int
	rx sharedRing[unix.XDPDesc]
	tx sharedRing[unix.XDPDesc] // of one of its sockets
}

// open binds the socket to a queue, to receive n frames at a time.
func (s *xdpSocket) open(q *xdpQueue, number, index, n int, sends bool) (err error) {
	if s.fd, err = newXDPSocket(); err != nil {
		return err
	}
	s.rx, err = makeRing[unix.XDPDesc](s.fd, unix.XDP_RX_RING, n, unix.XDP_PGOFF_RX_RING,
		func(o *unix.XDPMmapOffsets) unix.XDPRingOffset { return o.Rx })
	if err == nil && sends {
		s.tx, err = makeRing[unix.XDPDesc](s.fd, unix.XDP_TX_RING, xdpSendFrames, unix.XDP_PGOFF_TX_RING,
			func(o *unix.XDPMmapOffsets) unix.XDPRingOffset { return o.Tx })
		// Not all kernels have these, and all do without.
		unix.SetsockoptInt(s.fd, unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET, xdpSendFrames)
		enlargeSending(s.fd)
	}
	if err == nil {
		err = os.NewSyscallError("bind", bindXDP(s.fd, unix.SockaddrXDP{Flags: unix.XDP_SHARED_UMEM,
			Ifindex: uint32(index), QueueID: uint32(number), SharedUmemFD: uint32(q.fd)}))
	}
	return err
}

func (s *xdpSocket) close() {
	s.rx.unmap()
	s.tx.unmap()
	if s.fd > 0 {
		unix.Close(s.fd)
		s.fd = 0
	}
}

func newXDPSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	return fd, os.NewSyscallError("socket", err)
}
