// What a captured packet holds that is no TCP segment, by name.

package wire

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// protocolNames are the names of protocols over IP (IANA, "Assigned Internet
// Protocol Numbers").
var protocolNames = map[uint8]string{
	ProtocolICMP: "ICMP", 2: "IGMP", protocolIPv4: "IPv4", ProtocolTCP: "TCP", 8: "EGP", 9: "IGP", protocolUDP: "UDP", 33: "DCCP",
	protocolIPv6: "IPv6", 46: "RSVP", protocolGRE: "GRE", protocolESP: "ESP", protocolAH: "AH", 55: "Mobile IP",
	ProtocolICMPv6: "ICMPv6", NextNone: "no next header", 88: "EIGRP", 89: "OSPF", 94: "IPIP", protocolEtherIP: "EtherIP", 103: "PIM",
	108: "IPComp", 112: "VRRP", 115: "L2TPv3", 124: "IS-IS", 132: "SCTP", 136: "UDP-Lite", protocolMPLS: "MPLS", protocolEthernet: "Ethernet",
}

// opaqueProtocols carry packets that are not decoded here.
var opaqueProtocols = map[uint8]bool{protocolESP: true, 55: true, 94: true, 108: true, 115: true}

const protocolESP = 50

// udpNames are common ports of UDP, without the tunnels that are decoded.
// opaquePorts carry packets that are not decoded here.
var udpNames = map[uint16]string{53: "DNS", 67: "DHCP", 68: "DHCP", 69: "TFTP", 123: "NTP", 137: "NetBIOS", 138: "NetBIOS", 161: "SNMP", 162: "SNMP",
	443: "QUIC", 500: "IKE", 514: "syslog", 546: "DHCPv6", 547: "DHCPv6", 1900: "SSDP", 3478: "STUN", 3784: "BFD", 5060: "SIP",
	5353: "mDNS", 5355: "LLMNR", 6343: "sFlow"}

var opaquePorts = map[uint16]string{1194: "OpenVPN", 4500: "IPsec in UDP", 5246: "CAPWAP control", 5247: "CAPWAP data", 51820: "WireGuard",
	6080: "GUE", 6511: "Ethernet in UDP", 7471: "STT", 8211: "Aruba's tunnel", 9899: "SCTP in UDP"}

// Contained names what a captured packet holds if that is not a TCP segment.
func Contained(packet []byte) Content {
	c := field.New(Root(packet), packet)
	var ip IP
	ip.decodeHeaders(&c, true)
	family := fmt.Sprintf("IPv%d", max(4, ip.Version))
	switch b := c.Ahead(); {
	case c.Err() != nil:
		return Content{family + " packets with headers that cannot be read", true}
	case ip.Protocol == ProtocolTCP && ip.Fragment.Partial():
		return Content{"fragments of TCP segments whose first one is missing", true}
	case ip.Fragment.Partial() && ip.Fragment.Offset > 0:
		return Content{"fragments of " + family + " packets", carries(ip.Protocol)}
	case ip.Protocol == ProtocolTCP && len(b) < TCPHeaderLen:
		return Content{"TCP segments cut off inside their header", true}
	case ip.Protocol == ProtocolTCP:
		return Content{"TCP segments that cannot be read", true}
	case ip.Protocol == protocolUDP && len(b) >= 4:
		return udpContent(uint16(b[0])<<8|uint16(b[1]), uint16(b[2])<<8|uint16(b[3]))
	default:
		return protocolContent(ip.Protocol)
	}
}

func protocolContent(protocol uint8) Content {
	if name, ok := protocolNames[protocol]; ok {
		return Content{fmt.Sprintf("%s (IP protocol %d)", name, protocol), opaqueProtocols[protocol]}
	}
	return Content{fmt.Sprintf("IP protocol %d", protocol), true}
}

// udpContent names a datagram by the port that says most: one with a name, and
// else the lower one.
func udpContent(a, b uint16) Content {
	for _, port := range []uint16{b, a} {
		if name, ok := opaquePorts[port]; ok {
			return Content{fmt.Sprintf("UDP port %d (%s)", port, name), true}
		}
		if name, ok := udpNames[port]; ok {
			return Content{fmt.Sprintf("UDP port %d (%s)", port, name), false}
		}
		if t, ok := tunnelUDP[port]; ok {
			return Content{fmt.Sprintf("UDP port %d, which is no %s", port, t.kind), true}
		}
	}
	return Content{fmt.Sprintf("UDP port %d", min(a, b)), false}
}
