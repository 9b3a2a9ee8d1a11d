package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A SYN to port 443, as a whole IPv4 packet.
func ExamplePacket_AppendTo() {
	p := wire.Packet{
		IP: wire.IP{Src: netip.MustParseAddr("198.18.0.1"), Dst: netip.MustParseAddr("198.18.0.2"),
			HopLimit: wire.DefaultHopLimit, DontFragment: true},
		Segment: wire.Segment{SrcPort: 40000, DstPort: 443, Seq: 1000, Flags: wire.SYN, Window: 65535},
	}
	p.Segment.Options.AddMSS(1460)
	b := p.AppendTo(nil)
	fmt.Printf("% x\n", b)

	var read wire.Packet
	if err := read.Decode(b, false); err != nil {
		fmt.Println(err)
	}
	mss, _ := read.Segment.Options.MSS()
	fmt.Println(read.Segment.Flags, read.From(), ">", read.To(), "MSS", mss)

	b[30] ^= 1
	fmt.Println(read.Decode(b, false))
	// Output:
	// 45 00 00 2c 00 00 40 00 40 06 ae a4 c6 12 00 01 c6 12 00 02 9c 40 01 bb 00 00 03 e8 00 00 00 00 60 02 ff ff 6a 1b 00 00 02 04 05 b4
	// SYN 198.18.0.1:40000 > 198.18.0.2:443 MSS 1460
	// TCP checksum is wrong
}

// randomPacket is one that AppendTo can say all of.
func randomPacket(rng *rand.Rand) *wire.Packet {
	p := &wire.Packet{Segment: randomSegment(rng)}
	p.IP = wire.IP{TrafficClass: uint8(rng.Uint32()), HopLimit: uint8(rng.Uint32())}
	if rng.IntN(2) == 0 {
		h := randomIPv4(rng)
		p.IP.Src, p.IP.Dst, p.IP.DontFragment = h.Src, h.Dst, h.DontFragment
		p.IP.Fragment.ID = uint32(h.ID)
	} else {
		h := randomIPv6(rng)
		p.IP.Src, p.IP.Dst, p.IP.FlowLabel = h.Src, h.Dst, h.FlowLabel
	}
	return p
}

// gopackets writes the same packet with gopacket.
func gopackets(t *testing.T, p *wire.Packet) []byte {
	t.Helper()
	tcp := toTheirs(&p.Segment)
	var ip interface {
		gopacket.NetworkLayer
		gopacket.SerializableLayer
	}
	if h := &p.IP; h.Src.Is4() {
		v := &layers.IPv4{Version: 4, TOS: h.TrafficClass, Id: uint16(h.Fragment.ID), TTL: h.HopLimit,
			Protocol: layers.IPProtocolTCP, SrcIP: h.Src.AsSlice(), DstIP: h.Dst.AsSlice()}
		if h.DontFragment {
			v.Flags = layers.IPv4DontFragment
		}
		ip = v
	} else {
		ip = &layers.IPv6{Version: 6, TrafficClass: h.TrafficClass, FlowLabel: h.FlowLabel, HopLimit: h.HopLimit,
			NextHeader: layers.IPProtocolTCP, SrcIP: h.Src.AsSlice(), DstIP: h.Dst.AsSlice()}
	}
	tcp.SetNetworkLayerForChecksum(ip)
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, &tcp, gopacket.Payload(p.Segment.Payload)); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestAWholePacketIsGopackets(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 31))
	var read wire.Packet
	for range 3000 {
		p := randomPacket(rng)
		ours, theirs := p.AppendTo([]byte("before"))[6:], gopackets(t, p)
		if !bytes.Equal(ours, theirs) {
			t.Fatalf("ours   % x\ntheirs % x", ours, theirs)
		}
		if err := read.Decode(theirs, false); err != nil || read.Holds != wire.HoldsSegment {
			t.Fatalf("%v, holds %v", err, read.Holds)
		}
		if read.From() != netip.AddrPortFrom(p.IP.Src, p.Segment.SrcPort) || read.To() != netip.AddrPortFrom(p.IP.Dst, p.Segment.DstPort) {
			t.Fatalf("%v > %v", read.From(), read.To())
		}
		if again := read.AppendTo(nil); !bytes.Equal(again, theirs) {
			t.Fatalf("read   % x\ntheirs % x", again, theirs)
		}
	}
}

