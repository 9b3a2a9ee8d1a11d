// PPP and PPPoE.

package wire

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// PPP protocol numbers (IANA, "PPP DLL Protocol Numbers").
const (
	pppIPv4  = 0x0021
	pppIPv6  = 0x0057
	pppMPLS  = 0x0281
	pppMPLS2 = 0x0283
)

// pppNames are protocols that are not read; those that carry packets in a form
// of their own are in pppOpaque.
var pppNames = map[uint16]string{
	0x8021: "IPCP", 0x8057: "IPv6CP", 0xc021: "LCP", 0xc023: "PAP", 0xc223: "CHAP", 0xc025: "LQR", 0x80fd: "CCP", 0x002b: "IPX",
}

var pppOpaque = map[uint16]string{
	0x002d: "TCP with compressed headers", 0x002f: "TCP with compressed headers", 0x003d: "multilink fragments",
	0x0053: "encrypted", 0x0055: "encrypted", 0x00fb: "compressed", 0x00fd: "compressed",
}

const (
	hdlcAllStations = 0xff // before PPP (RFC 1662, section 3.1)
	hdlcUnicast     = 0x0f // before Cisco's own
	hdlcMulticast   = 0x8f
)

// pppoe reads the header of a session's frame (RFC 2516, section 4). What comes
// after its length is the Ethernet frame's padding.
func (h *LinkHeader) pppoe(c *field.Cursor) {
	c.Enter("PPPoE")
	c.Uint8("version_type")
	c.Bits("version", 4, 4)
	c.Bits("type", 0, 4)
	code := c.Uint8("code")
	h.Session = c.Uint16("session_id")
	n := int(c.Uint16("length"))
	c.Leave()
	if c.Err() == nil && code != 0 {
		h.stop("PPPoE discovery", false)
		return
	}
	h.bound(c, n)
	h.ppp(c)
}

// ppp reads PPP's header: HDLC's address and control bytes, which may be left
// out, and the protocol, which may be shortened to one byte (RFC 1661, section
// 6.5).
func (h *LinkHeader) ppp(c *field.Cursor) {
	if b := c.Ahead(); len(b) > 0 && (b[0] == hdlcUnicast || b[0] == hdlcMulticast) {
		h.ciscoHDLC(c)
		return
	}
	c.Enter("PPP")
	if b := c.Ahead(); len(b) > 0 && b[0] == hdlcAllStations {
		c.Uint8("address")
		c.Uint8("control")
	}
	var protocol uint16
	if b := c.Ahead(); len(b) > 0 && b[0]&1 == 1 {
		protocol = uint16(c.Uint8("protocol"))
	} else {
		protocol = c.Uint16("protocol")
	}
	if c.Recording() {
		c.Means(pppName(protocol))
	}
	c.Leave()
	if c.Err() != nil {
		return
	}
	switch protocol {
	case pppIPv4, pppIPv6:
	case pppMPLS, pppMPLS2:
		h.mpls(c)
	default:
		h.stop("PPP: "+pppName(protocol), pppOpaque[protocol] != "")
	}
}

func pppName(protocol uint16) string {
	switch protocol {
	case pppIPv4:
		return "IPv4"
	case pppIPv6:
		return "IPv6"
	case pppMPLS, pppMPLS2:
		return "MPLS"
	}
	if name := pppNames[protocol] + pppOpaque[protocol]; name != "" {
		return name
	}
	return fmt.Sprintf("protocol %#04x", protocol)
}
