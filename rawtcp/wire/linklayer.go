package wire

import (
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// A LinkType says what stands before the network layer's packet in a captured
// frame (https://www.tcpdump.org/linktypes.html).
type LinkType uint16

const (
	LinkNull     LinkType = 0   // BSD loopback: an address family in the host's byte order
	LinkEthernet LinkType = 1   // with VLAN tags or without
	LinkRaw      LinkType = 101 // nothing
	LinkLoop     LinkType = 108 // OpenBSD loopback: the same in network byte order
	LinkCooked   LinkType = 113 // Linux, "any": SLL
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkCooked2  LinkType = 276 // SLL2
)

// linkRawOpenBSD and linkRawBSD are numbers that LINKTYPE_RAW has had in files.
const (
	linkRawBSD     LinkType = 12
	linkRawOpenBSD LinkType = 14
)

func (t LinkType) String() string {
	switch t {
	case LinkNull:
		return "BSD loopback"
	case LinkEthernet:
		return "Ethernet"
	case LinkRaw, linkRawBSD, linkRawOpenBSD, LinkIPv4, LinkIPv6:
		return "raw IP"
	case LinkLoop:
		return "OpenBSD loopback"
	case LinkCooked:
		return "Linux cooked v1"
	case LinkCooked2:
		return "Linux cooked v2"
	}
	return fmt.Sprintf("link type %d", uint16(t))
}

// layer is the name of the group that a link type's fields stand in.
func (t LinkType) layer() string {
	switch t {
	case LinkEthernet:
		return "Ethernet"
	case LinkCooked, LinkCooked2:
		return "LinuxCooked"
	}
	return "Loopback"
}

// Why a frame yields no IP packet.
var (
	ErrNotIP       = errors.New("the frame holds no IP packet")
	ErrUnknownLink = errors.New("this link type is not known here")
)

// A LinkHeader is what stands before the IP packet in a frame.
type LinkHeader struct {
	Type                LinkType
	Source, Destination []byte    // hardware addresses, where the header has them; they alias the frame
	VLANs               []uint16  // the identifiers of its tags, the outer one first
	EtherType           EtherType // the last one; 0 where there is none

	ip bool // whether the header allows an IP packet behind it
}

// Decode reads all headers of a frame that begins as its link type says, and
// leaves the cursor at the IP packet. It is ErrNotIP where there is none, and
// ErrUnknownLink where that cannot be told.
func (h *LinkHeader) Decode(c *field.Cursor, t LinkType) error {
	*h = LinkHeader{Type: t, ip: true}
	switch t {
	case LinkRaw, linkRawBSD, linkRawOpenBSD, LinkIPv4, LinkIPv6:
	case LinkEthernet:
		h.ethernet(c)
	case LinkNull, LinkLoop:
		h.loopback(c)
	case LinkCooked:
		h.cooked(c)
	case LinkCooked2:
		h.cooked2(c)
	default:
		return fmt.Errorf("%w: %v", ErrUnknownLink, t)
	}
	if err := c.Err(); err != nil {
		return err
	}
	if v := version(c.Ahead()); !h.ip || v != 4 && v != 6 {
		return ErrNotIP
	}
	return nil
}

// Trailer reads what a frame has behind its IP packet.
func (h *LinkHeader) Trailer(c *field.Cursor) {
	if c.More() {
		c.Enter(h.Type.layer())
		c.Rest("padding")
		c.Leave()
	}
}
