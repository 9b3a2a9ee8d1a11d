// A link for event loops: many packets at a time, by one goroutine.

package link

import (
	"context"
	"net/netip"
	"os"
	"time"

	"github.com/rawshake/rawshake/rawtcp/route"
	"golang.org/x/sys/unix"
)

// A Ring is a link for an event loop: many packets are taken and sent at a
// time, by one goroutine.
type Ring interface {
	// Receive calls f for the packets that have arrived, and for the RSTs that
	// the local kernel sent in our name ([Packet.KernelSent], if Witness is
	// true). It waits for the first of them no longer than wait. A packet's
	// Data is valid only until f returns. Its Time is the kernel's stamp, on
	// the monotonic clock: times from one Ring are in order, and not in the
	// future, whatever the wall clock does.
	Receive(wait time.Duration, f func(Packet)) error
	// Queue copies one packet to be sent. A full queue is sent. It fails with
	// ErrFiltered if this machine does not let the packet out.
	Queue(packet []byte, hop Hop) error
	// Flush sends what is queued. What the system has no room for (ENOBUFS) is
	// lost, and counted.
	Flush() error
	// Stats returns the counters since the ring was opened.
	Stats() RingStats
	// Witness reports whether the local kernel's RSTs are seen. If they are
	// not, a peer's RST may be the answer to one of them.
	Witness() bool
	// MTU returns the size of the largest IP packet that may be sent, in bytes.
	MTU() int
	// Kind returns the kind of link: "packet", "raw" or "xdp".
	Kind() Kind
	Close() error
}

// RingStats are a ring link's counters.
type RingStats struct {
	Sent, Unsent      uint64 // packets given to the interface; and those that it had no room for
	Received, Dropped uint64 // packets that arrived; and those for which the ring had no room
	Filtered          uint64 // packets that this machine did not let out
}

// Add adds another ring's counters.
func (s *RingStats) Add(t RingStats) {
	s.Sent, s.Unsent = s.Sent+t.Sent, s.Unsent+t.Unsent
	s.Received, s.Dropped = s.Received+t.Received, s.Dropped+t.Dropped
	s.Filtered += t.Filtered
}

// A Hop is the link-layer address to which a packet goes. The zero Hop is for
// interfaces that have none, and for links that find it themselves.
type Hop struct{ hop }

// IsZero reports whether there is no address.
func (h Hop) IsZero() bool { return h.len == 0 }

// HopTo returns the Hop to a link-layer address; for an empty one the zero Hop.
func HopTo(hw []byte) (h Hop) {
	h.len = uint8(copy(h.addr[:], hw))
	return h
}

// RingOptions say which packets are ours, and by which interface they leave.
type RingOptions struct {
	Kind  Kind        // KindPacket, KindRaw or KindXDP
	Route route.Route // the interface, from route.Find; its NextHop is not used
	Local netip.Addr  // our address
	// Port and Ports are the first of our ports and how many they are.
	Port, Ports uint16
	Ring        int // bytes of the receive ring; 0: DefaultRing
	// MayAnswer is called, from another goroutine, before each answer by ARP or
	// neighbour discovery for a Local that the kernel does not have; nil
	// permits all. Answers to each host, and in total, are bounded in any case.
	MayAnswer func() bool
}

// DefaultRing is the receive ring's size in bytes: some 50,000 small packets.
const DefaultRing = 16 << 20

func (o *RingOptions) flow() Flow {
	return Flow{Local: netip.AddrPortFrom(o.Local, o.Port), Ports: o.Ports}
}

// OpenRing opens a ring. It fails with ErrPermission, ErrNoRoute or ErrNoXDP.
func OpenRing(o RingOptions) (Ring, error) {
	switch o.Kind {
	case KindRaw:
		return openRawRing(o)
	case KindXDP:
		return openXDPRing(o)
	}
	return openPacketRing(o)
}

// sendBatch is how many packets one system call sends.
const sendBatch = 128

// AskHop asks on the link for the address of a route's next hop, whatever the
// kernel remembers. It fails with ErrNoNeighbour.
func AskHop(ctx context.Context, r route.Route) (Hop, error) {
	asker, err := OpenAsker(r)
	if err != nil {
		return Hop{}, err
	}
	defer asker.Close()
	hw, err := asker.find(ctx, r.NextHop)
	return HopTo(hw), err
}

// Allowed says whether this process may open a link's sockets, before there is
// a flow to open one for: nil, or an error that wraps ErrPermission.
func Allowed() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return openError("open a packet socket", os.NewSyscallError("socket", err))
	}
	return unix.Close(fd)
}

// FixedHop returns where everything on the route's interface goes if there is
// nobody to ask: on links without addresses, and on those that do not resolve
// them. It fails with ErrNoNeighbour if addresses are not Ethernet's.
func FixedHop(r route.Route) (hop Hop, fixed bool, err error) {
	hw, fixed, err := fixedHop(r)
	return HopTo(hw), fixed, err
}
