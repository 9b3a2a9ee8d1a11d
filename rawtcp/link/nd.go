// Neighbour discovery: asking for an IPv6 address, and answering for our own
// (RFC 4861).

package link

import (
	"net"
	"net/netip"

	"golang.org/x/net/bpf"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Offsets in a neighbour discovery message behind a bare IPv6 header
// (RFC 4861, sections 4.3 and 4.4).
const (
	ndType   = wire.IPv6HeaderLen
	ndTarget = wire.IPv6HeaderLen + 8
)

const neighbourDiscovery = "neighbor discovery"

// solicitation asks for an IPv6 address, at the group that its host hears (RFC
// 4861, section 7.2.2).
func (a *Asker) solicitation(who, group netip.Addr) []byte {
	ask := wire.Neighbour{Type: wire.NeighbourSolicitation, Target: who, Hardware: a.own, HasHardware: true}
	return neighbourPacket(&ask, a.route.Source, group)
}

// advertised returns whose address an advertisement to us gives.
func (a *Asker) advertised(packet []byte) (who netip.Addr, hw net.HardwareAddr) {
	n, h, ok := decodeNeighbour(packet)
	if !ok || n.Type != wire.NeighbourAdvertisement || h.Dst != a.route.Source || !n.HasHardware {
		return who, nil
	}
	return n.Target, unicast(n.Hardware)
}

// neighbourPacket wraps a message; only a hop limit of 255 is believed.
func neighbourPacket(n *wire.Neighbour, src, dst netip.Addr) []byte {
	body := n.AppendTo(nil, src, dst)
	h := wire.IPv6{NextHeader: wire.ProtocolICMPv6, HopLimit: wire.NeighbourHopLimit, Src: src, Dst: dst}
	return append(h.AppendTo(nil, len(body)), body...)
}

// decodeNeighbour reads a packet, and checks what RFC 4861, sections 7.1.1 and
// 7.1.2, requires, and that its source is not a multicast address (RFC 4291,
// section 2.7).
func decodeNeighbour(packet []byte) (n wire.Neighbour, h wire.IP, ok bool) {
	c := field.New(wire.Root(packet), packet)
	if h.Decode(&c) != nil || h.Version != 6 || h.Protocol != wire.ProtocolICMPv6 || h.HopLimit != wire.NeighbourHopLimit ||
		h.Refusal != "" || h.Fragment != (wire.Fragment{}) || wire.ICMPv6Checksum(c.Ahead(), h.Src, h.Dst) != 0 || n.Decode(&c) != nil {
		return n, h, false
	}
	switch {
	case h.Src.IsMulticast():
		return n, h, false
	case n.Type == wire.NeighbourAdvertisement && h.Dst.IsMulticast() && n.Solicited:
		return n, h, false
	case n.Type == wire.NeighbourSolicitation && h.Src.IsUnspecified() && (n.HasHardware || h.Dst != wire.SolicitedNode(n.Target)):
		return n, h, false
	}
	return n, h, true
}

// neighbourFilter lets messages of a type through: about a target, if there is
// one.
func neighbourFilter(typ wire.NeighbourType, target netip.Addr) ([]bpf.RawInstruction, error) {
	var p program
	p.load(load(wire.IPv6NextOffset, 1))
	p.require(wire.ProtocolICMPv6)
	p.load(load(ndType, 1))
	p.require(uint32(typ))
	p.requireAddr6(absolute, ndTarget, netip.AddrPortFrom(target, 0))
	p.jump(labelAccept)
	return p.assemble()
}

// allNodes is where the answer goes to somebody who asks without an address of
// its own (RFC 4861, section 7.2.4).
var allNodes = netip.MustParseAddr("ff02::1")

// answerSolicitation returns the advertisement of our address for somebody who
// asks for it, and to whom it goes, or nil.
func (r *responder) answerSolicitation(d *datagram) (reply []byte, to net.HardwareAddr) {
	n, h, ok := decodeNeighbour(d.data)
	if !ok || n.Type != wire.NeighbourSolicitation || n.Target != r.local || h.Src == r.local {
		return nil, nil
	}
	answer := wire.Neighbour{Type: wire.NeighbourAdvertisement, Solicited: true, Override: true,
		Target: r.local, Hardware: r.hardware, HasHardware: true}
	if h.Src.IsUnspecified() { // detection of duplicate addresses: they cannot have ours
		answer.Solicited = false
		group := wire.MulticastHardware(allNodes)
		return neighbourPacket(&answer, r.local, allNodes), group[:]
	}
	hw := [wire.HardwareAddrLen]byte(d.from.addr[:])
	if n.HasHardware {
		hw = n.Hardware
	}
	return neighbourPacket(&answer, r.local, h.Src), unicast(hw)
}
