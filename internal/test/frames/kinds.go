// Every kind of link and tunnel that is read.

package frames

import "github.com/rawshake/rawshake/rawtcp/wire"

// Kinds are the links and tunnels that are read, for a packet of IPv4 or IPv6.
func Kinds() []Kind {
	kinds := append(links(), ethernets()...)
	kinds = append(kinds, air()...)
	return append(kinds, tunnels()...)
}

func links() []Kind {
	return []Kind{
		fixed("raw", wire.LinkRaw, ""),
		fixed("raw, as BSD had it", 12, ""),
		fixed("null", wire.LinkNull, "\x02\x00\x00\x00"),
		fixed("loop", wire.LinkLoop, "\x00\x00\x00\x02"),
		plain("cooked", wire.LinkCooked, func(p []byte, back bool) string {
			return either(back, "\x00\x04", "\x00\x00") + "\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00" + etherType(p)
		}),
		plain("cooked v2", wire.LinkCooked2, func(p []byte, back bool) string {
			return etherType(p) + "\x00\x00\x00\x00\x00\x02\x00\x01" + either(back, "\x04", "\x00") + "\x06\x02\x00\x00\x00\x00\x01\x00\x00"
		}),
		plain("PPP", wire.LinkPPP, func(p []byte, _ bool) string { return "\xff\x03" + pppProtocol(p) }),
		plain("PPP on a serial line", 50, func(p []byte, _ bool) string { return "\xff\x03" + pppProtocol(p) }),
		plain("Cisco HDLC", wire.LinkCiscoHDLC, func(p []byte, _ bool) string { return "\x0f\x00" + etherType(p) }),
		plain("Cisco HDLC on a serial line", 50, func(p []byte, _ bool) string { return "\x0f\x00" + etherType(p) }),
		plain("PPPoE without Ethernet", 51, func(p []byte, _ bool) string {
			return "\x11\x00\x00\x09" + number16(2+len(p)) + pppProtocol(p)
		}),
		plain("LLC", 100, func(p []byte, _ bool) string { return "\xaa\xaa\x03\x00\x00\x00" + etherType(p) }),
		plain("Frame Relay", 107, func(p []byte, _ bool) string {
			if six(p) {
				return "\x18\x41\x03\x8e"
			}
			return "\x18\x41\x03\xcc"
		}),
		plain("netfilter log", wire.LinkNFLOG, func(p []byte, _ bool) string {
			family := "\x02"
			if six(p) {
				family = "\x0a"
			}
			return family + "\x00\x00\x05" + "\x08\x00\x01\x00\x08\x00\x01\x00" + "\x09\x00\x0a\x00drop\x00\x00\x00\x00" + little16(4+len(p)) + "\x09\x00"
		}),
		plain("PPI", 192, func(p []byte, back bool) string {
			return "\x00\x00\x08\x00\x01\x00\x00\x00" + addresses(back) + etherType(p)
		}),
	}
}

func ethernets() []Kind {
	around := func(name, between string) Kind {
		return Kind{Name: name, Link: wire.LinkEthernet, Wrap: func(p []byte, back bool) []byte { return ethernet(p, back, between) }}
	}
	inside := func(name string, wrap func(p []byte, back bool) []byte) Kind {
		return Kind{Name: name, Link: wire.LinkEthernet, Wrap: wrap}
	}
	return []Kind{
		around("Ethernet", ""),
		around("802.1Q", "\x81\x00\x60\x05"),
		around("802.1ad", "\x88\xa8\x00\x07\x81\x00\x00\x05"),
		inside("802.3 with SNAP", func(p []byte, back bool) []byte {
			return pad(before(addresses(back)+number16(8+len(p))+"\xaa\xaa\x03\x00\x00\x00"+etherType(p), p))
		}),
		inside("802.3 with SNAP in a VLAN", func(p []byte, back bool) []byte {
			return pad(before(addresses(back)+"\x81\x00\x00\x05"+number16(8+len(p))+"\xaa\xaa\x03\x00\x00\x00"+etherType(p), p))
		}),
		inside("MPLS", func(p []byte, back bool) []byte {
			return pad(before(addresses(back)+"\x88\x47\x00\x01\x00\x40\x00\x02\x01\x40", p))
		}),
		inside("MPLS pseudowire with a control word", func(p []byte, back bool) []byte {
			return before(addresses(back)+"\x88\x47\x00\x03\x01\x40\x00\x00\x00\x00", bare(p, back, ""))
		}),
		inside("MPLS pseudowire", func(p []byte, back bool) []byte {
			return before(addresses(back)+"\x88\x47\x00\x02\x01\x40", bare(p, back, "\x81\x00\x00\x05"))
		}),
		inside("PPPoE", func(p []byte, back bool) []byte {
			return pad(before(addresses(back)+"\x88\x64\x11\x00\x00\x09"+number16(2+len(p))+pppProtocol(p), p))
		}),
		inside("PPPoE in a VLAN", func(p []byte, back bool) []byte {
			return pad(before(addresses(back)+"\x81\x00\x00\x07\x88\x64\x11\x00\x00\x09"+number16(2+len(p))+pppProtocol(p), p))
		}),
		inside("NSH", func(p []byte, back bool) []byte {
			return before(addresses(back)+"\x89\x4f\x0f\xc2\x02\x03\x00\x00\x05\xff", bare(p, back, ""))
		}),
	}
}

