// From a tunnel's packet to the packet inside, as deep as they go.

package wire

import (
	"slices"

	"github.com/rawshake/rawshake/field"
)

// Protocol numbers of what carries other packets (IANA, "Assigned Internet
// Protocol Numbers").
const (
	protocolIPv4     = 4 // RFC 2003
	protocolUDP      = 17
	protocolIPv6     = 41 // RFC 2473, RFC 4213
	protocolGRE      = 47
	protocolEtherIP  = 97  // RFC 3378
	protocolMPLS     = 137 // RFC 4023
	protocolEthernet = 143 // RFC 8986, section 10.1
)

// tunnelUDP are the ports of UDP that other packets are carried to.
var tunnelUDP = map[uint16]struct {
	kind string
	read func(*LinkHeader, *field.Cursor, *Tunnel)
}{
	4789:  {"VXLAN", (*LinkHeader).vxlan}, // RFC 7348
	8472:  {"VXLAN", (*LinkHeader).vxlan}, // Linux, before there was a number
	4790:  {"VXLAN-GPE", (*LinkHeader).vxlanGPE},
	6081:  {"Geneve", (*LinkHeader).geneve}, // RFC 8926
	2152:  {"GTP-U", (*LinkHeader).gtp},     // 3GPP TS 29.281
	4754:  {"GRE", (*LinkHeader).gre},       // RFC 8086
	6635:  {"MPLS", (*LinkHeader).mplsTunnel},
	1701:  {"L2TP", (*LinkHeader).l2tp}, // RFC 2661
	3544:  {"Teredo", (*LinkHeader).teredo},
	37008: {"TZSP", (*LinkHeader).tzsp},
}

// tunnels goes on into the packets that the one at the cursor carries, as long
// as there is a whole IP packet in each. Each step is tried before it is made,
// so that a packet that is not a tunnel's, or whose content is not IP, is left
// as it is.
func (h *LinkHeader) tunnels(c *field.Cursor) {
	for mayCarry(c.Ahead()) {
		try, trial := *h, c.Trial()
		kind := try.through(&trial)
		switch {
		case kind == "":
			return
		case trial.Err() != nil:
			h.Inside = Content{kind + ": cut short, or broken", true}
			return
		case try.what.Name == "" && !beginsIP(trial.Ahead()):
			h.Inside = Content{kind + ": no IP packet where one should be", true}
			return
		case try.what.Name != "":
			h.Inside = Content{kind + ": " + try.what.Name, try.what.Opaque}
			return
		}
		h.through(c)
	}
}

// mayCarry is a quick check whether a packet may hold another.
func mayCarry(b []byte) bool {
	switch version(b) {
	case 4:
		return len(b) > IPv4HeaderLen && carries(b[9])
	case 6:
		return len(b) > IPv6HeaderLen && (carries(b[6]) || extensionName(b[6], true) != "")
	}
	return false
}

// MayHoldPackets reports whether packets of a protocol may be a tunnel's.
func MayHoldPackets(protocol uint8) bool { return carries(protocol) }

func carries(protocol uint8) bool {
	switch protocol {
	case protocolIPv4, protocolUDP, protocolIPv6, protocolGRE, protocolEtherIP, protocolMPLS, protocolEthernet, protocolAH:
		return true
	}
	return false
}

// through reads the headers of a packet and of the tunnel that it is part of, up
// to the packet inside, and returns what kind of tunnel that is; "" if none.
func (h *LinkHeader) through(c *field.Cursor) (kind string) {
	if !h.begin() {
		return "tunnel"
	}
	var ip IP
	c.Enter(Root(c.Ahead()))
	ip.decodeHeaders(c, true)
	c.Leave()
	h.bound(c, ip.TotalLength-ip.HeaderLen())
	t := Tunnel{Src: ip.Src, Dst: ip.Dst}
	kind, read := carried(c, &ip)
	if kind == "" || c.Err() != nil {
		return kind
	}
	if ip.Fragment.Partial() {
		h.stop("a fragment of such a packet", true)
		return kind
	}
	if ip.Protocol == protocolUDP {
		h.udp(c)
	}
	t.Kind = kind
	h.Source, h.Destination, h.EtherType = nil, nil, 0
	read(h, c, &t)
	h.Tunnels = append(slices.Clip(h.Tunnels), t)
	return kind
}

