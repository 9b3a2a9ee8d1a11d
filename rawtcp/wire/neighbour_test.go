package wire_test

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

var neighbours = []wire.Neighbour{
	{Type: wire.NeighbourSolicitation, Target: testDst6, Hardware: [6]byte{2, 0, 0, 0, 0, 1}, HasHardware: true},
	{Type: wire.NeighbourSolicitation, Target: testDst6},
	{Type: wire.NeighbourAdvertisement, Solicited: true, Override: true, Target: testDst6, Hardware: [6]byte{2, 0, 0, 0, 0, 2}, HasHardware: true},
	{Type: wire.NeighbourAdvertisement, Router: true, Target: testDst6},
}

func decodeNeighbour(b []byte) (n wire.Neighbour, err error) {
	c := field.New("ICMPv6", b)
	n.Decode(&c)
	return n, c.Done()
}

func TestGopacketReadsOurNeighbourDiscovery(t *testing.T) {
	for _, n := range neighbours {
		b := n.AppendTo(nil, testSrc6, testDst6)
		if wire.ICMPv6Checksum(b, testSrc6, testDst6) != 0 {
			t.Error("checksum")
		}
		p := gopacket.NewPacket(b, layers.LayerTypeICMPv6, gopacket.Default)
		var target net.IP
		var options layers.ICMPv6Options
		want := layers.ICMPv6OptTargetAddress
		switch n.Type {
		case wire.NeighbourSolicitation:
			l, ok := p.Layer(layers.LayerTypeICMPv6NeighborSolicitation).(*layers.ICMPv6NeighborSolicitation)
			if !ok {
				t.Fatalf("not a solicitation to gopacket: %v", p)
			}
			target, options, want = l.TargetAddress, l.Options, layers.ICMPv6OptSourceAddress
		default:
			l, ok := p.Layer(layers.LayerTypeICMPv6NeighborAdvertisement).(*layers.ICMPv6NeighborAdvertisement)
			if !ok {
				t.Fatalf("not an advertisement to gopacket: %v", p)
			}
			if l.Router() != n.Router || l.Solicited() != n.Solicited || l.Override() != n.Override {
				t.Errorf("flags %#x of %+v", l.Flags, n)
			}
			target, options = l.TargetAddress, l.Options
		}
		if !target.Equal(net.IP(n.Target.AsSlice())) {
			t.Errorf("target %v", target)
		}
		if n.HasHardware != (len(options) == 1) || n.HasHardware && (options[0].Type != want || !bytes.Equal(options[0].Data, n.Hardware[:])) {
			t.Errorf("options %v of %+v", options, n)
		}
		got, err := decodeNeighbour(b)
		if err != nil || got != n {
			t.Errorf("round trip: %+v, %v", got, err)
		}
	}
}

func TestNeighbourDiscoverySkipsOtherOptionsAndRefusesEmptyOnes(t *testing.T) {
	nonce := "\x0e\x01nonce!" // RFC 3971
	b := append(neighbours[1].AppendTo(nil, testSrc6, testDst6), nonce+"\x01\x01\x02\x00\x00\x00\x00\x09"...)
	n, err := decodeNeighbour(b)
	if err != nil || !n.HasHardware || n.Hardware[5] != 9 {
		t.Errorf("%+v, %v", n, err)
	}
	for name, tc := range map[string]struct {
		b    []byte
		want string
	}{
		"empty option":      {append(neighbours[1].AppendTo(nil, testSrc6, testDst6), 1, 0, 0, 0, 0, 0, 0, 0), "options[0].length"},
		"past the end":      {append(neighbours[1].AppendTo(nil, testSrc6, testDst6), 1, 2, 0, 0, 0, 0, 0, 0), "options[0].data"},
		"code":              {[]byte{135, 1}, "code at byte 1: 1, expected 0"},
		"other type":        {[]byte{128, 0}, "type at byte 0: 128"},
		"short":             {neighbours[1].AppendTo(nil, testSrc6, testDst6)[:23], "target_address"},
		"multicast target ": {(&wire.Neighbour{Type: 135, Target: netip.MustParseAddr("ff02::1")}).AppendTo(nil, testSrc6, testDst6), "multicast"},
	} {
		if _, err := decodeNeighbour(tc.b); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSolicitedNodeGroups(t *testing.T) {
	// The example of RFC 4291, section 2.7.1.
	group := wire.SolicitedNode(netip.MustParseAddr("4037::01:800:200e:8c6c"))
	if group != netip.MustParseAddr("ff02::1:ff0e:8c6c") {
		t.Errorf("group %v", group)
	}
	if hw := wire.MulticastHardware(group); hw != [6]byte{0x33, 0x33, 0xff, 0x0e, 0x8c, 0x6c} {
		t.Errorf("hardware address % x", hw)
	}
}

func FuzzNeighbour(f *testing.F) {
	for _, n := range neighbours {
		f.Add(n.AppendTo(nil, testSrc6, testDst6))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		recordsEveryByte(t, "ICMPv6", b, func(c *field.Cursor) { new(wire.Neighbour).Decode(c) })
		n, err := decodeNeighbour(b)
		if err != nil {
			return
		}
		again, err := decodeNeighbour(n.AppendTo(nil, testSrc6, testDst6))
		if err != nil || again != n {
			t.Errorf("decoded and encoded again:\n%+v\n%+v, %v", n, again, err)
		}
	})
}
