// From an arrived IP packet to the connection that it is for.

package endpoint

import (
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Receive takes one arrived IP packet. ChecksumPartial says that a local kernel
// left the transport checksum unfinished: it is not verified.
func (e *Endpoint) Receive(now tcb.Instant, packet []byte, checksumPartial bool) {
	p := &e.packet
	if err := p.Decode(packet, checksumPartial); err != nil { // RFC 9293, section 3.1, MUST-3
		e.drop(err.Error())
		return
	}
	switch {
	case !oneHost(p.IP.Src) || !oneHost(p.IP.Dst):
		e.drop(fmt.Sprintf("from %v to %v: not the addresses of two hosts", p.IP.Src, p.IP.Dst)) // and no RST
	case p.IP.Fragment.Partial():
		e.receiveFragment(now)
	default:
		e.receiveWhole(now)
	}
}

// receiveFragment keeps a fragment, and goes on with the packet that it
// completes.
func (e *Endpoint) receiveFragment(now tcb.Instant) {
	payload, err := e.fragments.Add(now, &e.packet.IP, e.packet.Payload())
	if err == nil && payload != nil {
		err = e.packet.DecodePayload(payload)
	}
	switch {
	case err != nil:
		e.drop(err.Error())
	case payload != nil:
		e.receiveWhole(now)
	}
}

// receiveWhole takes a packet that is no fragment, or is put together.
func (e *Endpoint) receiveWhole(now tcb.Instant) {
	switch h := &e.packet.IP; {
	case h.Refusal != "":
		e.drop(h.Refusal)
	case e.packet.Holds == wire.HoldsSegment:
		e.receiveTCP(now, h, &e.packet.Segment)
	case e.packet.Holds == wire.HoldsICMP:
		e.receiveICMP(now, &e.packet.ICMP)
	default:
		e.drop(fmt.Sprintf("IP protocol %d is not ours", h.Protocol))
	}
}

// receiveICMP gives an error message to the connection whose packet it quotes
// (RFC 9293, section 3.9.2.2, MUST-54).
func (e *Endpoint) receiveICMP(now tcb.Instant, m *wire.ICMP) {
	// Messages that are no errors, and source quench, do not concern TCP (RFC
	// 9293, MUST-55).
	if !m.IsError() || m.Quoted.Protocol != wire.ProtocolTCP || m.Quoted.Fragment.Offset != 0 {
		return
	}
	f := e.flows[flowKey{
		netip.AddrPortFrom(m.Quoted.Src, m.SrcPort),
		netip.AddrPortFrom(m.Quoted.Dst, m.DstPort),
	}]
	if f == nil {
		e.drop("ICMP " + m.String() + " about no connection of ours")
		return
	}
	f.Machine.Unreachable(now, m)
	e.learnPath(now, f)
	e.Touch(f)
}
