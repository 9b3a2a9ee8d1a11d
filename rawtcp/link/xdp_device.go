// An interface with an XDP program of ours, and the buffers that its rings
// share.

package link

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	bpflink "github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
)

// An xdpDevice serves all rings of this process on an interface: the kernel
// takes one program for it, and one set of buffers for a queue. The program goes
// when the descriptor of its BPF link is closed.
type xdpDevice struct {
	key    xdpKey
	code   xdpCode
	frame  int    // bytes of a buffer
	umem   []byte // buffers: those to receive into, then xdpSendFrames a slot
	queues []*xdpQueue
	each   int // buffers to receive into, a queue

	sockets *ebpf.Map
	program *ebpf.Program
	attach  bpflink.Link

	rings [xdpSlots]*xdpRing

	mu   sync.Mutex         // for fill and done of each queue, and
	home [xdpSlots][]uint64 // buffers that are not on their way out, of each slot
}

const (
	// xdpName is the program's, by which others recognize it.
	xdpName = "rawshake_xdp"
	// xdpSlots is how many rings an interface may have.
	xdpSlots = 16
	// xdpSendFrames is how many packets of a ring may be on their way out.
	xdpSendFrames = 512
	// maxXDPQueues bounds the queues that have sockets. What arrives by others
	// passes, and the packet ring hears it.
	maxXDPQueues = 64
	// minXDPFrames is how many a queue has at least to receive into.
	minXDPFrames = 512
)

// An xdpKey names an interface among all namespaces.
type xdpKey struct {
	device, inode uint64 // of the network namespace
	index         int
}

var xdpDevices = struct {
	sync.Mutex
	open map[xdpKey]*xdpDevice
}{open: make(map[xdpKey]*xdpDevice)}

// joinXDP opens a ring's sockets on its interface, and has the program give them
// what is for the flow.
func joinXDP(r *xdpRing, f Flow, bytes int) error {
	var ns unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &ns); err != nil {
		return fmt.Errorf("%w: a BPF program is loaded by way of /proc, which is not mounted, or hidden from this process (%w)", ErrNoXDP, err)
	}
	xdpDevices.Lock()
	defer xdpDevices.Unlock()
	key := xdpKey{uint64(ns.Dev), ns.Ino, r.route.Index}
	d := xdpDevices.open[key]
	if d == nil {
		var err error
		if d, err = newXDPDevice(key, r.route, bytes); err != nil {
			return err
		}
		xdpDevices.open[key] = d
	}
	err := d.add(r, f)
	if err != nil {
		d.remove(r)
	}
	return err
}

// leaveXDP takes a ring away, and with the last the program.
func leaveXDP(r *xdpRing) {
	xdpDevices.Lock()
	defer xdpDevices.Unlock()
	if r.dev != nil {
		r.dev.remove(r)
	}
}

