package wire_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A decoder reads a header and what is in it.
type decoder func(c *field.Cursor)

func decodePacket(c *field.Cursor) {
	var h wire.IPv4
	var s wire.Segment
	h.Decode(c)
	if h.Fragment() || h.Protocol != wire.ProtocolTCP {
		c.Rest("data")
	} else {
		s.Decode(c)
	}
	c.Leave()
	c.Rest("padding")
}

// recordsEveryByte decodes b with and without a recorder, which must agree, and
// checks that the leaves of what was recorded lie end to end.
func recordsEveryByte(t *testing.T, name string, b []byte, decode decoder) {
	t.Helper()
	plain, recorded := field.New(name, b), field.Record(name, b)
	decode(&plain)
	decode(&recorded)
	e1, e2 := plain.Done(), recorded.Done()
	if (e1 == nil) != (e2 == nil) || e1 != nil && e1.Error() != e2.Error() {
		t.Fatalf("recording changed the result: %v, %v", e1, e2)
	}
	at := 0
	for leaf := range recorded.Tree().Leaves() {
		if leaf.Length > 0 && leaf.Offset != at {
			t.Fatalf("%s begins at byte %d, expected %d", leaf.Name, leaf.Offset, at)
		}
		at += leaf.Length
	}
	if e1 == nil && at != len(b) || at > len(b) {
		t.Fatalf("leaves end at byte %d of %d", at, len(b))
	}
}

func TestEveryByteOfARecordingBelongsToOneLeaf(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 1000 {
		h, s := randomIPv4(rng), randomSegment(rng)
		b := s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), h.Src, h.Dst)
		b = append(b, make([]byte, rng.IntN(8))...)
		recordsEveryByte(t, "IPv4", b, decodePacket)
	}
	for _, options := range []string{"\x02\x00\x05\xb4", "\x01\x01\x01\x02", "\x00\x05\x05\x05", "\x05\x0a\x00\x00\x00\x01\x00\x00\x00\x02\x22\x02"} {
		recordsEveryByte(t, "TCP", withOptions(options), func(c *field.Cursor) { new(wire.Segment).Decode(c) })
	}
	recordsEveryByte(t, "ICMP", quoting(t, 3, 3, 0, 60), func(c *field.Cursor) { new(wire.ICMP).Decode(c) })
	recordsEveryByte(t, "ICMPv6", quoting6(t, 1, 4, 0, 60), func(c *field.Cursor) { new(wire.ICMP).DecodeV6(c) })
	for _, n := range neighbours {
		recordsEveryByte(t, "ICMPv6", n.AppendTo(nil, testSrc6, testDst6), func(c *field.Cursor) { new(wire.Neighbour).Decode(c) })
	}
}

func FuzzSegment(f *testing.F) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 5 {
		s := randomSegment(rng)
		f.Add(s.AppendTo(nil, testSrc, testDst))
	}
	f.Add(withOptions("\x03\x03\x07\x02\x00\x05\xb4\x01"))
	f.Add(withOptions("\x01\x01\x01\x02"))
	for _, later := range laterOptions {
		f.Add(withOptions(later.option))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		recordsEveryByte(t, "TCP", b, func(c *field.Cursor) { new(wire.Segment).Decode(c) })
		s, err := decodeSegment(b)
		if err != nil {
			return
		}
		say(&s.Options)
		for opt := range s.Options.All() {
			if opt.Fields().Length != len(opt.Data) {
				t.Fatalf("the fields of %v are not as long as it", opt.Kind)
			}
			opt.MPTCP()
		}
		b = bytes.Clone(b)
		wire.CompleteTCPChecksum(b, testSrc, testDst)
		if again := s.AppendTo(nil, testSrc, testDst); !bytes.Equal(again, b) {
			t.Fatalf("decoded and encoded again:\n% x\n% x", b, again)
		}
	})
}

func FuzzIPv4(f *testing.F) {
	rng := rand.New(rand.NewPCG(10, 10))
	for range 5 {
		h, s := randomIPv4(rng), randomSegment(rng)
		f.Add(s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), h.Src, h.Dst))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		recordsEveryByte(t, "IPv4", b, decodePacket)
		c := field.New("IPv4", b)
		var h, again wire.IPv4
		if h.Decode(&c) != nil {
			return
		}
		payload := c.Rest("data")
		c = field.New("IPv4", append(h.AppendTo(nil, len(payload)), payload...))
		if err := again.Decode(&c); err != nil {
			t.Fatalf("encoded again: %v", err)
		}
		again.Checksum = h.Checksum
		if again.TotalLength != h.TotalLength || again.Src != h.Src || again.FragmentOffset != h.FragmentOffset || !bytes.Equal(again.Options, h.Options) {
			t.Fatalf("decoded and encoded again:\n%+v\n%+v", h, again)
		}
	})
}

