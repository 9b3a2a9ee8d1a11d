package wire_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// gopacket's layers are the oracle: they were written by others, from the same
// RFCs.

var (
	testSrc = netip.MustParseAddr("198.18.0.1")
	testDst = netip.MustParseAddr("198.18.255.254")
)

// randomSegment is a segment whose options are well-formed and of any kind.
func randomSegment(rng *rand.Rand) wire.Segment {
	s := wire.Segment{
		SrcPort: uint16(rng.Uint32()), DstPort: uint16(rng.Uint32()),
		Seq: wire.Seq(rng.Uint32()), Ack: wire.Seq(rng.Uint32()),
		Flags: wire.Flags(rng.Uint32()) & (wire.AE<<1 - 1), Window: uint16(rng.Uint32()), Urgent: uint16(rng.Uint32()),
		Payload: randomBytes(rng, rng.IntN(100)),
	}
	for range rng.IntN(6) {
		switch rng.IntN(7) {
		case 0:
			s.Options.AddMSS(uint16(rng.Uint32()))
		case 1:
			s.Options.AddWindowScale(uint8(rng.Uint32()))
		case 2:
			s.Options.AddSACKPermitted()
		case 3:
			s.Options.AddTimestamps(rng.Uint32(), rng.Uint32())
		case 4:
			s.Options.AddSACK(make([]wire.SACKBlock, 1+rng.IntN(3))...)
		case 5:
			s.Options.Add(wire.OptNOP)
		case 6: // of a kind that nobody knows
			s.Options.Add(wire.OptionKind(100+rng.IntN(100)), randomBytes(rng, rng.IntN(10))...)
		}
	}
	return s
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// Requirements: MUST-68, MUST-69
func TestGopacketDecodesOurSegments(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		s := randomSegment(rng)
		b := s.AppendTo(nil, testSrc, testDst)
		var theirs layers.TCP
		if err := theirs.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
			t.Fatalf("%v\n% x", err, b)
		}
		if diff := differFromTheirs(&s, &theirs); diff != "" {
			t.Fatalf("%s\nours   %+v\ntheirs %+v", diff, s, theirs)
		}
	}
}