// newXDPDevice prepares an interface, which has no program yet.
func newXDPDevice(key xdpKey, r route.Route, bytes int) (*xdpDevice, error) {
	dev, err := netlink.LinkByIndex(r.Index)
	if err != nil {
		return nil, fmt.Errorf("%w: the interface %s is gone: %w", route.ErrNoRoute, r.Interface, err)
	}
	a := dev.Attrs()
	if err := othersXDP(a); err != nil {
		return nil, err
	}
	d := &xdpDevice{key: key, frame: 2048}
	copy(d.code.hardware[:], a.HardwareAddr)
	if a.MTU+etherHeader > d.frame-unix.XDP_PACKET_HEADROOM {
		d.frame = 4096
	}
	d.code.room = d.frame - unix.XDP_PACKET_HEADROOM
	queues := min(max(a.NumRxQueues, 1), maxXDPQueues)
	frames := upToPower(max(bytes/d.frame, queues*minXDPFrames))
	if err := d.open(frames, queues); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

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
	d.sockets, err = ebpf.NewMap(&ebpf.MapSpec{Name: xdpName, Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: uint32(xdpSlots * len(d.queues))})
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

// add gives a ring a slot, sockets and a rule.
func (d *xdpDevice) add(r *xdpRing, f Flow) error {
	r.dev, r.slot = d, -1
	for i, other := range d.rings {
		if other == nil {
			r.slot = i
			break
		}
	}
	if r.slot < 0 {
		return fmt.Errorf("%w: this process has %d rings on the interface already; scan with fewer loops", ErrNoXDP, xdpSlots)
	}
	d.rings[r.slot] = r
	r.free = make([]uint64, 0, xdpSendFrames)
	r.socks = make([]xdpSocket, len(d.queues))
	r.out = &r.socks[r.slot%len(d.queues)]
	for n, q := range d.queues {
		s := &r.socks[n]
		if err := s.open(q, n, d.key.index, d.each, s == r.out); err != nil {
			return err
		}
		if err := d.sockets.Put(uint32(r.slot*len(d.queues)+n), uint32(s.fd)); err != nil {
			return err
		}
	}
	return d.install(append(d.code.rules, xdpRule{f.Local.Addr(), f.ours(), r.slot}))
}

// remove takes back what add gave.
func (d *xdpDevice) remove(r *xdpRing) {
	var rules []xdpRule
	for _, rule := range d.code.rules {
		if rule.slot != r.slot {
			rules = append(rules, rule)
		}
	}
	last := true
	for _, other := range d.rings {
		last = last && (other == nil || other == r)
	}
	if !last && len(rules) < len(d.code.rules) {
		d.install(rules) // if it fails, packets for sockets that are gone pass
	}
	if r.slot >= 0 {
		d.rings[r.slot] = nil
		d.mu.Lock()
		d.home[r.slot] = append(d.home[r.slot], r.free...)
		d.mu.Unlock()
	}
	for i := range r.socks {
		r.socks[i].close()
	}
	r.dev = nil
	if last {
		d.close()
		delete(xdpDevices.open, d.key)
	}
}

// install puts a program with these rules in the place of the one before.
func (d *xdpDevice) install(rules []xdpRule) error {
	code := d.code
	code.rules = rules
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: xdpName, Type: ebpf.XDP, Instructions: code.instructions(), License: "Apache-2.0"})
	if err != nil {
		return err
	}
	if d.attach == nil {
		d.attach, err = attachXDP(p, d.key.index)
	} else {
		err = d.attach.Update(p)
	}
	if err != nil {
		p.Close()
		return err
	}
	if d.program != nil {
		d.program.Close()
	}
	d.code.rules, d.program = rules, p
	return nil
}

// attachXDP attaches a program in the driver's mode, or else before the kernel's
// stack, which all interfaces have (SKB mode).
func attachXDP(p *ebpf.Program, index int) (l bpflink.Link, err error) {
	for _, mode := range []bpflink.XDPAttachFlags{bpflink.XDPDriverMode, bpflink.XDPGenericMode} {
		l, err = bpflink.AttachXDP(bpflink.XDPOptions{Program: p, Interface: index, Flags: mode})
		if err == nil || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST) {
			return l, err
		}
	}
	return nil, err
}

// close releases everything. The queues go after the program.
func (d *xdpDevice) close() {
	if d.attach != nil {
		d.attach.Close()
	}
	if d.program != nil {
		d.program.Close()
	}
	if d.sockets != nil {
		d.sockets.Close()
	}
	for _, q := range d.queues {
		q.close()
	}
	if d.umem != nil {
		unix.Munmap(d.umem)
	}
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

// othersXDP names another program on the interface. It is left alone.
func othersXDP(a *netlink.LinkAttrs) error {
	if a.Xdp == nil || !a.Xdp.Attached {
		return nil
	}
	name := ""
	if p, err := ebpf.NewProgramFromID(ebpf.ProgramID(a.Xdp.ProgId)); err == nil {
		if info, err := p.Info(); err == nil && info.Name != "" {
			name = fmt.Sprintf(", %q", info.Name)
		}
		p.Close()
	}
	return fmt.Errorf("%w: another XDP program is attached to %s (id %d%s), and is left alone; use --link packet", ErrNoXDP, a.Name, a.Xdp.ProgId, name)
}
