package wire_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	macs   = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01"
	four   = "\x45\x00\x00\x14\x00\x00\x00\x00\x40\x06\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02"
	cooked = "\x00\x04\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00"
)

var links = []struct {
	name   string
	link   wire.LinkType
	header string
	vlans  []uint16
}{
	{"Ethernet", wire.LinkEthernet, macs + "\x08\x00", nil},
	{"802.1Q", wire.LinkEthernet, macs + "\x81\x00\x60\x05\x08\x00", []uint16{5}},
	{"802.1ad", wire.LinkEthernet, macs + "\x88\xa8\x00\x07\x81\x00\x00\x05\x08\x00", []uint16{7, 5}},
	{"QinQ", wire.LinkEthernet, macs + "\x91\x00\x00\x07\x81\x00\x00\x05\x08\x00", []uint16{7, 5}},
	{"MPLS", wire.LinkEthernet, macs + "\x88\x47\x00\x01\x00\x40\x00\x02\x01\x40", nil},
	{"PPPoE", wire.LinkEthernet, macs + "\x88\x64\x11\x00\x00\x09\x00\x16\x00\x21", nil},
	{"PPPoE, shortened", wire.LinkEthernet, macs + "\x88\x64\x11\x00\x00\x09\x00\x15\x21", nil},
	{"PPPoE in a VLAN", wire.LinkEthernet, macs + "\x81\x00\x00\x07\x88\x64\x11\x00\x00\x09\x00\x16\x00\x21", []uint16{7}},
	{"cooked", wire.LinkCooked, cooked + "\x08\x00", nil},
	{"cooked, without an address", wire.LinkCooked, "\x00\x04\xff\xfe\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00", nil},
	{"cooked, in a VLAN", wire.LinkCooked, cooked + "\x81\x00\x00\x05\x08\x00", []uint16{5}},
	{"cooked v2", wire.LinkCooked2, "\x08\x00\x00\x00\x00\x00\x00\x02\x00\x01\x04\x06\x02\x00\x00\x00\x00\x01\x00\x00", nil},
	{"null", wire.LinkNull, "\x02\x00\x00\x00", nil},
	{"loop", wire.LinkLoop, "\x00\x00\x00\x02", nil},
	{"raw", wire.LinkRaw, "", nil},
}

// throughLink decodes a frame of one IPv4 header, and what is behind it.
func throughLink(c *field.Cursor, link wire.LinkType) (h wire.LinkHeader, err error) {
	if err = h.Decode(c, link); err == nil {
		c.Bytes("IPv4", wire.IPv4HeaderLen)
		h.Trailer(c)
	}
	return h, err
}

func TestEveryKindOfLinkLeadsToItsPacket(t *testing.T) {
	for _, tc := range links {
		for _, trailer := range []string{"", "\x00\x00"} {
			frame := []byte(tc.header + four + trailer)
			recordsEveryByte(t, "frame", frame, func(c *field.Cursor) {
				h, err := throughLink(c, tc.link)
				if err != nil || !slices.Equal(h.VLANs, tc.vlans) || h.Type != tc.link {
					t.Errorf("%s: %+v, %v", tc.name, h, err)
				}
			})
		}
		for n := range len(tc.header) {
			c := field.New("frame", []byte(tc.header[:n]))
			if _, err := throughLink(&c, tc.link); err == nil {
				t.Errorf("%s: a header cut to %d bytes is accepted", tc.name, n)
			}
		}
	}
}