func TestWeDecodeGopacketsSegments(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 5000 {
		s := randomSegment(rng)
		theirs := toTheirs(&s)
		buf := gopacket.NewSerializeBuffer()
		ip := layers.IPv4{SrcIP: testSrc.AsSlice(), DstIP: testDst.AsSlice(), Protocol: layers.IPProtocolTCP}
		theirs.SetNetworkLayerForChecksum(&ip)
		opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(buf, opts, &theirs, gopacket.Payload(s.Payload)); err != nil {
			t.Fatal(err)
		}
		ours, err := decodeSegment(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := differFromTheirs(&ours, &theirs); diff != "" || !bytes.Equal(ours.Payload, s.Payload) {
			t.Fatalf("%s\nours   %+v\ntheirs %+v", diff, ours, theirs)
		}
		if sum := wire.TCPChecksum(buf.Bytes(), testSrc, testDst); sum != 0 {
			t.Fatalf("their checksum leaves %#x", sum)
		}
		s.Checksum = ours.Checksum
		if mine := s.AppendTo(nil, testSrc, testDst); !bytes.Equal(mine, buf.Bytes()) {
			t.Fatalf("ours   % x\ntheirs % x", mine, buf.Bytes())
		}
	}
}

func decodeSegment(b []byte) (s wire.Segment, err error) {
	c := field.New("TCP", b)
	s.Decode(&c)
	return s, c.Done()
}

// differFromTheirs compares everything but the checksum.
func differFromTheirs(s *wire.Segment, l *layers.TCP) string {
	flags := wire.Flags(0)
	for i, set := range []bool{l.FIN, l.SYN, l.RST, l.PSH, l.ACK, l.URG, l.ECE, l.CWR, l.NS} {
		if set {
			flags |= 1 << i
		}
	}
	switch {
	case s.SrcPort != uint16(l.SrcPort), s.DstPort != uint16(l.DstPort):
		return "ports"
	case uint32(s.Seq) != l.Seq, uint32(s.Ack) != l.Ack:
		return "sequence numbers"
	case s.Flags != flags, s.Window != l.Window, s.Urgent != l.Urgent:
		return "flags, window or urgent pointer"
	case len(l.Contents) > 0 && s.HeaderLen() != int(l.DataOffset)*4:
		return "data offset"
	}
	i := 0
	for o := range s.Options.All() {
		if i == len(l.Options) {
			return "options missing"
		}
		their := l.Options[i]
		if uint8(o.Kind) != uint8(their.OptionType) || !bytes.Equal(o.Data, their.OptionData) {
			return fmt.Sprintf("option %d: %v", i, their)
		}
		i++
	}
	for ; i < len(l.Options); i++ {
		if l.Options[i].OptionType != layers.TCPOptionKindEndList {
			return "options too many"
		}
	}
	return ""
}

func toTheirs(s *wire.Segment) layers.TCP {
	l := layers.TCP{
		SrcPort: layers.TCPPort(s.SrcPort), DstPort: layers.TCPPort(s.DstPort),
		Seq: uint32(s.Seq), Ack: uint32(s.Ack), Window: s.Window, Urgent: s.Urgent,
		FIN: s.Flags.Has(wire.FIN), SYN: s.Flags.Has(wire.SYN), RST: s.Flags.Has(wire.RST), PSH: s.Flags.Has(wire.PSH),
		ACK: s.Flags.Has(wire.ACK), URG: s.Flags.Has(wire.URG), ECE: s.Flags.Has(wire.ECE), CWR: s.Flags.Has(wire.CWR), NS: s.Flags.Has(wire.AE),
	}
	for o := range s.Options.All() {
		length := uint8(len(o.Data) + 2)
		if o.Kind == wire.OptNOP {
			length = 1
		}
		l.Options = append(l.Options, layers.TCPOption{OptionType: layers.TCPOptionKind(o.Kind), OptionLength: length, OptionData: o.Data})
	}
	return l
}

func randomIPv4(rng *rand.Rand) wire.IPv4 {
	h := wire.IPv4{
		TOS: uint8(rng.Uint32()), ID: uint16(rng.Uint32()), TTL: uint8(rng.Uint32()), Protocol: wire.ProtocolTCP,
		DontFragment: rng.IntN(2) == 0, MoreFragments: rng.IntN(2) == 0, FragmentOffset: uint16(rng.IntN(1 << 13)),
		Src: netip.AddrFrom4([4]byte(randomBytes(rng, 4))), Dst: netip.AddrFrom4([4]byte(randomBytes(rng, 4))),
	}
	for range rng.IntN(3) { // a NOP, and a record route of one address
		h.Options = append(h.Options, 1, 7, 7, 4, 0, 0, 0, 0)
	}
	return h
}

func TestIPv4AgreesWithGopacketBothWays(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 5000 {
		h := randomIPv4(rng)
		payload := randomBytes(rng, rng.IntN(60))
		b := append(h.AppendTo(nil, len(payload)), payload...)

		var theirs layers.IPv4
		if err := theirs.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
			t.Fatalf("%v\n% x", err, b)
		}
		if diff := differFromTheirIPv4(&h, &theirs); diff != "" {
			t.Fatalf("%s\nours   %+v\ntheirs %+v", diff, h, theirs)
		}
		if !bytes.Equal(theirs.Payload, payload) {
			t.Fatalf("payload % x, theirs % x", payload, theirs.Payload)
		}

		buf := gopacket.NewSerializeBuffer()
		opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(buf, opts, &theirs, gopacket.Payload(payload)); err != nil {
			t.Fatal(err)
		}
		c := field.New("IPv4", buf.Bytes())
		var ours wire.IPv4
		ours.Decode(&c)
		got := c.Rest("data")
		c.Leave()
		if err := c.Done(); err != nil {
			t.Fatal(err)
		}
		if diff := differFromTheirIPv4(&ours, &theirs); diff != "" || !bytes.Equal(got, payload) {
			t.Fatalf("%s\nours   %+v\ntheirs %+v", diff, ours, theirs)
		}
		if sum := wire.Checksum(buf.Bytes()[:ours.HeaderLen()]); sum != 0 {
			t.Fatalf("their checksum leaves %#x", sum)
		}
	}
}

func differFromTheirIPv4(h *wire.IPv4, l *layers.IPv4) string {
	flags := layers.IPv4Flag(0)
	if h.DontFragment {
		flags |= layers.IPv4DontFragment
	}
	if h.MoreFragments {
		flags |= layers.IPv4MoreFragments
	}
	switch {
	case h.TOS != l.TOS, h.ID != l.Id, h.TTL != l.TTL, h.Protocol != uint8(l.Protocol):
		return "TOS, ID, TTL or protocol"
	case flags != l.Flags, h.FragmentOffset != l.FragOffset:
		return "fragmentation"
	case !net.IP(h.Src.AsSlice()).Equal(l.SrcIP), !net.IP(h.Dst.AsSlice()).Equal(l.DstIP):
		return "addresses"
	case h.HeaderLen() != int(l.IHL)*4:
		return "header length"
	case h.TotalLength != 0 && h.TotalLength != l.Length:
		return "total length"
	}
	return ""
}
