// VXLAN, VXLAN-GPE, NSH and Geneve.

package wire

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// What may follow in VXLAN-GPE and NSH (RFC 8300, section 2.2).
const (
	nextIPv4     = 1
	nextIPv6     = 2
	nextEthernet = 3
	nextNSH      = 4
	nextMPLS     = 5
)

// vxlan reads the header between UDP and a frame (RFC 7348, section 5). Some
// make use of what is reserved there: a group policy.
func (h *LinkHeader) vxlan(c *field.Cursor, t *Tunnel) {
	c.Enter("VXLAN")
	c.Uint8("flags")
	valid := c.Bits("vni_valid", 3, 1) == 1
	c.Uint8("policy_flags")
	c.Uint16("group_policy_id")
	t.ID, t.HasID = c.Uint24("vni"), true
	c.Uint8("reserved")
	c.Leave()
	if c.Err() == nil && !valid {
		h.stop("a header without a network identifier", true)
		return
	}
	h.ethernet(c)
}

// vxlanGPE reads VXLAN's header where it says what follows.
func (h *LinkHeader) vxlanGPE(c *field.Cursor, t *Tunnel) {
	c.Enter("VXLAN")
	c.Uint8("flags")
	c.Uint16("reserved")
	next := c.Uint8("next_protocol")
	t.ID, t.HasID = c.Uint24("vni"), true
	c.Uint8("reserved")
	c.Leave()
	h.next(c, next)
}

// nsh reads a network service header (RFC 8300, section 2).
func (h *LinkHeader) nsh(c *field.Cursor) {
	const base = 8
	c.Enter("NSH")
	c.Uint16("version_ttl_length")
	n := int(c.Bits("length", 0, 6)) * 4
	c.Uint8("metadata_type")
	next := c.Uint8("next_protocol")
	c.Uint32("service_path")
	c.Bits("service_path_id", 8, 24)
	c.Bits("service_index", 0, 8)
	if c.Err() == nil && n < base {
		c.Failf("length %d, expected at least %d", n, base)
	}
	if n > base {
		c.Bytes("context", n-base)
	}
	c.Leave()
	h.next(c, next)
}

func (h *LinkHeader) next(c *field.Cursor, protocol uint8) {
	if c.Err() != nil || !h.begin() {
		return
	}
	switch protocol {
	case nextIPv4, nextIPv6:
	case nextEthernet:
		h.ethernet(c)
	case nextNSH:
		h.nsh(c)
	case nextMPLS:
		h.mpls(c)
	default:
		h.stop(fmt.Sprintf("protocol %d", protocol), true)
	}
}

// geneve reads a header with its options (RFC 8926, section 3.4).
func (h *LinkHeader) geneve(c *field.Cursor, t *Tunnel) {
	c.Enter("Geneve")
	c.Uint8("version_options_length")
	version, n := c.Bits("version", 6, 2), int(c.Bits("options_length", 0, 6))*4
	c.Uint8("flags")
	control := c.Bits("control", 7, 1) == 1
	c.Bits("critical_options", 6, 1)
	h.etherType(c, "protocol_type")
	t.ID, t.HasID = c.Uint24("vni"), true
	c.Uint8("reserved")
	c.EnterN("options", n)
	for c.More() {
		c.Item()
		c.Uint16("class")
		c.Uint8("type")
		c.Uint8("length")
		if n := int(c.Bits("words", 0, 5)) * 4; n > 0 {
			c.Bytes("data", n)
		}
		c.Leave()
	}
	c.Leave()
	c.Leave()
	switch {
	case c.Err() != nil:
	case version != 0:
		h.stop(fmt.Sprintf("version %d", version), true)
	case control:
		h.stop("control packets", false)
	default:
		h.behind(c)
	}
}
