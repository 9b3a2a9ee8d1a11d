package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A LinkType says what stands before the network layer's packet in a frame
// (https://www.tcpdump.org/linktypes.html).
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

// Why a frame yields no IP packet.
var (
	ErrNotIP       = errors.New("the frame holds no IP packet")
	ErrUnknownLink = errors.New("this link type is not known here")
	errShort       = errors.New("the frame is too short for its link-layer header")
)

// EtherTypes (IEEE 802).
const (
	etherIPv4     = 0x0800
	etherIPv6     = 0x86dd
	etherVLAN     = 0x8100 // 802.1Q
	etherProvider = 0x88a8 // 802.1ad
	etherQinQ     = 0x9100 // before the standard
	maxTags       = 4
)

// IP returns the IP packet that a frame holds, with what follows it. It is
// ErrNotIP where it holds another, ErrUnknownLink where that cannot be told.
func (p *Packet) IP() ([]byte, error) {
	b := p.Data
	switch p.Link {
	case LinkEthernet:
		return fromEthernet(b)
	case LinkRaw, linkRawBSD, linkRawOpenBSD, LinkIPv4, LinkIPv6:
		return anIP(b)
	case LinkNull, LinkLoop:
		// The families differ between systems; the packet itself tells.
		if len(b) < 4 {
			return nil, errShort
		}
		return anIP(b[4:])
	case LinkCooked:
		return afterType(b, 14, 16)
	case LinkCooked2:
		return afterType(b, 0, 20)
	}
	return nil, fmt.Errorf("%w: %v", ErrUnknownLink, p.Link)
}

// fromEthernet passes over the header and any VLAN tags.
func fromEthernet(b []byte) ([]byte, error) {
	const addresses = 12
	for tags := range maxTags + 1 {
		at := addresses + 4*tags
		if len(b) < at+2 {
			return nil, errShort
		}
		switch binary.BigEndian.Uint16(b[at:]) {
		case etherVLAN, etherProvider, etherQinQ:
			continue
		}
		return afterType(b, at, at+2)
	}
	return nil, ErrNotIP
}

// afterType returns what begins at from, if the EtherType at says IP.
func afterType(b []byte, at, from int) ([]byte, error) {
	if len(b) < from {
		return nil, errShort
	}
	switch binary.BigEndian.Uint16(b[at:]) {
	case etherIPv4, etherIPv6:
		return anIP(b[from:])
	}
	return nil, ErrNotIP
}

func anIP(b []byte) ([]byte, error) {
	if len(b) > 0 && (b[0]>>4 == 4 || b[0]>>4 == 6) {
		return b, nil
	}
	return nil, ErrNotIP
}
