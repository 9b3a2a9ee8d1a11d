// The kinds of link that a capture may be of.

package wire

import "fmt"

// A LinkType says what comes before the network layer's packet in a captured
// frame (https://www.tcpdump.org/linktypes.html).
type LinkType uint16

// The link types of captures that are read.
const (
	LinkNull      LinkType = 0   // BSD loopback: an address family in the host's byte order
	LinkEthernet  LinkType = 1   // with VLAN tags or without
	LinkPPP       LinkType = 9   // with HDLC's address and control bytes or without
	LinkRaw       LinkType = 101 // nothing
	LinkCiscoHDLC LinkType = 104
	LinkWiFi      LinkType = 105 // IEEE 802.11
	LinkLoop      LinkType = 108 // OpenBSD loopback: the same in network byte order
	LinkCooked    LinkType = 113 // Linux, "any": SLL
	LinkRadiotap  LinkType = 127 // what the radio saw, then IEEE 802.11
	LinkIPv4      LinkType = 228
	LinkIPv6      LinkType = 229
	LinkNFLOG     LinkType = 239 // Linux's netfilter log
	LinkCooked2   LinkType = 276 // SLL2
)

// Link types that are met less often. linkRawOpenBSD and linkRawBSD are numbers
// that LINKTYPE_RAW has had in files.
const (
	linkRawBSD     LinkType = 12
	linkRawOpenBSD LinkType = 14
	linkPPPSerial  LinkType = 50 // PPP, or Cisco's HDLC
	linkPPPoE      LinkType = 51
	linkLLC        LinkType = 100 // LLC and SNAP alone (RFC 2684)
	linkFrameRelay LinkType = 107
	linkENC        LinkType = 109 // OpenBSD, before and after IPsec
	linkPFLOG      LinkType = 117 // OpenBSD, the packet filter's log
	linkPrism      LinkType = 119
	linkAVS        LinkType = 163
	linkPPI        LinkType = 192
	linkPKTAP      LinkType = 258 // macOS, interfaces of all kinds
)

var linkNames = map[LinkType]string{
	LinkNull: "BSD loopback", LinkEthernet: "Ethernet", LinkPPP: "PPP", linkPPPSerial: "PPP", linkPPPoE: "PPPoE",
	LinkRaw: "raw IP", linkRawBSD: "raw IP", linkRawOpenBSD: "raw IP", LinkIPv4: "raw IP", LinkIPv6: "raw IP",
	LinkCiscoHDLC: "Cisco HDLC", linkLLC: "LLC", LinkWiFi: "802.11", LinkRadiotap: "802.11 with radiotap",
	linkPrism: "802.11 with a Prism header", linkAVS: "802.11 with an AVS header",
	LinkLoop: "OpenBSD loopback", LinkCooked: "Linux cooked v1", LinkCooked2: "Linux cooked v2",
	LinkNFLOG: "netfilter log", linkFrameRelay: "Frame Relay", linkENC: "OpenBSD IPsec", linkPFLOG: "OpenBSD packet filter log",
	linkPPI: "PPI", linkPKTAP: "macOS packet tap",
}

// unreadLinkNames are the usual names of link types that are not read here.
var unreadLinkNames = map[LinkType]string{
	6: "Token Ring", 8: "SLIP", 10: "FDDI", 11: "ATM", 122: "IP over Fibre Channel", 138: "IP over IEEE 1394",
	147: "private use 0", 187: "Bluetooth H4", 189: "USB", 195: "IEEE 802.15.4", 201: "Bluetooth H4", 220: "USB",
	225: "IP over InfiniBand", 227: "CAN", 247: "InfiniBand", 249: "USBPcap", 252: "Wireshark's upper-layer export", 253: "netlink",
	251: "Bluetooth LE", 256: "Bluetooth LE", 271: "virtual machine sockets",
}

func known(t LinkType) bool { _, ok := linkNames[t]; return ok }

// String returns the name of the link type, or "link type 147" for one that is not read,
// with its name in parentheses where it has one.
func (t LinkType) String() string {
	if name, ok := linkNames[t]; ok {
		return name
	}
	if name, ok := unreadLinkNames[t]; ok {
		return fmt.Sprintf("link type %d (%s)", uint16(t), name)
	}
	return fmt.Sprintf("link type %d", uint16(t))
}

// layer returns the name of the group for a link type's fields.
func (t LinkType) layer() string {
	switch t {
	case LinkCooked, LinkCooked2:
		return "LinuxCooked"
	case LinkNull, LinkLoop, LinkRaw, linkRawBSD, linkRawOpenBSD, LinkIPv4, LinkIPv6:
		return "Loopback"
	}
	return "Ethernet"
}