func TestAFrameWithoutAnIPPacketIsNone(t *testing.T) {
	for name, tc := range map[string]struct {
		link  wire.LinkType
		frame string
		want  error
	}{
		"ARP":               {wire.LinkEthernet, macs + "\x08\x06" + four, wire.ErrNotIP},
		"802.3 length":      {wire.LinkEthernet, macs + "\x00\x14" + four, wire.ErrNotIP},
		"another version":   {wire.LinkEthernet, macs + "\x08\x00\x55", wire.ErrNotIP},
		"nothing behind it": {wire.LinkEthernet, macs + "\x08\x00", wire.ErrNotIP},
		"tags without end":  {wire.LinkEthernet, macs + "\x81\x00\x00\x01\x81\x00\x00\x01\x81\x00\x00\x01\x81\x00\x00\x01\x81\x00\x00\x01\x08\x00" + four, wire.ErrNotIP},
		"labels to the end": {wire.LinkEthernet, macs + "\x88\x47" + four + four, wire.ErrNotIP},
		"PPP's own":         {wire.LinkEthernet, macs + "\x88\x64\x11\x00\x00\x09\x00\x16\xc0\x21" + four, wire.ErrNotIP},
		"unknown":           {147, four, wire.ErrUnknownLink},
	} {
		c := field.New("frame", []byte(tc.frame))
		if _, err := throughLink(&c, tc.link); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// A packet of which the network card was to make several tells no length.
func TestAnUnsizedPacketEndsWhereItsFrameDoes(t *testing.T) {
	for _, packet := range []string{
		"\x45\x00\x00\x00\x00\x00\x00\x00\x40\x06\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02" + "payload",
		"\x60\x00\x00\x00\x00\x00\x06\x40" + string(make([]byte, 32)) + "payload",
	} {
		var h wire.IP
		c := field.New(wire.Root([]byte(packet)), []byte(packet))
		if err := h.DecodeCaptured(&c); err != nil || !h.Unsized || h.TotalLength != len(packet) || c.Left() != len("payload") {
			t.Errorf("%+v, %v, %d bytes left", h, err, c.Left())
		}
		c = field.New(wire.Root([]byte(packet)), []byte(packet))
		if err := h.Decode(&c); err == nil && c.Left() > 0 || h.Unsized {
			t.Errorf("a host takes it too: %+v", h)
		}
	}
}

// carried are frames of tunnels, without the packet inside.
var carried = map[string]string{
	"VXLAN":  outer4(17, "\xc3\x50\x12\xb5\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x01\x00"+macs+"\x08\x00"),
	"Geneve": outer4(17, "\xc3\x50\x17\xc1\x00\x00\x00\x00\x02\x00\x65\x58\x00\x00\x01\x00\x01\x02\x80\x01abcd"+macs+"\x08\x00"),
	"GTP-U":  outer4(17, "\xc3\x50\x08\x68\x00\x00\x00\x00\x34\xff\x00\x00\x00\x00\x00\x99\x00\x00\x00\x85\x01\x10\x01\x00"),
	"L2TP":   outer4(17, "\xc3\x50\x06\xa5\x00\x00\x00\x00\x00\x02\x00\x03\x00\x04\xff\x03\x00\x21"),
	"GRE":    outer4(47, "\xb0\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\xab\x00\x00\x00\x01"),
	"ERSPAN": outer4(47, "\x10\x00\x22\xeb\x00\x00\x00\x01\x20\x05\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00"+macs+"\x08\x00"),
	"NSH":    macs + "\x89\x4f\x0f\xc2\x02\x03\x00\x00\x05\xff" + macs + "\x08\x00",
	"IPIP":   outer4(4, ""),
}

func outer4(protocol byte, payload string) string {
	return macs + "\x08\x00\x45\x00" + string([]byte{0, byte(40 + len(payload))}) + "\x00\x00\x00\x00\x40" + string([]byte{protocol}) +
		"\x00\x00\xc6\x12\x09\x01\xc6\x12\x09\x02" + payload
}

func TestATunnelLeadsToThePacketInside(t *testing.T) {
	for name, header := range carried {
		for n := range len(header) + 1 {
			whole := n == len(header)
			frame := []byte(header[:n] + four[:len(four)*map[bool]int{true: 1}[whole]])
			c := field.New("frame", frame)
			var h wire.LinkHeader
			err := h.Decode(&c, wire.LinkEthernet)
			if whole && (err != nil || c.Offset() != len(header)) {
				t.Errorf("%s: it leads to byte %d of %d, %v", name, c.Offset(), len(header), err)
			}
			if !whole && err == nil && c.Offset() > 14 {
				t.Errorf("%s, cut off at %d: it leads to byte %d", name, n, c.Offset())
			}
		}
	}
}

func FuzzLinkHeader(f *testing.F) {
	for _, header := range carried {
		f.Add([]byte(header+four), uint16(wire.LinkEthernet))
	}
	f.Add([]byte("\x88\x01\x00\x00"+macs+"\x02\x00\x00\x00\x00\x02\x10\x00\x80\x00"+macs+"\x00\x1c\xaa\xaa\x03\x00\x00\x00\x08\x00"+four), uint16(wire.LinkWiFi))
	f.Add([]byte("\x00\x00\x0a\x00\x02\x00\x00\x00\x20\x00\x08\x01\x00\x00"+macs+"\x02\x00\x00\x00\x00\x02\x10\x00\xaa\xaa\x03\x00\x00\x00\x08\x00"+four), uint16(wire.LinkRadiotap))
	f.Add([]byte("\x02\x00\x00\x05\x08\x00\x01\x00\x08\x00\x01\x00\x18\x00\x09\x00"+four), uint16(wire.LinkNFLOG))
	for _, tc := range links {
		f.Add([]byte(tc.header+four), uint16(tc.link))
	}
	f.Fuzz(func(t *testing.T, b []byte, link uint16) {
		recordsEveryByte(t, "frame", b, func(c *field.Cursor) {
			if _, err := throughLink(c, wire.LinkType(link)); err != nil {
				c.Rest("data")
			}
		})
	})
}
