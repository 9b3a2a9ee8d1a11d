// LLC, SNAP, and the headers of serial lines.

package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// Service access points of LLC (IEEE 802.2), as far as they are in use.
const (
	sapIP   = 0x06
	sapSNAP = 0xaa
)

var sapNames = map[uint8]string{0x00: "LLC's own", 0x04: "SNA", 0x42: "spanning tree", 0x7f: "802.2", 0xe0: "IPX", 0xf0: "NetBIOS", 0xfe: "OSI network layer", 0xff: "IPX without LLC"}

const (
	llcUnnumbered = 0x03 // the control field of what carries a packet
	llcUMask      = 0x03
)

// SNAP organizations whose protocol numbers are EtherTypes: RFC 1042 and IEEE
// 802.1H.
const (
	ouiEthernet = 0x000000
	ouiBridge   = 0x0000f8
	oui8021     = 0x0080c2 // bridged frames (RFC 2684, section 5.2)
)

// llc reads an LLC header (IEEE 802.2), and SNAP's behind it (RFC 1042).
func (h *LinkHeader) llc(c *field.Cursor) {
	c.Enter("LLC")
	dsap := c.Uint8("dsap")
	c.Uint8("ssap")
	control := c.Uint8("control")
	if control&llcUMask != llcUnnumbered {
		c.Uint8("control_continued")
	}
	c.Leave()
	switch {
	case c.Err() != nil:
	case dsap == sapSNAP && control == llcUnnumbered:
		h.snap(c)
	case dsap == sapIP && control == llcUnnumbered:
	case sapNames[dsap] != "":
		h.stop(fmt.Sprintf("LLC (%s)", sapNames[dsap]), false)
	default:
		h.stop(fmt.Sprintf("LLC with service access point %#02x", dsap), false)
	}
}

func (h *LinkHeader) snap(c *field.Cursor) {
	c.Enter("SNAP")
	oui := c.Uint24("organization")
	if oui == ouiEthernet || oui == ouiBridge {
		h.etherType(c, "protocol")
		c.Leave()
		h.behind(c)
		return
	}
	protocol := c.Uint16("protocol")
	bridged := oui == oui8021 && (protocol == 1 || protocol == 7) // Ethernet, with its check sequence or without
	if bridged {
		c.Uint16("pad")
	}
	c.Leave()
	switch {
	case c.Err() != nil:
	case bridged:
		h.ethernet(c)
	default:
		h.stop(fmt.Sprintf("SNAP with organization %#06x, protocol %#04x", oui, protocol), false)
	}
}

// ciscoHDLC reads the header that Cisco's serial lines put before a packet.
func (h *LinkHeader) ciscoHDLC(c *field.Cursor) {
	c.Enter("CiscoHDLC")
	c.Uint8("address")
	c.Uint8("control")
	h.etherType(c, "protocol")
	c.Leave()
	if h.EtherType < minEtherType && c.Err() == nil {
		h.stop(fmt.Sprintf("Cisco HDLC with protocol %#04x", uint16(h.EtherType)), false)
		return
	}
	h.behind(c)
}

// Network layer protocol identifiers (RFC 2427, section 3).
const (
	nlpidIPv4 = 0xcc
	nlpidIPv6 = 0x8e
	nlpidSNAP = 0x80
)

// frameRelay reads a header with an address of two bytes (RFC 2427).
func (h *LinkHeader) frameRelay(c *field.Cursor) {
	c.Enter("FrameRelay")
	c.Uint16("address")
	c.Uint8("control")
	nlpid := c.Uint8("nlpid")
	if nlpid == 0 {
		nlpid = c.Uint8("nlpid") // behind a byte that aligns
	}
	c.Leave()
	switch {
	case c.Err() != nil || nlpid == nlpidIPv4 || nlpid == nlpidIPv6:
	case nlpid == nlpidSNAP:
		h.snap(c)
	default:
		h.stop(fmt.Sprintf("Frame Relay with protocol %#02x", nlpid), false)
	}
}

// told reads a header that a capturing machine wrote before another one, and
// that tells its own length.
func (h *LinkHeader) told(c *field.Cursor, t LinkType) {
	next := LinkRaw
	c.Enter("CaptureHeader")
	b := c.Ahead()
	n := 12 // OpenBSD's IPsec: a family, an association, flags
	switch {
	case len(b) < 12:
		n = len(b) + 1 // too short
	case t == linkPPI:
		n = int(binary.LittleEndian.Uint16(b[2:]))
		next = LinkType(binary.LittleEndian.Uint32(b[4:]))
	case t == linkPKTAP:
		n = int(min(binary.LittleEndian.Uint32(b), 1<<16))
		next = LinkType(binary.LittleEndian.Uint32(b[8:]))
	case t == linkPFLOG:
		n = (int(b[0]) + 3) &^ 3
	}
	if n < 8 {
		n = len(b) + 1
	}
	c.Bytes("header", n)
	if c.Recording() {
		c.Means("then " + next.String())
	}
	c.Leave()
	if c.Err() == nil {
		h.link(c, next)
	}
}
