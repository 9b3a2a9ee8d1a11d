package wire_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// quoting is an ICMP message of gopacket's making that quotes the first n
// bytes of a packet of ours.
func quoting(t testing.TB, typ, code uint8, rest uint16, n int) []byte {
	s := wire.Segment{SrcPort: 40000, DstPort: 443, Seq: 0xdeadbeef, Flags: wire.ACK, Payload: make([]byte, 100)}
	h := wire.IPv4{TTL: 1, Protocol: wire.ProtocolTCP, Src: testSrc, Dst: testDst, Options: []byte{1, 1, 1, 1}}
	packet := s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), testSrc, testDst)
	msg := layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(typ, code), Seq: rest}
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{ComputeChecksums: true}, &msg, gopacket.Payload(packet[:n])); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestICMPQuotesOurSegment(t *testing.T) {
	for _, n := range []int{24 + 8, 24 + 20, 144} {
		b := quoting(t, wire.ICMPUnreachable, wire.ICMPFragmentationNeeded, 1400, n)
		c := field.New("ICMP", b)
		var m wire.ICMP
		m.Decode(&c)
		if err := c.Done(); err != nil {
			t.Fatalf("%d bytes quoted: %v", n, err)
		}
		want := netip.AddrPortFrom(testDst, 443)
		if m.SrcPort != 40000 || netip.AddrPortFrom(m.Quoted.Dst, m.DstPort) != want || m.Seq != 0xdeadbeef || m.Quoted.Src != testSrc {
			t.Errorf("%d bytes quoted: %+v", n, m)
		}
		if m.MTU() != 1400 || m.String() != "fragmentation needed" || !m.IsError() {
			t.Errorf("%v, MTU %d", &m, m.MTU())
		}
		if wire.Checksum(b) != 0 {
			t.Error("checksum")
		}
	}
}

func TestICMPThatQuotesTooLittle(t *testing.T) {
	for n := range 24 + 8 {
		c := field.New("ICMP", quoting(t, wire.ICMPUnreachable, 1, 0, n))
		var m wire.ICMP
		m.Decode(&c)
		if c.Done() == nil {
			t.Errorf("%d bytes quoted were enough", n)
		}
	}
}

func TestICMPThatIsNoError(t *testing.T) {
	c := field.New("ICMP", []byte{8, 0, 0, 0, 0, 1, 0, 2, 'd', 'a', 't', 'a'})
	var m wire.ICMP
	m.Decode(&c)
	if err := c.Done(); err != nil || m.IsError() || m.MTU() != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestICMPMessagesAreNamed(t *testing.T) {
	for want, m := range map[string]wire.ICMP{
		"port unreachable":             {Type: 3, Code: 3},
		"administratively prohibited":  {Type: 3, Code: 13},
		"time exceeded":                {Type: 11},
		"parameter problem":            {Type: 12},
		"ICMP type 3 code 200":         {Type: 3, Code: 200},
		"host unreachable for this se": {Type: 3, Code: 12},
	} {
		if !strings.HasPrefix(m.String(), want) {
			t.Errorf("%q, want %q", m.String(), want)
		}
	}
}

func TestIPv4ErrorsSayWhichField(t *testing.T) {
	h := wire.IPv4{TTL: 1, Protocol: wire.ProtocolTCP, Src: testSrc, Dst: testDst}
	for _, tc := range []struct {
		name string
		edit func([]byte)
		want string
	}{
		{"version", func(b []byte) { b[0] = 0x65 }, "IPv4.version_ihl at byte 0: version 6, expected 4"},
		{"short header", func(b []byte) { b[0] = 0x44 }, "header of 16 bytes"},
		{"total length", func(b []byte) { b[3] = 19 }, "total length 19 is less than"},
		{"longer than there is", func(b []byte) { b[3] = 41 }, "IPv4.payload at byte 20: needs 21 bytes, 20 left"},
		{"options past the end", func(b []byte) { b[0] = 0x4f; b[3] = 60 }, "IPv4.options at byte 20: needs 40 bytes, 20 left"},
	} {
		b := append(h.AppendTo(nil, 20), make([]byte, 20)...)
		tc.edit(b)
		c := field.New("IPv4", b)
		var got wire.IPv4
		err := got.Decode(&c)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestLinkPaddingStaysOutsideThePayload(t *testing.T) {
	h := wire.IPv4{TTL: 1, Protocol: wire.ProtocolTCP, Src: testSrc, Dst: testDst}
	b := append(h.AppendTo(nil, 2), "hi\x00\x00\x00\x00"...)
	c := field.New("IPv4", b)
	h.Decode(&c)
	if got := string(c.Rest("data")); got != "hi" {
		t.Errorf("payload %q", got)
	}
	c.Leave()
	if c.Left() != 4 {
		t.Errorf("%d bytes of padding, want 4", c.Left())
	}
}
