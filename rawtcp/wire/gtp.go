// Tunnels of mobile networks (GTP-U), and L2TP.

package wire

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

const (
	gtpVersion = 1
	gtpUser    = 255 // a G-PDU: a user's packet
)

// gtp reads a header of mobile networks' user plane, with its extension headers
// (3GPP TS 29.281, section 5).
func (h *LinkHeader) gtp(c *field.Cursor, t *Tunnel) {
	c.Enter("GTPU")
	c.Uint8("flags")
	version := c.Bits("version", 5, 3)
	c.Bits("protocol_type", 4, 1)
	extended := c.Bits("extension_header", 2, 1) == 1
	optional := extended || c.Bits("sequence_number_flag", 1, 1) == 1
	optional = c.Bits("n_pdu_number_flag", 0, 1) == 1 || optional
	message := c.Uint8("message_type")
	n := int(c.Uint16("length"))
	t.ID, t.HasID, t.OneWay = c.Uint32("teid"), true, true
	h.bound(c, n)
	if optional {
		c.Uint16("sequence_number")
		c.Uint8("n_pdu_number")
		next := c.Uint8("next_extension_header_type")
		for extended && next != 0 && c.Err() == nil {
			next = gtpExtension(c)
		}
	}
	c.Leave()
	switch {
	case c.Err() != nil:
	case version != gtpVersion:
		h.stop(fmt.Sprintf("version %d", version), true)
	case message != gtpUser:
		h.stop("the tunnel's own messages", false)
	}
}

// gtpExtension reads one extension header, whose length counts words of four
// bytes, and returns the type of the next.
func gtpExtension(c *field.Cursor) (next uint8) {
	c.Enter("extension_header")
	n := int(c.Uint8("length")) * 4
	if n == 0 {
		c.Failf("length 0, an extension header has at least one word")
	}
	c.Bytes("content", n-2)
	next = c.Uint8("next_extension_header_type")
	c.Leave()
	return next
}

// l2tp reads a header of version 2 before a PPP frame (RFC 2661, section 3.1).
func (h *LinkHeader) l2tp(c *field.Cursor, t *Tunnel) {
	c.Enter("L2TP")
	c.Uint16("flags_version")
	control, length := c.Bits("type", 15, 1) == 1, c.Bits("length_present", 14, 1) == 1
	sequence, offset := c.Bits("sequence_present", 11, 1) == 1, c.Bits("offset_present", 9, 1) == 1
	version := c.Bits("version", 0, 4)
	if length {
		c.Uint16("length")
	}
	tunnel := uint32(c.Uint16("tunnel_id"))
	t.ID, t.HasID, t.OneWay = tunnel<<16|uint32(c.Uint16("session_id")), true, true
	if sequence {
		c.Uint16("ns")
		c.Uint16("nr")
	}
	if offset {
		if n := int(c.Uint16("offset_size")); n > 0 {
			c.Bytes("offset_pad", n)
		}
	}
	c.Leave()
	switch {
	case c.Err() != nil:
	case version != 2:
		h.stop(fmt.Sprintf("version %d", version), true)
	case control:
		h.stop("control messages", false)
	default:
		h.ppp(c)
	}
}
