package wire_test

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

var arpQuestion = wire.ARP{
	Operation:      wire.ARPRequest,
	SenderHardware: [6]byte{2, 0, 0, 0, 0, 1},
	SenderProtocol: netip.MustParseAddr("198.18.0.1"),
	TargetProtocol: netip.MustParseAddr("198.18.0.9"),
}

func decodeARP(b []byte) (a wire.ARP, err error) {
	c := field.New("ARP", b)
	a.Decode(&c)
	return a, c.Done()
}

func TestARPIsReadTheSameByAnotherDecoder(t *testing.T) {
	b := arpQuestion.AppendTo(nil)
	p := gopacket.NewPacket(b, layers.LayerTypeARP, gopacket.Default)
	got, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP)
	if !ok {
		t.Fatalf("not ARP to gopacket: %v", p.ErrorLayer())
	}
	if got.Operation != layers.ARPRequest || net.IP(got.DstProtAddress).String() != "198.18.0.9" ||
		!bytes.Equal(got.SourceHwAddress, arpQuestion.SenderHardware[:]) {
		t.Errorf("gopacket reads %+v", got)
	}
}

func TestARPRoundTripWithEthernetPadding(t *testing.T) {
	b := arpQuestion.AppendTo(nil)
	if len(b) != wire.ARPLen {
		t.Errorf("%d bytes, want %d", len(b), wire.ARPLen)
	}
	got, err := decodeARP(append(b, make([]byte, 18)...))
	if err != nil || got != arpQuestion {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestARPErrorsNameTheField(t *testing.T) {
	good := arpQuestion.AppendTo(nil)
	for _, tc := range []struct {
		at   int
		want string
	}{
		{0, "ARP.hardware_type at byte 0"},
		{2, "ARP.protocol_type at byte 2"},
		{4, "ARP.hardware_length at byte 4: 7, expected 6"},
		{5, "ARP.protocol_length at byte 5: 5, expected 4"},
	} {
		bad := bytes.Clone(good)
		bad[tc.at]++
		_, err := decodeARP(bad)
		var fe *field.Error
		if !errors.As(err, &fe) || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("byte %d: %v\nwant %s…", tc.at, err, tc.want)
		}
	}
	if _, err := decodeARP(good[:27]); err == nil {
		t.Error("a packet short of one byte was accepted")
	}
}

func FuzzARP(f *testing.F) {
	f.Add(arpQuestion.AppendTo(nil))
	f.Add([]byte{0, 1, 8, 0, 6, 4, 0, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := decodeARP(data)
		if err != nil {
			return
		}
		if again := a.AppendTo(nil); !bytes.Equal(again, data[:wire.ARPLen]) {
			t.Errorf("%x\nencoded again is %x", data[:wire.ARPLen], again)
		}
	})
}