// Requirements: MUST-3
func TestEveryBitOfAPacketThatAChecksumCoversIsVerified(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 32))
	var read wire.Packet
	for range 20 {
		p := randomPacket(rng)
		b := p.AppendTo(nil)
		from := 0
		if p.IP.Src.Is6() {
			from = 8 * 8 // what stands before the addresses no checksum covers
		}
		for i := from; i < len(b)*8; i++ {
			b[i/8] ^= 1 << (i % 8)
			if read.Decode(b, false) == nil && read.Holds == wire.HoldsSegment {
				t.Fatalf("bit %d of % x", i, b)
			}
			b[i/8] ^= 1 << (i % 8)
		}
	}
}

// A checksum that was left to the network card is taken unread, and can be completed.
func TestAPartialChecksumIsSkippedAndCompleted(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 33))
	var read wire.Packet
	for range 200 {
		p := randomPacket(rng)
		whole := p.AppendTo(nil)
		n := p.Segment.HeaderLen() + len(p.Segment.Payload)
		sum := whole[len(whole)-n+16:]
		right := binary.BigEndian.Uint16(sum)
		partial := wire.PseudoTCPChecksum(n, p.IP.Src, p.IP.Dst)
		if right == partial {
			continue
		}
		binary.BigEndian.PutUint16(sum, partial)
		if err := read.Decode(whole, true); err != nil {
			t.Fatal(err)
		}
		if err := read.Decode(whole, false); !errors.Is(err, wire.ErrChecksum) || !read.ChecksumPartial() {
			t.Fatalf("%v, partial %v", err, read.ChecksumPartial())
		}
		read.CompleteChecksum()
		if err := read.Decode(whole, false); err != nil || read.ChecksumPartial() || binary.BigEndian.Uint16(sum) != right {
			t.Fatalf("completed: %v", err)
		}
		binary.BigEndian.PutUint16(sum, ^right)
		if read.Decode(whole, false); read.ChecksumPartial() && ^right != partial {
			t.Fatal("a wrong checksum counts as a partial one")
		}
	}
}

// A datagram of somebody's own holds nothing for TCP, and a fragment nothing yet.
func TestWhatHoldsNoSegmentIsLeftToTheCaller(t *testing.T) {
	p := randomPacket(rand.New(rand.NewPCG(34, 34)))
	p.IP = wire.IP{Src: testSrc, Dst: testDst, HopLimit: 9}
	whole := p.AppendTo(nil)
	segment := whole[wire.IPv4HeaderLen:]
	cut := len(segment) / 16 * 8

	var read wire.Packet
	udp := p.IP
	udp.Protocol = 17
	if err := read.Decode(append(udp.AppendTo(nil, 3), "abc"...), false); err != nil || read.Holds != wire.HoldsOther || string(read.Payload()) != "abc" {
		t.Errorf("UDP: %v, %v, %q", err, read.Holds, read.Payload())
	}
	first, last := p.IP, p.IP
	first.Protocol, first.Fragment = wire.ProtocolTCP, wire.Fragment{ID: 5, More: true}
	last.Protocol, last.Fragment = wire.ProtocolTCP, wire.Fragment{ID: 5, Offset: cut}
	var parts []byte
	for _, b := range [][]byte{append(first.AppendTo(nil, cut), segment[:cut]...), append(last.AppendTo(nil, len(segment)-cut), segment[cut:]...)} {
		if err := read.Decode(b, false); err != nil || read.Holds != wire.HoldsOther || !read.IP.Fragment.Partial() {
			t.Fatalf("a fragment: %v, %v, %+v", err, read.Holds, read.IP.Fragment)
		}
		parts = append(parts, read.Payload()...)
	}
	if err := read.DecodePayload(parts); err != nil || read.Holds != wire.HoldsSegment || !bytes.Equal(read.Segment.Payload, p.Segment.Payload) {
		t.Errorf("put together: %v, %v", err, read.Holds)
	}
	parts[len(parts)-1] ^= 1
	if err := read.DecodePayload(parts); !errors.Is(err, wire.ErrChecksum) {
		t.Errorf("put together, and damaged: %v", err)
	}
	refused := chain([]uint8{wire.NextRouting}, []string{routeType0}, wire.ProtocolTCP, segment)
	if err := read.Decode(refused, false); err != nil || read.Holds != wire.HoldsOther || read.IP.Refusal == "" {
		t.Errorf("what must be dropped: %v, %v", err, read.Holds)
	}
}

