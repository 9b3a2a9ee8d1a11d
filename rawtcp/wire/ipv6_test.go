package wire_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

var (
	testSrc6 = netip.MustParseAddr("2001:db8::1")
	testDst6 = netip.MustParseAddr("2001:db8:ffff::fffe")
)

func randomIPv6(rng *rand.Rand) wire.IPv6 {
	return wire.IPv6{
		TrafficClass: uint8(rng.Uint32()), FlowLabel: rng.Uint32() & 0xfffff,
		NextHeader: wire.ProtocolTCP, HopLimit: uint8(rng.Uint32()),
		Src: netip.AddrFrom16([16]byte(randomBytes(rng, 16))), Dst: netip.AddrFrom16([16]byte(randomBytes(rng, 16))),
	}
}

func TestIPv6AgreesWithGopacketBothWays(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 21))
	for range 5000 {
		h := randomIPv6(rng)
		payload := randomBytes(rng, 1+rng.IntN(60)) // gopacket takes an empty one for a jumbogram
		b := append(h.AppendTo(nil, len(payload)), payload...)
		var theirs layers.IPv6
		if err := theirs.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
			t.Fatalf("%v\n% x", err, b)
		}
		buf := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, &theirs, gopacket.Payload(payload)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, buf.Bytes()) {
			t.Fatalf("ours   % x\ntheirs % x", b, buf.Bytes())
		}
		c := field.New("IPv6", b)
		var ours wire.IPv6
		ours.Decode(&c)
		got := c.Rest("data")
		c.Leave()
		if err := c.Done(); err != nil {
			t.Fatal(err)
		}
		h.PayloadLength = uint16(len(payload))
		if ours != h || !bytes.Equal(got, payload) {
			t.Fatalf("got %+v, want %+v", ours, h)
		}
		if theirs.TrafficClass != h.TrafficClass || theirs.FlowLabel != h.FlowLabel || theirs.HopLimit != h.HopLimit ||
			!theirs.SrcIP.Equal(net.IP(h.Src.AsSlice())) || !theirs.DstIP.Equal(net.IP(h.Dst.AsSlice())) {
			t.Fatalf("theirs %+v, want %+v", theirs, h)
		}
	}
}

func TestTCPAndICMPv6ChecksumsAgreeWithGopacket(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 22))
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	for range 1000 {
		h, s := randomIPv6(rng), randomSegment(rng)
		ip := layers.IPv6{Version: 6, SrcIP: h.Src.AsSlice(), DstIP: h.Dst.AsSlice(), NextHeader: layers.IPProtocolTCP}
		theirs := toTheirs(&s)
		theirs.SetNetworkLayerForChecksum(&ip)
		buf := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(buf, opts, &theirs, gopacket.Payload(s.Payload)); err != nil {
			t.Fatal(err)
		}
		if ours := s.AppendTo(nil, h.Src, h.Dst); !bytes.Equal(ours, buf.Bytes()) {
			t.Fatalf("ours   % x\ntheirs % x", ours, buf.Bytes())
		}
		msg := layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(1, 4)}
		ip.NextHeader = layers.IPProtocolICMPv6
		msg.SetNetworkLayerForChecksum(&ip)
		buf.Clear()
		if err := gopacket.SerializeLayers(buf, opts, &msg, gopacket.Payload(s.Payload)); err != nil {
			t.Fatal(err)
		}
		if sum := wire.ICMPv6Checksum(buf.Bytes(), h.Src, h.Dst); sum != 0 {
			t.Fatalf("their checksum leaves %#x", sum)
		}
	}
}

// chain makes a packet with the extension headers given, each without its
// first byte; first and next are the kinds of headers.
func chain(kinds []uint8, headers []string, last uint8, payload []byte) []byte {
	var body []byte
	next := append(kinds[1:len(kinds):len(kinds)], last)
	for i, h := range headers {
		body = append(append(body, next[i]), h...)
	}
	body = append(body, payload...)
	h := wire.IPv6{NextHeader: kinds[0], HopLimit: 64, Src: testSrc6, Dst: testDst6}
	return append(h.AppendTo(nil, len(body)), body...)
}

