// The packets of a connection's beginning.

package frames

import (
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// Connection returns the IP packets at the beginning of a connection from a
// port to port 443, with a ClientHello that asks for a name, and says which of
// them go to the client.
func Connection(six bool, port uint16, name string) (packets [][]byte, back []bool) {
	from, to := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")
	if six {
		from, to = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	}
	add := func(toClient bool, s wire.Segment) {
		src, dst := from, to
		s.SrcPort, s.DstPort, s.Window = port, 443, 1000
		if toClient {
			src, dst = to, from
			s.SrcPort, s.DstPort = s.DstPort, s.SrcPort
		}
		n := s.HeaderLen() + len(s.Payload)
		var b []byte
		if six {
			b = (&wire.IPv6{HopLimit: 64, NextHeader: wire.ProtocolTCP, Src: src, Dst: dst}).AppendTo(nil, n)
		} else {
			b = (&wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, DontFragment: true, Src: src, Dst: dst}).AppendTo(nil, n)
		}
		packets, back = append(packets, s.AppendTo(b, src, dst)), append(back, toClient)
	}
	syn := wire.Segment{Flags: wire.SYN, Seq: 1000}
	syn.Options.AddMSS(1460)
	add(false, syn)
	answer := wire.Segment{Flags: wire.SYN | wire.ACK, Seq: 5000, Ack: 1001}
	answer.Options.AddMSS(1460)
	add(true, answer)
	add(false, wire.Segment{Flags: wire.ACK, Seq: 1001, Ack: 5001})
	hello := hello(name)
	add(false, wire.Segment{Flags: wire.ACK | wire.PSH, Seq: 1001, Ack: 5001, Payload: hello})
	add(true, wire.Segment{Flags: wire.ACK | wire.PSH, Seq: 5001, Ack: wire.Seq(1001 + len(hello)), Payload: []byte("\x15\x03\x03\x00\x02\x02\x28")})
	add(true, wire.Segment{Flags: wire.ACK | wire.FIN, Seq: 5008, Ack: wire.Seq(1001 + len(hello))})
	return packets, back
}

func hello(name string) []byte {
	n := len(name)
	server := append([]byte{0, byte(n + 3), 0, 0, byte(n)}, name...)
	m := &tlsmsg.ClientHello{Version: tlsmsg.VersionTLS12, CipherSuites: []tlsmsg.CipherSuite{0xc02b, 0xc02f}, HasExtensions: true,
		CompressionMethods: []tlsmsg.CompressionMethod{0}, Extensions: []tlsmsg.Extension{{Type: tlsmsg.ExtensionServerName, Data: server}}}
	b := tlsmsg.Append(nil, m, tlsmsg.Context{})
	return append([]byte{22, 3, 1, byte(len(b) >> 8), byte(len(b))}, b...)
}