func TestICMPOfBothVersionsIsGopackets(t *testing.T) {
	rng := rand.New(rand.NewPCG(35, 35))
	var read wire.Packet
	for range 300 {
		p := randomPacket(rng)
		quoted := p.AppendTo(nil)
		h := wire.IP{Src: p.IP.Dst, Dst: p.IP.Src, HopLimit: 9}
		m := wire.ICMP{Type: wire.ICMPUnreachable, Code: wire.ICMPFragmentationNeeded, Rest: 1300}
		first, next := layers.LayerTypeIPv4, layers.LayerTypeICMPv4
		if h.Src.Is6() {
			m = wire.ICMP{Type: wire.ICMPv6TooBig, Rest: 1300}
			first, next = layers.LayerTypeIPv6, layers.LayerTypeICMPv6
		}
		b := h.AppendICMP(nil, &m, quoted)
		if err := read.Decode(b, false); err != nil || read.Holds != wire.HoldsICMP || read.ICMP.MTU() != 1300 ||
			read.ICMP.From != h.Src || read.ICMP.Quoted.Dst != p.IP.Dst || read.ICMP.DstPort != p.Segment.DstPort {
			t.Fatalf("%v: %+v", err, read.ICMP)
		}
		theirs := gopacket.NewPacket(b, first, gopacket.NoCopy)
		if theirs.Layer(next) == nil {
			t.Fatalf("gopacket: %v", theirs)
		}
		if written := rewritten(t, theirs, next); !bytes.Equal(written, b) {
			t.Fatalf("ours   % x\ntheirs % x", b, written)
		}
		b[len(b)-1] ^= 1
		if err := read.Decode(b, false); !errors.Is(err, wire.ErrChecksum) {
			t.Fatalf("damaged: %v", err)
		}
	}
}

// rewritten is a packet written by gopacket, with its own lengths and checksums.
func rewritten(t *testing.T, p gopacket.Packet, icmp gopacket.LayerType) []byte {
	t.Helper()
	l := p.Layer(icmp)
	if six, ok := l.(*layers.ICMPv6); ok {
		six.SetNetworkLayerForChecksum(p.NetworkLayer())
	}
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, p.NetworkLayer().(gopacket.SerializableLayer), l.(gopacket.SerializableLayer), gopacket.Payload(l.LayerPayload())); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestAPacketIsReadAndWrittenWithoutAllocating(t *testing.T) {
	rng := rand.New(rand.NewPCG(36, 36))
	var read wire.Packet
	buf := make([]byte, 0, 1<<11)
	for range 20 {
		p := randomPacket(rng)
		b := p.AppendTo(nil)
		if n := testing.AllocsPerRun(20, func() {
			if read.Decode(b, false) != nil || len(read.AppendTo(buf)) != len(b) {
				t.Fatal("not the same")
			}
		}); n != 0 {
			t.Fatalf("%v allocations", n)
		}
	}
}

// What is taken, gopacket reads in the same way; and what is read aliases its packet.
func FuzzPacket(f *testing.F) {
	rng := rand.New(rand.NewPCG(37, 37))
	for range 6 {
		f.Add(randomPacket(rng).AppendTo(nil))
	}
	f.Add(chain([]uint8{0, 60, 43, 44, 60}, []string{alert, padded, routeEnded, atomic, padded}, wire.ProtocolTCP, []byte("payload")))
	f.Add(chain([]uint8{60}, []string{padded}, wire.ProtocolICMPv6, quoting6(f, 2, 0, 1400, 80)))
	f.Fuzz(func(t *testing.T, b []byte) {
		recordsEveryByte(t, wire.Root(b), b, func(c *field.Cursor) {
			new(wire.Packet).DecodeFields(c)
			c.Rest("padding")
		})
		var p wire.Packet
		if p.Decode(b, false) != nil || p.Holds != wire.HoldsSegment {
			return
		}
		if len(p.Payload()) != p.Segment.HeaderLen()+len(p.Segment.Payload) && !p.Segment.Options.Malformed() {
			t.Fatalf("%d bytes behind the headers, of which the segment takes %d and %d", len(p.Payload()), p.Segment.HeaderLen(), len(p.Segment.Payload))
		}
		var again wire.Packet
		if err := again.Decode(p.AppendTo(nil), false); err != nil || again.From() != p.From() || again.To() != p.To() ||
			again.Segment.Flags != p.Segment.Flags || again.Segment.Seq != p.Segment.Seq || !bytes.Equal(again.Segment.Payload, p.Segment.Payload) {
			t.Fatalf("written again: %v, %+v, want %+v", err, again, p)
		}
		theirs := gopacket.NewPacket(b[:p.IP.TotalLength], map[uint8]gopacket.LayerType{4: layers.LayerTypeIPv4, 6: layers.LayerTypeIPv6}[p.IP.Version], gopacket.NoCopy)
		if tcp, ok := theirs.TransportLayer().(*layers.TCP); ok && (uint16(tcp.SrcPort) != p.Segment.SrcPort || tcp.Seq != uint32(p.Segment.Seq) || tcp.SYN != p.Segment.Flags.Has(wire.SYN)) {
			t.Fatalf("gopacket reads %+v, we %+v", tcp, p.Segment)
		}
	})
}