const (
	padded      = "\x00\x01\x04\x00\x00\x00\x00"         // six bytes of PadN
	alert       = "\x00\x05\x02\x00\x00\x01\x00"         // router alert, and PadN of none
	routeEnded  = "\x00\x00\x00\x00\x00\x00\x00"         // type 0, no segments left
	routeType0  = "\x00\x00\x01\x00\x00\x00\x00"         // type 0, one left
	routeType4  = "\x00\x04\x01\x00\x00\x00\x00"         // type 4, one left
	unknownSkip = "\x00\x1e\x04\x00\x00\x00\x00"         // action 00
	unknownDrop = "\x00\x5e\x04\x00\x00\x00\x00"         // action 01
	atomic      = "\x00\x00\x00\x00\x00\x00\x2a"         // offset 0, the last
	second      = "\x00\x00\x10\x00\x00\x00\x2a"         // offset 16, the last
	firstOf     = "\x00\x00\x01\x00\x00\x00\x2a"         // offset 0, more
	jumbo       = "\x00\xc2\x04\x00\x01\x00\x00"         // RFC 2675
	pads        = "\x00\x00\x00\x00\x00\x00\x00"         // Pad1, six times
	long        = "\x01\x01\x0c\x00\x00\x00\x00\x00\x00" // 16 bytes
	longRest    = "\x00\x00\x00\x00\x00\x00"
)

func TestExtensionHeadersAreWalked(t *testing.T) {
	const hbh, rt, fr, dst, tcp = wire.NextHopByHop, wire.NextRouting, wire.NextFragment, wire.NextDestination, wire.ProtocolTCP
	for _, tc := range []struct {
		name    string
		kinds   []uint8
		headers []string
		last    uint8
		refusal string
		err     string
		frag    wire.Fragment
	}{
		{name: "all in the order of RFC 8200", kinds: []uint8{hbh, dst, rt, fr, dst}, headers: []string{alert, padded, routeEnded, atomic, padded}, last: tcp, frag: wire.Fragment{ID: 42}},
		{name: "in no order", kinds: []uint8{dst, rt, dst}, headers: []string{pads, routeEnded, unknownSkip}, last: tcp},
		{name: "a long one", kinds: []uint8{dst}, headers: []string{long + longRest}, last: tcp},
		{name: "hop-by-hop behind another", kinds: []uint8{dst, hbh}, headers: []string{padded, padded}, last: tcp, refusal: "hop-by-hop"},
		{name: "routing type 0", kinds: []uint8{rt}, headers: []string{routeType0}, last: tcp, refusal: "RFC 5095"},
		{name: "routing type 4", kinds: []uint8{rt}, headers: []string{routeType4}, last: tcp, refusal: "forwards nothing"},
		{name: "an option to drop for", kinds: []uint8{dst}, headers: []string{unknownDrop}, last: tcp, refusal: "must not be skipped"},
		{name: "a jumbogram", kinds: []uint8{hbh}, headers: []string{jumbo}, last: tcp, refusal: "must not be skipped"},
		{name: "a second fragment", kinds: []uint8{fr}, headers: []string{second}, last: dst, frag: wire.Fragment{ID: 42, Offset: 16}},
		{name: "a first fragment", kinds: []uint8{fr}, headers: []string{firstOf}, last: dst, frag: wire.Fragment{ID: 42, More: true}},
		{name: "as many as may be", kinds: bytes.Repeat([]byte{dst}, 8), headers: strings.Split(strings.Repeat(padded+",", 7)+padded, ","), last: tcp},
		{name: "too many", kinds: bytes.Repeat([]byte{dst}, 9), headers: strings.Split(strings.Repeat(padded+",", 8)+padded, ","), last: tcp, err: "more than 8 extension headers"},
		{name: "past the end", kinds: []uint8{dst}, headers: []string{"\x05\x01\x04\x00\x00\x00\x00"}, last: tcp, err: "IPv6.payload.destination_options.options at byte 42: needs 46 bytes"},
		{name: "an option past its header", kinds: []uint8{hbh}, headers: []string{"\x00\x01\x05\x00\x00\x00\x00"}, last: tcp, err: "IPv6.payload.hop_by_hop_options.options[0].data at byte 43: length 5 exceeds the 4 bytes left"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := chain(tc.kinds, tc.headers, tc.last, []byte("payload"))
			var h wire.IP
			c := field.New("IPv6", b)
			h.Decode(&c)
			got := string(c.Rest("data"))
			c.Leave()
			err := c.Done()
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || got != "payload" || h.Protocol != tc.last || h.HeaderLen() != len(b)-7 || h.TotalLength != len(b) {
				t.Fatalf("%v: %q behind %+v", err, got, h)
			}
			if h.Fragment != tc.frag || (h.Refusal == "") != (tc.refusal == "") || !strings.Contains(h.Refusal, tc.refusal) {
				t.Errorf("fragment %+v, refusal %q", h.Fragment, h.Refusal)
			}
			recordsEveryByte(t, "IPv6", b, decodeAnyPacket)
		})
	}
}

