package wire_test

import (
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// quoting6 is an ICMPv6 message of gopacket's making that quotes the first n
// bytes of a packet of ours.
func quoting6(t testing.TB, typ, code uint8, rest uint32, n int) []byte {
	s := wire.Segment{SrcPort: 40000, DstPort: 443, Seq: 0xdeadbeef, Flags: wire.ACK, Payload: make([]byte, 100)}
	h := wire.IPv6{HopLimit: 1, NextHeader: wire.ProtocolTCP, Src: testSrc6, Dst: testDst6}
	packet := s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), testSrc6, testDst6)
	router := layers.IPv6{SrcIP: testDst6.AsSlice(), DstIP: testSrc6.AsSlice(), NextHeader: layers.IPProtocolICMPv6}
	msg := layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(typ, code)}
	msg.SetNetworkLayerForChecksum(&router)
	body := append([]byte{byte(rest >> 24), byte(rest >> 16), byte(rest >> 8), byte(rest)}, packet[:n]...)
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{ComputeChecksums: true}, &msg, gopacket.Payload(body)); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestICMPv6QuotesOurSegment(t *testing.T) {
	for _, n := range []int{40 + 8, 40 + 20, 160} {
		b := quoting6(t, wire.ICMPv6TooBig, 0, 1400, n)
		c := field.New("ICMPv6", b)
		var m wire.ICMP
		m.DecodeV6(&c)
		if err := c.Done(); err != nil {
			t.Fatalf("%d bytes quoted: %v", n, err)
		}
		if m.SrcPort != 40000 || m.DstPort != 443 || m.Seq != 0xdeadbeef || m.Quoted.Src != testSrc6 || m.Quoted.Dst != testDst6 || m.Quoted.TotalLength != 160 {
			t.Errorf("%d bytes quoted: %+v", n, m)
		}
		if m.MTU() != 1400 || m.String() != "packet too big" || wire.ICMPv6Checksum(b, testDst6, testSrc6) != 0 {
			t.Errorf("%v, MTU %d", &m, m.MTU())
		}
	}
	for n := range 40 + 8 {
		c := field.New("ICMPv6", quoting6(t, wire.ICMPv6Unreachable, 0, 0, n))
		var m wire.ICMP
		m.DecodeV6(&c)
		if c.Done() == nil {
			t.Errorf("%d bytes quoted were enough", n)
		}
	}
}

func TestAMessageMustQuoteItsOwnVersion(t *testing.T) {
	c := field.New("ICMP", quoting6(t, wire.ICMPUnreachable, 3, 0, 80))
	if err := new(wire.ICMP).Decode(&c); err == nil {
		t.Error("ICMPv4 that quotes IPv6 was taken")
	}
	c = field.New("ICMPv6", quoting(t, wire.ICMPv6Unreachable, 4, 0, 80))
	if err := new(wire.ICMP).DecodeV6(&c); err == nil {
		t.Error("ICMPv6 that quotes IPv4 was taken")
	}
}

func TestBothVersionsOfICMPMeanTheSameKinds(t *testing.T) {
	for _, tc := range []struct {
		kind wire.ICMPKind
		name string
		m    wire.ICMP
	}{
		{wire.KindUnreachable, "host unreachable", wire.ICMP{Type: 3, Code: 1}},
		{wire.KindUnreachable, "address unreachable", wire.ICMP{V6: true, Type: 1, Code: 3}},
		{wire.KindUnreachable, "no route to destination", wire.ICMP{V6: true, Type: 1}},
		{wire.KindUnreachable, "ICMPv6 type 1 code 99", wire.ICMP{V6: true, Type: 1, Code: 99}},
		{wire.KindPortUnreachable, "port unreachable", wire.ICMP{Type: 3, Code: 3}},
		{wire.KindPortUnreachable, "port unreachable", wire.ICMP{V6: true, Type: 1, Code: 4}},
		{wire.KindProtocolUnreachable, "protocol unreachable", wire.ICMP{Type: 3, Code: 2}},
		{wire.KindProtocolUnreachable, "unrecognized next header", wire.ICMP{V6: true, Type: 4, Code: 1}},
		{wire.KindProhibited, "administratively prohibited", wire.ICMP{Type: 3, Code: 13}},
		{wire.KindProhibited, "administratively prohibited", wire.ICMP{V6: true, Type: 1, Code: 1}},
		{wire.KindProhibited, "reject route to destination", wire.ICMP{V6: true, Type: 1, Code: 6}},
		{wire.KindTooBig, "fragmentation needed", wire.ICMP{Type: 3, Code: 4}},
		{wire.KindTooBig, "packet too big", wire.ICMP{V6: true, Type: 2}},
		{wire.KindTimeExceeded, "time exceeded", wire.ICMP{Type: 11}},
		{wire.KindTimeExceeded, "time exceeded", wire.ICMP{V6: true, Type: 3}},
		{wire.KindParameterProblem, "parameter problem", wire.ICMP{Type: 12}},
		{wire.KindParameterProblem, "parameter problem", wire.ICMP{V6: true, Type: 4, Code: 2}},
		{wire.KindNoError, "ICMPv6 type 128 code 0", wire.ICMP{V6: true, Type: 128}},
		{wire.KindNoError, "ICMP type 1 code 4", wire.ICMP{Type: 1, Code: 4}},
	} {
		if tc.m.Kind() != tc.kind || tc.m.String() != tc.name {
			t.Errorf("%+v: kind %d, %q; want %d, %q", tc.m, tc.m.Kind(), tc.m.String(), tc.kind, tc.name)
		}
	}
}

func FuzzICMPv6(f *testing.F) {
	f.Add(quoting6(f, 1, 4, 0, 60))
	f.Add(quoting6(f, 2, 0, 1400, 48))
	f.Add(quoting6(f, 3, 0, 0, 10))
	f.Add([]byte{128, 0, 0, 0, 0, 1, 0, 2, 'd', 'a', 't', 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		recordsEveryByte(t, "ICMPv6", b, func(c *field.Cursor) {
			var m wire.ICMP
			m.DecodeV6(c)
			_ = m.String()
			if m.MTU() < 0 {
				t.Errorf("MTU %d", m.MTU())
			}
		})
	})
}
