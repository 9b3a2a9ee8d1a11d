// An interface with an XDP program of ours, and the buffers that its rings
// share.

package link

import (
	"fmt"
	"sync"

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
		return fmt.Errorf("%w: %w (%w)", ErrNoXDP, ErrNoProc, err)
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