func FuzzICMP(f *testing.F) {
	f.Add(quoting(f, 3, 3, 0, 40))
	f.Add(quoting(f, 3, 4, 1400, 32))
	f.Add(quoting(f, 11, 0, 0, 10))
	f.Add([]byte{8, 0, 0, 0, 0, 1, 0, 2, 'd', 'a', 't', 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		recordsEveryByte(t, "ICMP", b, func(c *field.Cursor) {
			var m wire.ICMP
			m.Decode(c)
			_ = m.String()
			m.MTU()
		})
	})
}

func TestDecodingAndEncodingDoNotAllocate(t *testing.T) {
	s := wire.Segment{SrcPort: 40000, DstPort: 443, Flags: wire.ACK, Payload: make([]byte, 1000)}
	s.Options.AddTimestamps(1, 2)
	s.Options.AddSACK(wire.SACKBlock{Left: 1, Right: 2})
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: testSrc, Dst: testDst}
	packet := make([]byte, 0, 2000)
	message := quoting(t, 3, 3, 0, 60)
	message6 := quoting6(t, 1, 4, 0, 60)
	six := wire.IPv6{HopLimit: 64, NextHeader: wire.ProtocolTCP, Src: testSrc6, Dst: testDst6}
	extended := chain([]uint8{0, 60}, []string{alert, padded}, wire.ProtocolTCP, s.AppendTo(nil, testSrc6, testDst6))
	advertisement := chain([]uint8{60}, []string{padded}, wire.ProtocolICMPv6, neighbours[2].AppendTo(nil, testSrc6, testDst6))
	for name, do := range map[string]func(){
		"encoding": func() {
			packet = s.AppendTo(h.AppendTo(packet[:0], s.HeaderLen()+len(s.Payload)), testSrc, testDst)
		},
		"decoding": func() {
			c := field.New("IPv4", packet)
			var h wire.IPv4
			var s wire.Segment
			h.Decode(&c)
			s.Decode(&c)
			s.Options.SACK()
			s.Options.Timestamps()
			if c.Err() != nil {
				t.Error(c.Err())
			}
		},
		"encoding IPv6": func() {
			packet = s.AppendTo(six.AppendTo(packet[:0], s.HeaderLen()+len(s.Payload)), testSrc6, testDst6)
		},
		"decoding either version": func() {
			for _, b := range [...][]byte{packet, extended, advertisement} {
				c := field.New("IP", b)
				var h wire.IP
				var s wire.Segment
				var n wire.Neighbour
				h.Decode(&c)
				if h.Protocol == wire.ProtocolTCP {
					s.Decode(&c)
				} else {
					n.Decode(&c)
				}
				if c.Err() != nil {
					t.Error(c.Err())
				}
			}
		},
		"decoding ICMPv6": func() {
			c := field.New("ICMPv6", message6)
			var m wire.ICMP
			if m.DecodeV6(&c) != nil {
				t.Error(c.Err())
			}
		},
		"decoding ICMP": func() {
			c := field.New("ICMP", message)
			var m wire.ICMP
			if m.Decode(&c) != nil {
				t.Error(c.Err())
			}
		},
	} {
		packet = s.AppendTo(h.AppendTo(packet[:0], s.HeaderLen()+len(s.Payload)), testSrc, testDst)
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	s := wire.Segment{SrcPort: 40000, DstPort: 443, Flags: wire.ACK, Payload: make([]byte, 1400)}
	s.Options.AddTimestamps(1, 2)
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: testSrc, Dst: testDst}
	packet := s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), testSrc, testDst)
	b.ReportAllocs()
	for b.Loop() {
		c := field.New("IPv4", packet)
		h.Decode(&c)
		s.Decode(&c)
	}
}

func BenchmarkEncode(b *testing.B) {
	s := wire.Segment{SrcPort: 40000, DstPort: 443, Flags: wire.ACK, Payload: make([]byte, 1400)}
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: testSrc, Dst: testDst}
	buf := make([]byte, 0, 2000)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendTo(h.AppendTo(buf[:0], s.HeaderLen()+len(s.Payload)), testSrc, testDst)
	}
}
