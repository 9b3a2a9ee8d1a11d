package wire_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

func TestChecksumOfRFC1071sExample(t *testing.T) {
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7} // section 3
	if got := wire.Checksum(b); got != ^uint16(0xddf2) {
		t.Errorf("checksum %#04x, want %#04x", got, ^uint16(0xddf2))
	}
}

// slowChecksum is RFC 1071's definition, a 16-bit word at a time.
func slowChecksum(b []byte) uint16 {
	sum := uint32(0)
	for i, x := range b {
		if i%2 == 0 {
			sum += uint32(x) << 8
		} else {
			sum += uint32(x)
		}
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func TestChecksumOfEveryLengthAndAlignment(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	b := randomBytes(rng, 300)
	for from := range 9 {
		for to := from; to <= len(b); to++ {
			if got, want := wire.Checksum(b[from:to]), slowChecksum(b[from:to]); got != want {
				t.Fatalf("b[%d:%d]: %#04x, want %#04x", from, to, got, want)
			}
		}
	}
	ones := make([]byte, 1<<16)
	for i := range ones {
		ones[i] = 0xff
	}
	if got := wire.Checksum(ones); got != 0 {
		t.Errorf("of 64 KiB of ones: %#04x", got)
	}
}

// Requirements: MUST-2
func TestChecksumOfOurSegmentsIsGopackets(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	src6, dst6 := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:0:1::2")
	for range 2000 {
		s := randomSegment(rng)
		for _, six := range []bool{false, true} {
			src, dst := testSrc, testDst
			var ip gopacket.NetworkLayer = &layers.IPv4{SrcIP: src.AsSlice(), DstIP: dst.AsSlice(), Protocol: layers.IPProtocolTCP}
			if six {
				src, dst = src6, dst6
				ip = &layers.IPv6{SrcIP: src.AsSlice(), DstIP: dst.AsSlice(), NextHeader: layers.IPProtocolTCP}
			}
			mine := s.AppendTo(nil, src, dst)
			theirs := toTheirs(&s)
			theirs.SetNetworkLayerForChecksum(ip)
			buf := gopacket.NewSerializeBuffer()
			opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
			if err := gopacket.SerializeLayers(buf, opts, &theirs, gopacket.Payload(s.Payload)); err != nil {
				t.Fatal(err)
			}
			got, want := binary.BigEndian.Uint16(mine[16:]), binary.BigEndian.Uint16(buf.Bytes()[16:])
			if got != want {
				t.Fatalf("IPv6 %v: %#04x, want %#04x", six, got, want)
			}
			if wire.TCPChecksum(mine, src, dst) != 0 {
				t.Fatal("a right checksum does not come to 0")
			}
		}
	}
}

func TestCompleteTCPChecksum(t *testing.T) {
	s := randomSegment(rand.New(rand.NewPCG(6, 6)))
	b := s.AppendTo(nil, testSrc, testDst)
	want := binary.BigEndian.Uint16(b[16:])
	b[16], b[17] = 0xab, 0xcd // what offloading leaves there
	wire.CompleteTCPChecksum(b, testSrc, testDst)
	if got := binary.BigEndian.Uint16(b[16:]); got != want {
		t.Errorf("%#04x, want %#04x", got, want)
	}
	short := []byte{1, 2, 3}
	wire.CompleteTCPChecksum(short, testSrc, testDst) // left alone
	if string(short) != "\x01\x02\x03" {
		t.Errorf("% x", short)
	}
}

// Requirements: MUST-3
func TestAFlippedBitIsDetected(t *testing.T) {
	s := randomSegment(rand.New(rand.NewPCG(7, 7)))
	b := s.AppendTo(nil, testSrc, testDst)
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if wire.TCPChecksum(b, testSrc, testDst) == 0 {
			t.Fatalf("bit %d", i)
		}
		b[i/8] ^= 1 << (i % 8)
	}
}
