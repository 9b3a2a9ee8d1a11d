// The local kernel's own RSTs, seen beside raw sockets.

package link

import (
	"sync"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A witness watches the RSTs that leave this machine for a flow, which raw
// sockets cannot see. Our own RSTs pass it too: note tells it about them.
type witness struct {
	sock *socket

	mu   sync.Mutex
	ours [16]resetKey // a ring of the latest that were sent and not yet seen
	next int
}

// resetKey identifies a RST. The ID is IPv4's; IPv6 has none.
type resetKey struct {
	set      bool
	id       uint16
	seq, ack wire.Seq
	flags    wire.Flags
	window   uint16
}

func openWitness(f Flow, r route.Route) (*witness, error) {
	filter, err := witnessFilter(f)
	if err != nil {
		return nil, err
	}
	s, err := openPacketSocket("witness:", "open a packet socket on "+r.Interface+" to watch for the kernel's RSTs", r, filter)
	if err != nil {
		return nil, err
	}
	return &witness{sock: s}, nil
}

func (w *witness) socket() *socket {
	if w == nil {
		return nil
	}
	return w.sock
}

// note remembers a RST that is about to be sent.
func (w *witness) note(packet []byte) {
	k := keyOf(packet)
	if !k.set {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ours[w.next] = k
	w.next = (w.next + 1) % len(w.ours)
}

// packet marks a RST that the tap saw as the kernel's, unless it is one of
// ours. Each of ours is removed once: if the kernel sends the same, the second
// is the kernel's.
func (w *witness) packet(d *datagram) Packet {
	p := d.packet()
	k := keyOf(p.Data)
	if !k.set {
		return Packet{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.ours {
		if w.ours[i] == k {
			w.ours[i] = resetKey{}
			return Packet{}
		}
	}
	return p
}

// resets reports whether a packet is a RST.
func resets(ip []byte) bool { return keyOf(ip).set }

func keyOf(ip []byte) resetKey {
	var p wire.Packet
	if !holdsSegment(&p, ip) || !p.Segment.Flags.Has(wire.RST) {
		return resetKey{}
	}
	s := &p.Segment
	return resetKey{set: true, id: uint16(p.IP.Fragment.ID), seq: s.Seq, ack: s.Ack, flags: s.Flags, window: s.Window}
}
