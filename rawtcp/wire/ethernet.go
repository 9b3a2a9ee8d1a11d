// Ethernet frames, and what may come before their IP packet.

package wire

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// An EtherType says what an Ethernet frame carries (RFC 9542, appendix B; IEEE
// 802). Numbers below minEtherType are lengths.
type EtherType uint16

// The EtherTypes of what is read (IANA, "IEEE 802 Numbers").
const (
	EtherIPv4     EtherType = 0x0800
	EtherIPv6     EtherType = 0x86dd
	etherARP      EtherType = 0x0806
	etherBridged  EtherType = 0x6558 // a whole Ethernet frame (RFC 1701)
	etherVLAN     EtherType = 0x8100 // 802.1Q
	etherProvider EtherType = 0x88a8 // 802.1ad
	etherQinQ     EtherType = 0x9100 // before the standard
	etherPPP      EtherType = 0x880b
	etherMPLS     EtherType = 0x8847 // RFC 5332
	etherMPLS2    EtherType = 0x8848
	etherPPPoE    EtherType = 0x8864 // RFC 2516, section 5: the session stage
	etherERSPAN   EtherType = 0x88be // types I and II
	etherERSPAN3  EtherType = 0x22eb
	etherNSH      EtherType = 0x894f // RFC 8300
	etherJumbo    EtherType = 0x8870 // LLC in a frame too long for a length

	minEtherType = 0x0600
)

var etherNames = map[EtherType]string{
	EtherIPv4: "IPv4", EtherIPv6: "IPv6", etherARP: "ARP", etherVLAN: "802.1Q VLAN tag", etherProvider: "802.1ad service tag",
	etherQinQ: "VLAN tag, before the standard", etherMPLS: "MPLS", etherMPLS2: "MPLS", etherPPPoE: "PPPoE session",
	etherBridged: "Ethernet", etherPPP: "PPP", etherERSPAN: "ERSPAN", etherERSPAN3: "ERSPAN type III", etherNSH: "NSH", etherJumbo: "LLC",
	0x0842: "wake-on-LAN", 0x22f3: "TRILL", 0x2000: "Cisco discovery protocol", 0x8035: "reverse ARP", 0x809b: "AppleTalk", 0x8137: "IPX",
	0x8808: "Ethernet flow control", 0x8809: "slow protocols (LACP)", 0x8863: "PPPoE discovery", 0x888e: "EAPOL",
	0x8892: "PROFINET", 0x88a4: "EtherCAT", 0x88cc: "LLDP", 0x88e5: "MACsec", 0x88e7: "802.1ah provider backbone",
	0x88f7: "PTP", 0x8902: "802.1ag", 0x8906: "FCoE", 0x8914: "FCoE initialization", 0x8915: "RoCE", 0x892f: "HSR", 0x893f: "802.1BR",
	0x8926: "VN-Tag", 0x9000: "Ethernet loopback test", 0x9003: "MPLS in Cisco's own form",
}

// opaqueTypes may hold IP packets that are not decoded here.
var opaqueTypes = map[EtherType]bool{0x22f3: true, 0x88e5: true, 0x88e7: true, 0x892f: true, 0x893f: true, 0x8926: true}

// String returns the name of what the frame holds, or "EtherType 0x88b5" for a type
// without one. Numbers below 1536 are lengths: "a length of 60".
func (t EtherType) String() string {
	if name, ok := etherNames[t]; ok {
		return name
	}
	if t < minEtherType {
		return fmt.Sprintf("a length of %d", uint16(t))
	}
	return fmt.Sprintf("EtherType %#04x", uint16(t))
}

// content names the EtherType of what is not read.
func (t EtherType) content() Content {
	name, ok := etherNames[t]
	if ok {
		name = fmt.Sprintf("%s (EtherType %#04x)", name, uint16(t))
	} else {
		name = t.String()
	}
	return Content{name, opaqueTypes[t]}
}

// maxTags bounds the VLAN tags of a frame.
const maxTags = 4

// ethernet reads a frame's header (IEEE 802.3, section 3.1.1; RFC 894). In
// place of an EtherType there may be the length of an LLC frame.
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

// behind reads what may come between an EtherType and the IP packet.
func (h *LinkHeader) behind(c *field.Cursor) {
	for n := 0; h.tag() && c.Err() == nil; n++ {
		if n == maxTags {
			h.stop(fmt.Sprintf("more than %d VLAN tags", maxTags), true)
			return
		}
		h.vlan(c)
	}
	if c.Err() != nil || !h.begin() {
		return
	}
	switch h.EtherType {
	case EtherIPv4, EtherIPv6:
	case etherMPLS, etherMPLS2:
		h.mpls(c)
	case etherPPPoE:
		h.pppoe(c)
	case etherBridged:
		h.ethernet(c)
	case etherPPP:
		h.ppp(c)
	case etherJumbo:
		h.llc(c)
	case etherNSH:
		h.nsh(c)
	default:
		if h.EtherType < minEtherType {
			h.bound(c, int(h.EtherType))
			h.llc(c)
			return
		}
		h.what = h.EtherType.content()
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
