package wire

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// An EtherType says what an Ethernet frame carries (RFC 9542, appendix B; IEEE
// 802).
type EtherType uint16

const (
	EtherIPv4     EtherType = 0x0800
	EtherIPv6     EtherType = 0x86dd
	etherARP      EtherType = 0x0806
	etherVLAN     EtherType = 0x8100 // 802.1Q
	etherProvider EtherType = 0x88a8 // 802.1ad
	etherQinQ     EtherType = 0x9100 // before the standard
	etherMPLS     EtherType = 0x8847 // RFC 5332
	etherMPLS2    EtherType = 0x8848
	etherPPPoE    EtherType = 0x8864 // RFC 2516, section 5: the session stage
)

func (t EtherType) String() string {
	switch t {
	case EtherIPv4:
		return "IPv4"
	case EtherIPv6:
		return "IPv6"
	case etherARP:
		return "ARP"
	case etherVLAN:
		return "802.1Q VLAN tag"
	case etherProvider:
		return "802.1ad service tag"
	case etherQinQ:
		return "VLAN tag, before the standard"
	case etherMPLS, etherMPLS2:
		return "MPLS"
	case etherPPPoE:
		return "PPPoE session"
	}
	return fmt.Sprintf("EtherType %#04x", uint16(t))
}

const (
	maxTags   = 4 // VLAN tags of a frame
	maxLabels = 8 // MPLS labels of a packet
)

// ethernet reads a frame's header (IEEE 802.3, section 3.1.1; RFC 894).
func (h *LinkHeader) ethernet(c *field.Cursor) {
	c.Enter("Ethernet")
	h.Destination = hardwareAddress(c, "destination_address", HardwareAddrLen)
	h.Source = hardwareAddress(c, "source_address", HardwareAddrLen)
	h.etherType(c, "ether_type")
	c.Leave()
	h.behind(c)
}

func hardwareAddress(c *field.Cursor, name string, n int) []byte {
	b := c.Bytes(name, n)
	if c.Recording() && len(b) == HardwareAddrLen {
		c.Means(fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]))
	}
	return b
}

func (h *LinkHeader) etherType(c *field.Cursor, name string) {
	h.EtherType = field.Enum16[EtherType](c, name)
}

// behind reads what may stand between an EtherType and the IP packet.
func (h *LinkHeader) behind(c *field.Cursor) {
	for h.tag() && len(h.VLANs) < maxTags && c.Err() == nil {
		h.vlan(c)
	}
	switch h.EtherType {
	case EtherIPv4, EtherIPv6:
	case etherMPLS, etherMPLS2:
		h.mpls(c)
	case etherPPPoE:
		h.pppoe(c)
	default:
		h.ip = false
	}
}

func (h *LinkHeader) tag() bool {
	return h.EtherType == etherVLAN || h.EtherType == etherProvider || h.EtherType == etherQinQ
}

// vlan reads a tag behind its EtherType (IEEE 802.1Q, section 9.6).
func (h *LinkHeader) vlan(c *field.Cursor) {
	c.Enter("VLAN")
	c.Uint16("tag_control")
	c.Bits("priority", 13, 3)
	c.Bits("drop_eligible", 12, 1)
	h.VLANs = append(h.VLANs, uint16(c.Bits("identifier", 0, 12)))
	h.etherType(c, "ether_type")
	c.Leave()
}

// mpls reads a stack of labels (RFC 3032, section 2.1). What lies below it is
// told by nothing but the packet itself.
func (h *LinkHeader) mpls(c *field.Cursor) {
	for range maxLabels {
		c.Enter("MPLS")
		c.Uint32("label_stack_entry")
		c.Bits("label", 12, 20)
		c.Bits("traffic_class", 9, 3)
		bottom := c.Bits("bottom_of_stack", 8, 1) == 1
		c.Bits("time_to_live", 0, 8)
		c.Leave()
		if bottom || c.Err() != nil {
			return
		}
	}
	h.ip = false
}

// PPP protocol numbers (IANA, "PPP DLL Protocol Numbers").
const (
	pppIPv4 = 0x0021
	pppIPv6 = 0x0057
)

// pppoe reads the header of a session's frame (RFC 2516, section 4) and the PPP
// protocol behind it, which may be shortened to one byte (RFC 1661, section 6.5).
func (h *LinkHeader) pppoe(c *field.Cursor) {
	c.Enter("PPPoE")
	c.Uint8("version_type")
	c.Bits("version", 4, 4)
	c.Bits("type", 0, 4)
	c.Uint8("code")
	c.Uint16("session_id")
	c.Uint16("length")
	c.Leave()
	c.Enter("PPP")
	var protocol uint16
	if b := c.Ahead(); len(b) > 0 && b[0]&1 == 1 {
		protocol = uint16(c.Uint8("protocol"))
	} else {
		protocol = c.Uint16("protocol")
	}
	switch protocol {
	case pppIPv4:
		c.Means("IPv4")
	case pppIPv6:
		c.Means("IPv6")
	default:
		h.ip = false
	}
	c.Leave()
}
