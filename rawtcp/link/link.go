package link

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A Link sends and receives whole IP packets. All methods may be called from
// several goroutines; Receive from one at a time.
type Link interface {
	// Send transmits one IP packet. The link keeps no reference to it.
	Send(packet []byte) error
	// Receive waits for the next packet that is ours and copies it into buf,
	// which must hold MaxPacket bytes. It returns os.ErrDeadlineExceeded after
	// the read deadline and net.ErrClosed after Close.
	Receive(buf []byte) (Packet, error)
	// SetReadDeadline ends a Receive, also one that is waiting now, at t. The
	// zero time means never.
	SetReadDeadline(t time.Time) error
	// MTU is the largest IP packet that may be sent, in bytes.
	MTU() int
	// Kind names the link for people: "packet", "raw", "pipe".
	Kind() string
	// Close releases the link and ends Receive.
	Close() error
}

// MaxPacket is the largest packet that a link hands over, in bytes. Offloads
// (GSO, GRO) hand over segments larger than any MTU, up to 64 KiB.
const MaxPacket = 1 << 16

// A Packet describes one received packet.
type Packet struct {
	Data []byte    // the IP packet: a part of the buffer given to Receive
	Time time.Time // when it arrived

	// ChecksumPartial says that a local kernel left the transport checksum
	// unfinished: there is nothing to verify, and it was completed in Data.
	ChecksumPartial bool
	// Ghost says that the local kernel *sent* this packet from our address and
	// port: a RST that a guard should have prevented. It is shown, not
	// processed.
	Ghost bool
}

// A Flow is what a link's socket filter lets through: TCP from Remote to Local,
// ICMP errors from anybody that quote a segment from Local to Remote, later
// fragments of either, and the local kernel's own RSTs from Local to Remote.
//
// Local must have an address. A port of 0, and a zero Remote, stand for any; a
// link with a zero Remote needs a Route, such as LocalRoute. Without a next hop
// in it, the packet link answers each peer at the link-layer address that its
// packets came from.
type Flow struct{ Local, Remote netip.AddrPort }

func (f Flow) check() error {
	for _, a := range [...]netip.Addr{f.Local.Addr(), f.Remote.Addr()} {
		if a.IsValid() && !a.Unmap().Is4() {
			return fmt.Errorf("a link for %v: IPv6 is not supported yet, use an IPv4 address", a)
		}
	}
	if !f.Local.Addr().IsValid() {
		return errors.New("a link needs the local address of its flow")
	}
	return nil
}