// carried finds what kind of tunnel a packet belongs to, with the cursor at its
// payload, and what reads the rest of its headers.
func carried(c *field.Cursor, ip *IP) (kind string, read func(*LinkHeader, *field.Cursor, *Tunnel)) {
	switch ip.Protocol {
	case protocolIPv4, protocolIPv6:
		return insideIP(ip), (*LinkHeader).nothing
	case protocolGRE:
		return "GRE", (*LinkHeader).gre
	case protocolEtherIP:
		return "EtherIP", (*LinkHeader).etherIP
	case protocolMPLS:
		return "MPLS", (*LinkHeader).mplsTunnel
	case protocolEthernet:
		return "Ethernet in IP", func(h *LinkHeader, c *field.Cursor, _ *Tunnel) { h.ethernet(c) }
	case protocolUDP:
		if b := c.Ahead(); len(b) >= udpHeaderLen && ip.Fragment.Offset == 0 {
			source, destination := uint16(b[0])<<8|uint16(b[1]), uint16(b[2])<<8|uint16(b[3])
			if t, ok := tunnelUDP[destination]; ok {
				return t.kind, t.read
			}
			if t, ok := tunnelUDP[source]; ok && answersFromItsPort(t.kind) {
				return t.kind, t.read
			}
		}
	}
	return "", nil
}

// answersFromItsPort reports whether both directions of a tunnel can be
// recognized by one end's port.
func answersFromItsPort(kind string) bool {
	return kind == "L2TP" || kind == "Teredo" || kind == "GTP-U"
}

// insideIP names a packet in another by the versions: 6in4.
func insideIP(ip *IP) string {
	inner := map[uint8]string{protocolIPv4: "4", protocolIPv6: "6"}[ip.Protocol]
	outer := map[uint8]string{4: "4", 6: "6"}[ip.Version]
	if inner == "4" && outer == "4" {
		return "IP in IP"
	}
	return inner + "in" + outer
}

func (h *LinkHeader) nothing(*field.Cursor, *Tunnel) {}

const udpHeaderLen = 8

// udp reads a UDP header (RFC 768).
func (h *LinkHeader) udp(c *field.Cursor) {
	c.Enter("UDP")
	c.Uint16("source_port")
	c.Uint16("destination_port")
	n := int(c.Uint16("length"))
	c.Uint16("checksum")
	c.Leave()
	h.bound(c, n-udpHeaderLen)
}

// etherIP reads the header before a frame (RFC 3378, section 3).
func (h *LinkHeader) etherIP(c *field.Cursor, _ *Tunnel) {
	c.Enter("EtherIP")
	c.Uint16("version_reserved")
	c.Leave()
	h.ethernet(c)
}

func (h *LinkHeader) mplsTunnel(c *field.Cursor, _ *Tunnel) { h.mpls(c) }

// teredo reads what may stand before an IPv6 packet in UDP (RFC 4380, section
// 5.1.1).
func (h *LinkHeader) teredo(c *field.Cursor, _ *Tunnel) {
	const authentication, origin = 1, 0
	for range 2 {
		b := c.Ahead()
		if len(b) < 4 || b[0] != 0 || b[1] > authentication {
			break
		}
		n := 8
		if b[1] != origin {
			n = 13 + int(b[2]) + int(b[3]) // nonce and confirmation, behind an identifier and a value
		}
		c.Enter("Teredo")
		c.Bytes("indication", n)
		c.Leave()
	}
	if c.Err() == nil && version(c.Ahead()) != 6 {
		h.stop("no IPv6 packet", false)
	}
}

// tzsp reads the header with which sniffers send what they see, and its tags.
func (h *LinkHeader) tzsp(c *field.Cursor, _ *Tunnel) {
	const ethernet, wifi, padding, end = 1, 0x12, 0, 1
	c.Enter("TZSP")
	c.Uint8("version")
	c.Uint8("type")
	protocol := c.Uint16("protocol")
	for tag := uint8(padding); tag != end && c.Err() == nil; {
		if tag = c.Uint8("tag"); tag > end {
			c.Opaque8("tag_value", 0, 255)
		}
	}
	c.Leave()
	switch {
	case c.Err() != nil:
	case protocol == ethernet:
		h.ethernet(c)
	case protocol == wifi:
		h.wifi(c, false)
	default:
		h.stop("a frame of another kind", true)
	}
}