// pad pads a frame to the minimum length.
func pad(b []byte) []byte {
	for len(b) < 60 {
		b = append(b, 0)
	}
	return b
}

// air are the kinds of 802.11.
func air() []Kind {
	snap := func(p []byte) string { return "\xaa\xaa\x03\x00\x00\x00" + etherType(p) }
	plainHeader := func(back bool) string {
		return "\x08" + either(back, "\x01"+"\x00\x00"+point+client+server, "\x02"+"\x00\x00"+client+point+server) + "\x10\x00"
	}
	qos := func(back bool, control string) string {
		return "\x88" + either(back, "\x01"+"\x00\x00"+point+client+server, "\x02"+"\x00\x00"+client+point+server) + "\x10\x00" + control
	}
	const radiotap = "\x00\x00\x0a\x00\x02\x00\x00\x00" // what follows are the flags, and a byte that aligns
	return []Kind{
		plain("802.11", wire.LinkWiFi, func(p []byte, back bool) string { return plainHeader(back) + snap(p) }),
		plain("802.11 with QoS", wire.LinkWiFi, func(p []byte, back bool) string { return qos(back, "\x00\x00") + snap(p) }),
		plain("802.11 between access points", wire.LinkWiFi, func(p []byte, back bool) string {
			return "\x08\x03\x00\x00" + point + point + either(back, server+"\x10\x00"+client, client+"\x10\x00"+server) + snap(p)
		}),
		plain("802.11 in an A-MSDU", wire.LinkWiFi, func(p []byte, back bool) string {
			return qos(back, "\x80\x00") + addresses(back) + number16(8+len(p)) + snap(p)
		}),
		plain("radiotap", wire.LinkRadiotap, func(p []byte, back bool) string {
			return radiotap + "\x00\x00" + plainHeader(back) + snap(p)
		}),
		plain("radiotap, aligned", wire.LinkRadiotap, func(p []byte, back bool) string {
			return radiotap + "\x20\x00" + qos(back, "\x00\x00") + "\x00\x00" + snap(p)
		}),
		plain("Prism", 119, func(p []byte, back bool) string {
			return "\x44\x00\x00\x00\x90\x00\x00\x00" + string(make([]byte, 136)) + plainHeader(back) + snap(p)
		}),
		plain("AVS", 163, func(p []byte, back bool) string {
			return "\x80\x21\x10\x01\x00\x00\x00\x40" + string(make([]byte, 56)) + plainHeader(back) + snap(p)
		}),
	}
}