// decodeAnyPacket reads a packet of either version, and what is in it.
func decodeAnyPacket(c *field.Cursor) {
	var h wire.IP
	h.Decode(c)
	switch {
	case h.Fragment.Partial():
		c.Rest("data")
	case h.Protocol == wire.ProtocolTCP:
		new(wire.Segment).Decode(c)
	case h.Protocol == wire.ProtocolICMPv6:
		new(wire.ICMP).DecodeV6(c)
	default:
		c.Rest("data")
	}
	c.Leave()
	c.Rest("padding")
}

func TestIPSaysTheSameOfBothVersions(t *testing.T) {
	s := wire.Segment{SrcPort: 1, DstPort: 2, Payload: []byte("hi")}
	four := wire.IPv4{TTL: 9, TOS: 3, ID: 7, FragmentOffset: 3, MoreFragments: true, Protocol: wire.ProtocolTCP, Src: testSrc, Dst: testDst, Options: []byte{1, 1, 1, 1}}
	six := wire.IPv6{HopLimit: 9, TrafficClass: 3, FlowLabel: 0x12345, NextHeader: wire.ProtocolTCP, Src: testSrc6, Dst: testDst6}
	for _, tc := range []struct {
		b       []byte
		version uint8
		src     netip.Addr
		header  int
		frag    wire.Fragment
		label   uint32
	}{
		{four.AppendTo(nil, 22), 4, testSrc, 24, wire.Fragment{ID: 7, Offset: 24, More: true}, 0},
		{six.AppendTo(nil, 22), 6, testSrc6, 40, wire.Fragment{}, 0x12345},
	} {
		b := s.AppendTo(tc.b, testSrc, testDst)
		c := field.New(wire.Root(b), b)
		var h wire.IP
		if err := h.Decode(&c); err != nil {
			t.Fatal(err)
		}
		if h.Version != tc.version || h.HopLimit != 9 || h.TrafficClass != 3 || h.Src != tc.src || h.Protocol != wire.ProtocolTCP ||
			h.HeaderLen() != tc.header || h.TotalLength != tc.header+22 || h.Fragment != tc.frag || h.FlowLabel != tc.label {
			t.Errorf("%+v", h)
		}
	}
}

func FuzzIP(f *testing.F) {
	rng := rand.New(rand.NewPCG(23, 23))
	for range 3 {
		h, s := randomIPv6(rng), randomSegment(rng)
		f.Add(s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), h.Src, h.Dst))
	}
	f.Add(chain([]uint8{0, 60, 43, 44, 60}, []string{alert, padded, routeEnded, atomic, padded}, wire.ProtocolTCP, []byte("payload")))
	f.Add(chain([]uint8{44}, []string{second}, wire.NextDestination, []byte("payload")))
	f.Add(chain([]uint8{43}, []string{routeType0}, wire.NextNone, nil))
	f.Add(append(chain([]uint8{60}, []string{padded}, wire.ProtocolICMPv6, quoting6(f, 2, 0, 1400, 80)), 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		recordsEveryByte(t, wire.Root(b), b, decodeAnyPacket)
		var h wire.IP
		c := field.New(wire.Root(b), b)
		if h.Decode(&c) != nil {
			return
		}
		if h.HeaderLen() > h.TotalLength || h.TotalLength > len(b) || len(c.Ahead()) != h.TotalLength-h.HeaderLen() {
			t.Fatalf("%d bytes: header %d of total %d, %d ahead", len(b), h.HeaderLen(), h.TotalLength, len(c.Ahead()))
		}
	})
}
