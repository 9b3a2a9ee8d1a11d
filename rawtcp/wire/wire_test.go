package wire_test

import (
	"net/netip"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

func TestSegmentRoundTrip(t *testing.T) {
	src, dst := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")
	s := wire.Segment{SrcPort: 40000, DstPort: 443, Seq: 1, Ack: 2, Flags: wire.SYN | wire.ACK, Window: 9, Payload: []byte("hi")}
	s.Options.AddMSS(1460)
	s.Options.AddTimestamps(1, 2)
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: src, Dst: dst, DontFragment: true}
	b := h.AppendTo(nil, s.HeaderLen()+len(s.Payload))
	b = s.AppendTo(b, src, dst)
	c := field.Record("IPv4", b)
	var h2 wire.IPv4
	var s2 wire.Segment
	h2.Decode(&c)
	s2.Decode(&c)
	c.Leave()
	if err := c.Done(); err != nil {
		t.Fatal(err)
	}
	if wire.TCPChecksum(b[20:], src, dst) != 0 || wire.Checksum(b[:20]) != 0 {
		t.Fatal("checksum")
	}
	if m, ok := s2.Options.MSS(); !ok || m != 1460 {
		t.Fatal("MSS")
	}
	next := 0
	for l := range c.Tree().Leaves() {
		if l.Offset != next {
			t.Fatalf("%s at %d, want %d", l.Name, l.Offset, next)
		}
		next += l.Length
	}
}
