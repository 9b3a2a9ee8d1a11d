// What the links themselves need to know of a packet.

package link

import (
	"encoding/binary"
	"errors"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// The links look into a packet only where the kernel has, or will; the rest is
// left to the endpoint.

var nativeLittle = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// totalLength is how long a packet's header says that it is. The header must
// be there, see headerThere.
func totalLength(ip []byte) int {
	if ip[0]>>4 == 6 {
		return wire.IPv6HeaderLen + int(binary.BigEndian.Uint16(ip[wire.IPv6LengthOffset:]))
	}
	return int(binary.BigEndian.Uint16(ip[wire.IPv4LengthOffset:]))
}

// headerThere reports whether a packet is long enough for a fixed header.
func headerThere(ip []byte) bool {
	return len(ip) >= wire.IPv6HeaderLen || len(ip) >= wire.IPv4HeaderLen && ip[0]>>4 != 6
}

// holdsSegment decodes a packet, and reports whether it is whole and holds a
// segment. Its checksums may be wrong.
func holdsSegment(p *wire.Packet, ip []byte) bool {
	c := field.New(wire.Root(ip), ip)
	return p.DecodeFields(&c) == nil && p.Holds == wire.HoldsSegment && !c.More()
}

// completeChecksum finishes the checksum that a local kernel left to the
// network card.
func completeChecksum(ip []byte) {
	var p wire.Packet
	if holdsSegment(&p, ip) {
		p.CompleteChecksum()
	}
}

// completePartial finishes the checksum of a packet that carries a partial one,
// and reports whether it does. A raw socket has no other way to tell.
func completePartial(ip []byte) bool {
	var p wire.Packet
	if !holdsSegment(&p, ip) || !p.ChecksumPartial() {
		return false
	}
	p.CompleteChecksum()
	return true
}

// asSent says why the kernel would change this packet when it leaves a raw
// socket, or refuse it. What is shown as sent must be what was sent. In IPv4
// the kernel writes the total length, the header checksum and, if the packet
// may be fragmented, an ID of 0; in IPv6 nothing.
func asSent(ip []byte, six bool) error {
	switch {
	case six && (len(ip) < wire.IPv6HeaderLen || ip[0]>>4 != 6):
		return errors.New("not an IPv6 packet")
	case six && totalLength(ip) != len(ip):
		return errors.New("its payload length is not its length")
	case six:
		return nil
	case len(ip) < wire.IPv4HeaderLen || ip[0]>>4 != 4:
		return errors.New("not an IPv4 packet")
	}
	n := int(ip[0]&0xf) * 4
	switch {
	case n < wire.IPv4HeaderLen || n > len(ip):
		return errors.New("its header length is impossible")
	case totalLength(ip) != len(ip):
		return errors.New("its total length is not its length, and the kernel would correct it")
	case wire.Checksum(ip[:n]) != 0:
		return errors.New("its header checksum is wrong, and the kernel would correct it")
	case binary.BigEndian.Uint16(ip[wire.IPv4IDOffset:]) == 0 && binary.BigEndian.Uint16(ip[wire.IPv4FragmentOffset:])&wire.IPv4DontFragment == 0:
		return errors.New("its ID is 0 without the don't-fragment bit, and the kernel would choose another")
	}
	return nil
}
