// Sending through an AF_XDP ring.

package link

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

func (r *xdpRing) Queue(packet []byte, hop Hop) error {
	if len(packet) > r.route.MTU {
		return tooLarge(len(packet), r.route)
	}
	if len(packet)+etherHeader > r.dev.frame || hop.len != wire.HardwareAddrLen {
		return r.beside.Queue(packet, hop)
	}
	if r.queued == sendBatch {
		if err := r.kick(); err != nil {
			return err
		}
	}
	if len(r.free) == 0 {
		if err := r.awaitBuffers(); err != nil || len(r.free) == 0 {
			r.unsent++
			return err
		}
	}
	last := len(r.free) - 1
	at := r.free[last]
	r.free = r.free[:last]
	b := r.dev.umem[at:][:r.dev.frame]
	copy(b, r.head[:])
	copy(b, hop.addr[:wire.HardwareAddrLen])
	n := copy(b[etherHeader:], packet)
	*r.out.tx.at(atomic.LoadUint32(r.out.tx.producer) + uint32(r.queued)) = unix.XDPDesc{Addr: at, Len: uint32(etherHeader + n)}
	r.queued++
	return nil
}

// sendTries is how many milliseconds a full queue is waited for.
const sendTries = 100

// awaitBuffers waits until something has been sent.
func (r *xdpRing) awaitBuffers() error {
	r.dev.reap(r)
	for range sendTries {
		if len(r.free) > 0 {
			return nil
		}
		if err := r.kick(); err != nil {
			return err
		}
		if r.dev.reap(r); len(r.free) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

func (r *xdpRing) Flush() error {
	err := r.beside.Flush()
	if r.queued > 0 || r.out.tx.waiting() > 0 {
		err = errors.Join(r.kick(), err)
	}
	return err
}

// kick gives the kernel what is queued, and has it sent. What it has no room for
// stays in the ring, and goes with the next.
func (r *xdpRing) kick() error {
	tx := &r.out.tx
	atomic.StoreUint32(tx.producer, atomic.LoadUint32(tx.producer)+uint32(r.queued))
	r.sent += uint64(r.queued)
	r.queued = 0
	for tries := 0; tries < sendTries; {
		before := tx.waiting()
		if before == 0 {
			return nil
		}
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(r.out.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0, unix.EINTR:
		case unix.EBUSY: // one was dropped on its way out
			r.unsent++
			r.sent--
		case unix.EAGAIN, unix.ENOBUFS:
		default:
			return sendError(fmt.Errorf("sendto: %w", errno), r.route)
		}
		if tx.waiting() == before {
			r.dev.reap(r) // it makes room
			time.Sleep(time.Millisecond)
			tries++
		}
	}
	return nil
}
