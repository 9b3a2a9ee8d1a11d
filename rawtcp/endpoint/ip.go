// From an arrived IP packet to the connection that it is for.

package endpoint

import (
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Receive takes one arrived IP packet. ChecksumPartial says that a local kernel
// left the transport checksum unfinished: it is not verified.
func (e *Endpoint) Receive(now tcb.Instant, packet []byte, checksumPartial bool) {
	e.cursor = field.New(wire.Root(packet), packet)
	c := &e.cursor
	var h wire.IP
	if err := h.Decode(c); err != nil {
		e.drop(err.Error())
		return
	}
	switch {
	case h.Version == 4 && wire.Checksum(packet[:h.HeaderLen()]) != 0:
		e.drop("IPv4 header checksum is wrong")
	case !oneHost(h.Src) || !oneHost(h.Dst):
		e.drop(fmt.Sprintf("from %v to %v: not the addresses of two hosts", h.Src, h.Dst)) // and no RST
	case h.Fragment.Partial():
		e.receiveFragment(now, &h, c.Ahead())
	default:
		e.receivePayload(now, &h, c, checksumPartial)
	}
}

// receiveFragment keeps a fragment, and goes on with the packet that it
// completes.
func (e *Endpoint) receiveFragment(now tcb.Instant, h *wire.IP, data []byte) {
	payload, err := e.fragments.Add(now, h, data)
	if err != nil {
		e.drop(err.Error())
	}
	if payload != nil {
		c := field.New("payload", payload)
		e.receivePayload(now, h, &c, false)
	}
}

// receivePayload takes the payload of a whole packet, from the cursor on.
func (e *Endpoint) receivePayload(now tcb.Instant, h *wire.IP, c *field.Cursor, checksumPartial bool) {
	body := c.Ahead()
	switch {
	case h.Refusal != "":
		e.drop(h.Refusal)
	case h.Protocol == wire.ProtocolTCP:
		// RFC 9293, section 3.1, MUST-3.
		if !checksumPartial && wire.TCPChecksum(body, h.Src, h.Dst) != 0 {
			e.drop("TCP checksum is wrong")
			return
		}
		e.receiveTCP(now, h, c)
	case h.Version == 4 && h.Protocol == wire.ProtocolICMP:
		if wire.Checksum(body) != 0 {
			e.drop("ICMP checksum is wrong")
			return
		}
		e.receiveICMP(now, h, c)
	case h.Version == 6 && h.Protocol == wire.ProtocolICMPv6:
		if wire.ICMPv6Checksum(body, h.Src, h.Dst) != 0 {
			e.drop("ICMPv6 checksum is wrong")
			return
		}
		e.receiveICMP(now, h, c)
	default:
		e.drop(fmt.Sprintf("IP protocol %d is not ours", h.Protocol))
	}
}

// receiveICMP gives an error message to the connection whose packet it quotes
// (RFC 9293, section 3.9.2.2, MUST-54).
func (e *Endpoint) receiveICMP(now tcb.Instant, h *wire.IP, c *field.Cursor) {
	var m wire.ICMP
	decode := m.Decode
	if h.Version == 6 {
		decode = m.DecodeV6
	}
	if err := decode(c); err != nil {
		e.drop(err.Error())
		return
	}
	// Messages that are no errors, and source quench, do not concern TCP (RFC
	// 9293, MUST-55).
	if !m.IsError() || m.Quoted.Protocol != wire.ProtocolTCP || m.Quoted.Fragment.Offset != 0 {
		return
	}
	m.From = h.Src
	f := e.flows[flowKey{
		netip.AddrPortFrom(m.Quoted.Src, m.SrcPort),
		netip.AddrPortFrom(m.Quoted.Dst, m.DstPort),
	}]
	if f == nil {
		e.drop("ICMP " + m.String() + " about no connection of ours")
		return
	}
	f.Machine.Unreachable(now, &m)
	e.learnPath(now, f)
	e.Touch(f)
}
