package explain

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// The kernel takes a VLAN tag out of a frame and reports it separately; the
// frame is shown as it was on the wire.
func TestAHeardFrameHasItsTag(t *testing.T) {
	const packet = "\x45\x00\x00\x14\x00\x00\x00\x00\x40\x06\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02"
	const header = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00"
	for _, tc := range []struct {
		link  wire.LinkType
		heard string
		aux   unix.TpacketAuxdata
		vlans []uint16
	}{
		{wire.LinkEthernet, header + packet, unix.TpacketAuxdata{}, nil},
		{wire.LinkEthernet, header + packet, unix.TpacketAuxdata{Status: unix.TP_STATUS_VLAN_VALID, Vlan_tci: 5}, []uint16{5}},
		{wire.LinkEthernet, header + packet, unix.TpacketAuxdata{Status: unix.TP_STATUS_VLAN_VALID | unix.TP_STATUS_VLAN_TPID_VALID, Vlan_tci: 7, Vlan_tpid: 0x88a8}, []uint16{7}},
		{wire.LinkCooked2, packet, unix.TpacketAuxdata{}, nil},
		{wire.LinkCooked2, packet, unix.TpacketAuxdata{Status: unix.TP_STATUS_VLAN_VALID, Vlan_tci: 5}, []uint16{5}},
	} {
		e := &tap{buf: make([]byte, 200), link: tc.link}
		n := copy(e.buf[headroom:], tc.heard)
		frame := e.frame(n, vlanTag(&tc.aux), &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16([]byte{8, 0}), Halen: 6})
		c := field.New("frame", frame)
		var h wire.LinkHeader
		if err := h.Decode(&c, tc.link); err != nil || !slices.Equal(h.VLANs, tc.vlans) || h.EtherType != wire.EtherIPv4 {
			t.Errorf("%v: %+v, %v", tc.link, h, err)
		} else if got := string(frame[c.Offset():]); got != packet {
			t.Errorf("%v: the packet is %x", tc.link, got)
		}
	}
}
