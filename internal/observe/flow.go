// Which connection a packet may belong to, and in which direction it goes.

package observe

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A Flow is the two ends of a connection.
type Flow struct{ Client, Server netip.AddrPort }

// key is a flow without its direction.
type key struct{ low, high netip.AddrPort }

func (f Flow) key() key {
	if f.Client.Compare(f.Server) < 0 {
		return key{f.Client, f.Server}
	}
	return key{f.Server, f.Client}
}

// A header is the part of a packet that tells which connection it belongs to.
type header struct {
	ip       wire.IP
	flow     Flow // of a TCP segment, in its own direction: from "client" to "server"
	fragment bool // a fragment other than the first: no ports
	icmp     bool // an error message that quotes a segment of flow
	flags    wire.Flags
	seq, ack wire.Seq
	payload  []byte
}

// parse reads the headers of a packet, and reports whether it may belong to a
// TCP connection.
func (h *header) parse(packet []byte) bool {
	f := transcript.Peek(packet)
	*h = header{ip: f.IP}
	switch {
	case f.Segment != nil:
		s := f.Segment
		h.flow = Flow{netip.AddrPortFrom(f.IP.Src, s.SrcPort), netip.AddrPortFrom(f.IP.Dst, s.DstPort)}
		h.flags, h.seq, h.ack, h.payload = s.Flags, s.Seq, s.Ack, f.Payload()
		return true
	case f.ICMP != nil && f.ICMP.IsError():
		q := &f.ICMP.Quoted
		h.icmp = q.Protocol == wire.ProtocolTCP
		h.flow = Flow{netip.AddrPortFrom(q.Src, f.ICMP.SrcPort), netip.AddrPortFrom(q.Dst, f.ICMP.DstPort)}
		return h.icmp
	case f.IP.Fragment.Partial():
		return h.parseFragment(packet)
	}
	return false
}

// parseFragment finds the ports in the first fragment of a segment. Only IPv4
// tells which protocol the other fragments hold.
func (h *header) parseFragment(packet []byte) bool {
	h.flow = Flow{netip.AddrPortFrom(h.ip.Src, 0), netip.AddrPortFrom(h.ip.Dst, 0)}
	h.fragment = h.ip.Fragment.Offset > 0
	if h.fragment {
		return h.ip.Version == 6 || h.ip.Protocol == wire.ProtocolTCP
	}
	start := h.ip.HeaderLen()
	if h.ip.Protocol != wire.ProtocolTCP || len(packet) < start+wire.TCPHeaderLen {
		return false
	}
	b := packet[start:]
	h.flow.Client = netip.AddrPortFrom(h.ip.Src, binary.BigEndian.Uint16(b))
	h.flow.Server = netip.AddrPortFrom(h.ip.Dst, binary.BigEndian.Uint16(b[2:]))
	h.seq, h.flags = wire.Seq(binary.BigEndian.Uint32(b[4:])), wire.Flags(b[13])
	return true
}

// oriented is the flow from client to server. The side that sends the SYN is
// the client. If the beginning is missing, it is the side that sends a
// ClientHello, or else the one with the higher port.
func (h *header) oriented() Flow {
	reversed := Flow{h.flow.Server, h.flow.Client}
	switch {
	case h.icmp: // about a segment whose sender got no answer
		return h.flow
	case h.flags.Has(wire.SYN | wire.ACK):
		return reversed
	case h.flags.Has(wire.SYN), saysHello(h.payload, 1):
		return h.flow
	case saysHello(h.payload, 2), h.flow.Client.Port() < h.flow.Server.Port():
		return reversed
	}
	return h.flow
}

// saysHello reports whether a payload begins with a hello of the given type.
func saysHello(b []byte, typ byte) bool {
	if _, _, v2 := tlsmsg.V2ClientHello(b); v2 && typ == 1 && len(b) > 5 {
		return true
	}
	return len(b) > 5 && b[0] == 22 && b[1] == 3 && b[5] == typ
}

// direction tells in which direction a packet of the flow goes: by its ports,
// or for fragments and ICMP by its addresses.
func (f Flow) direction(packet []byte) transcript.Dir {
	var h header
	h.parse(packet)
	switch {
	case h.icmp && h.flow.Client == f.Client: // about what the client sent
		return transcript.In
	case h.icmp:
		return transcript.Out
	case h.fragment && f.Client.Addr() != f.Server.Addr():
		if h.ip.Src == f.Client.Addr() {
			return transcript.Out
		}
		return transcript.In
	case h.flow.Client == f.Client:
		return transcript.Out
	}
	return transcript.In
}