func tunnels() []Kind {
	const vni = "\x00\x12\x34"
	gre := func(flags, rest string) func(p []byte) string {
		return func(p []byte) string { return flags + etherType(p) + rest }
	}
	version := func(p []byte, four, six uint8) uint8 {
		if p[0]>>4 == 6 {
			return six
		}
		return four
	}
	ipip := func(name string, outer func(uint8, []byte, bool) []byte) Kind {
		return Kind{Name: name, Link: wire.LinkEthernet, Tunnel: "ip", Wrap: func(p []byte, back bool) []byte {
			return ethernet(outer(version(p, 4, 41), p, back), back, "")
		}}
	}
	return []Kind{
		ipip("IP in IPv4", outer4),
		ipip("IP in IPv6", outer6),
		tunnelUDP("VXLAN", "VXLAN", 0x1234, 4789, framed("\x08\x00\x00\x00"+vni+"\x00")),
		tunnelUDP("VXLAN by Linux's old port", "VXLAN", 0x1234, 8472, framed("\x08\x00\x00\x00"+vni+"\x00")),
		tunnel6("VXLAN over IPv6", "VXLAN", 0x1234, 17, func(p []byte, back bool) []byte {
			return udp(4789, framed("\x08\x00\x00\x00"+vni+"\x00")(p, back))
		}),
		tunnelUDP("VXLAN with a VLAN inside", "VXLAN", 0x1234, 4789, func(p []byte, back bool) []byte {
			return before("\x08\x00\x00\x00"+vni+"\x00", bare(p, back, "\x81\x00\x00\x05"))
		}),
		tunnelUDP("VXLAN-GPE", "VXLAN-GPE", 0x1234, 4790, headed(func(p []byte) string { return "\x0c\x00\x00" + string([]byte{version(p, 1, 2)}) + vni + "\x00" })),
		tunnelUDP("Geneve", "Geneve", 0x1234, 6081, framed("\x02\x00\x65\x58"+vni+"\x00"+"\x01\x02\x80\x01abcd")),
		tunnelUDP("Geneve without Ethernet", "Geneve", 0x1234, 6081, headed(func(p []byte) string { return "\x00\x00" + etherType(p) + vni + "\x00" })),
		tunnelUDP("GTP-U", "GTP-U", 0x99, 2152, headed(func(p []byte) string { return "\x30\xff" + number16(len(p)) + "\x00\x00\x00\x99" })),
		tunnelUDP("GTP-U of 5G", "GTP-U", 0x99, 2152, headed(func(p []byte) string {
			return "\x34\xff" + number16(8+len(p)) + "\x00\x00\x00\x99" + "\x00\x00\x00\x85" + "\x01\x10\x01\x00"
		})),
		tunnelUDP("L2TP", "L2TP", 3<<16|4, 1701, headed(func(p []byte) string { return "\x00\x02\x00\x03\x00\x04\xff\x03" + pppProtocol(p) })),
		tunnelUDP("TZSP", "TZSP", 0, 37008, framed("\x01\x00\x00\x01\x01")),
		tunnelUDP("MPLS in UDP", "MPLS", 0, 6635, headed(func([]byte) string { return "\x00\x02\x01\x40" })),
		tunnel4("GRE", "GRE", 0, 47, headed(gre("\x00\x00", ""))),
		tunnel4("GRE with checksum, key and number", "GRE", 0xab, 47, headed(gre("\xb0\x00", "\x00\x00\x00\x00\x00\x00\x00\xab\x00\x00\x00\x01"))),
		tunnel6("GRE over IPv6", "GRE", 0xab, 47, headed(gre("\x20\x00", "\x00\x00\x00\xab"))),
		tunnel4("GRE of PPTP", "GRE", 7, 47, headed(func(p []byte) string {
			return "\x30\x01\x88\x0b" + number16(4+len(p)) + "\x00\x07\x00\x00\x00\x01\xff\x03" + pppProtocol(p)
		})),
		tunnel4("NVGRE", "GRE", 0x1234, 47, framed("\x20\x00\x65\x58\x00\x12\x34\x05")),
		tunnel4("ERSPAN", "ERSPAN", 0, 47, framed("\x10\x00\x88\xbe\x00\x00\x00\x01"+"\x10\x05\x00\x01\x00\x00\x00\x02")),
		tunnel4("ERSPAN type III", "ERSPAN", 0, 47, framed("\x10\x00\x22\xeb\x00\x00\x00\x01"+"\x20\x05\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00")),
		tunnel4("EtherIP", "EtherIP", 0, 97, framed("\x30\x00")),
		tunnel4("MPLS in IP", "MPLS", 0, 137, headed(func([]byte) string { return "\x00\x02\x01\x40" })),
		tunnel4("GRE in VXLAN", "VXLAN", 0x1234, 17, func(p []byte, back bool) []byte {
			in := outer4(47, before("\x00\x00"+etherType(p), p), back)
			return udp(4789, before("\x08\x00\x00\x00"+vni+"\x00", bare(in, back, "")))
		}),
		tunnel6("IP in IPv6 by way of a segment", "ip", 0, 43, func(p []byte, _ bool) []byte {
			return before(string([]byte{version(p, 4, 41)})+"\x02\x04\x01\x00\x00\x00\x00"+"\x20\x01\x0d\xb8\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x77", p)
		}),
	}
}
