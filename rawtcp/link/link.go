// The contract of every link: whole IP packets of one flow, in and out.

package link

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// A Link sends and receives whole IP packets. All methods may be called from
// several goroutines at once, but Receive from only one at a time.
type Link interface {
	// Send transmits one IP packet. The link keeps no reference to it.
	Send(packet []byte) error
	// Receive waits for the next packet that is ours and copies it into buf,
	// which must hold MaxPacket bytes. It returns os.ErrDeadlineExceeded after
	// the read deadline and net.ErrClosed after Close.
	Receive(buf []byte) (Packet, error)
	// SetReadDeadline makes Receive fail at t, also one that waits now. The
	// zero time means no deadline.
	SetReadDeadline(t time.Time) error
	// MTU returns the size of the largest IP packet that may be sent, in bytes.
	MTU() int
	// Kind returns the kind of link: "packet", "raw", "tun" or "pipe".
	Kind() Kind
	// Close releases the link and ends Receive.
	Close() error
}

// MaxPacket is the size of the largest packet that a link returns, in bytes.
// With offloads (GSO, GRO) segments are larger than any MTU, up to 64 KiB; IPv6
// counts its headers apart from that.
const MaxPacket = 1<<16 + maxHeaders

// A Packet describes one received packet.
type Packet struct {
	Data []byte    // the IP packet: a part of the buffer given to Receive
	Time time.Time // when it arrived

	// ChecksumPartial says that a local kernel left the transport checksum
	// unfinished: there is nothing to verify, and it was completed in Data.
	ChecksumPartial bool
	// KernelSent says that the local kernel *sent* this packet from our address and
	// port: a RST that a guard should have prevented. It is shown, not
	// processed.
	KernelSent bool
}

// A Flow is what a link's socket filter lets through: TCP from Remote to Local,
// ICMP errors from anybody that quote a segment from Local to Remote, later
// fragments of either, and the local kernel's own RSTs from Local to Remote.
//
// Local must have an address. A port of 0, and a zero Remote, stand for any; a
// link with a zero Remote needs a Route, such as route.Local. If that has no
// next hop, the packet link sends to each peer at the link-layer address that
// its packets came from.
type Flow struct {
	Local, Remote netip.AddrPort
	// Ports is how many ports of Local's address are ours, from Local's on; 0
	// means that one.
	Ports uint16
}

// check refuses an invalid flow, and returns a valid one with addresses in the
// form that packets have: IPv4 as such, IPv6 without a zone.
func (f Flow) check() (Flow, error) {
	f.Local, f.Remote = plain(f.Local), plain(f.Remote)
	local, remote := f.Local.Addr(), f.Remote.Addr()
	switch {
	case !local.IsValid():
		return f, errors.New("a link needs the local address of its flow")
	case f.Ports > 1 && (f.Local.Port() == 0 || int(f.Local.Port())+int(f.Ports)-1 > math.MaxUint16):
		return f, fmt.Errorf("a link for %d ports from %v on: there are none beyond 65535", f.Ports, f.Local)
	case remote.IsValid() && local.Is4() != remote.Is4():
		return f, fmt.Errorf("a link from %v to %v: the addresses are of two IP versions", local, remote)
	}
	return f, nil
}

func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// six reports whether the flow's packets are IPv6.
func (f Flow) six() bool { return f.Local.Addr().Is6() }

// etherType returns the EtherType of the flow's packets.
func (f Flow) etherType() uint16 { return etherType(f.Local.Addr()) }

// etherType returns the EtherType of packets for an address.
func etherType(a netip.Addr) uint16 {
	if a.Is6() {
		return unix.ETH_P_IPV6
	}
	return unix.ETH_P_IP
}
