// GRE in its forms, and Cisco's header for mirrored frames.

package wire

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// gre reads a header of GRE (RFC 2784, RFC 2890), of its first form (RFC 1701),
// of PPTP's (RFC 2637, section 4.1) and of NVGRE (RFC 7637), and what stands
// between it and the packet.
func (h *LinkHeader) gre(c *field.Cursor, t *Tunnel) {
	c.Enter("GRE")
	c.Uint16("flags_version")
	checksum, routing := c.Bits("checksum_present", 15, 1) == 1, c.Bits("routing_present", 14, 1) == 1
	key, sequence := c.Bits("key_present", 13, 1) == 1, c.Bits("sequence_number_present", 12, 1) == 1
	acknowledged := c.Bits("acknowledgment_number_present", 7, 1) == 1
	version := c.Bits("version", 0, 3)
	h.etherType(c, "protocol_type")
	if checksum || routing {
		c.Uint16("checksum")
		c.Uint16("offset")
	}
	if key {
		h.greKey(c, t, version)
	}
	if sequence {
		c.Uint32("sequence_number")
	}
	if acknowledged && version == 1 {
		c.Uint32("acknowledgment_number")
	}
	c.Leave()
	switch {
	case c.Err() != nil:
	case version > 1:
		h.stop(fmt.Sprintf("version %d", version), true)
	case routing:
		h.stop("source routes", true)
	case h.EtherType == etherERSPAN:
		t.Kind = "ERSPAN"
		h.erspan(c, sequence)
	case h.EtherType == etherERSPAN3:
		t.Kind = "ERSPAN"
		h.erspan3(c)
	case h.EtherType < minEtherType:
		h.stop("keepalives", false)
	default:
		h.behind(c)
	}
}

// greKey reads the key, of which NVGRE makes a number of a network, and PPTP a
// length and a number of a call.
func (h *LinkHeader) greKey(c *field.Cursor, t *Tunnel, version uint64) {
	key := c.Uint32("key")
	switch {
	case version == 1:
		key &= 0xffff
		t.OneWay = true
	case h.EtherType == etherBridged:
		c.Bits("virtual_subnet_id", 8, 24)
		c.Bits("flow_id", 0, 8)
		key >>= 8
	}
	t.ID, t.HasID = key, true
}

// erspan reads Cisco's header before a mirrored frame: of type II; type I, whose
// GRE header has no sequence number, has none.
func (h *LinkHeader) erspan(c *field.Cursor, two bool) {
	if two {
		c.Enter("ERSPAN")
		c.Uint32("version_vlan_session")
		c.Bits("version", 28, 4)
		c.Bits("vlan", 16, 12)
		c.Bits("session_id", 0, 10)
		c.Uint32("index")
		c.Leave()
	}
	if c.Err() == nil && h.begin() {
		h.ethernet(c)
	}
}

func (h *LinkHeader) erspan3(c *field.Cursor) {
	c.Enter("ERSPAN")
	c.Uint32("version_vlan_session")
	c.Bits("version", 28, 4)
	c.Bits("vlan", 16, 12)
	c.Bits("session_id", 0, 10)
	c.Uint32("timestamp")
	c.Uint16("security_group")
	c.Uint16("flags")
	if c.Bits("platform_data_present", 0, 1) == 1 {
		c.Uint64("platform_data")
	}
	c.Leave()
	if c.Err() == nil && h.begin() {
		h.ethernet(c)
	}
}
