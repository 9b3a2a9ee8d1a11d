package dissect_test

import (
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What a link puts around a packet is fields like all others, also of links
// that no capture in testdata shows.
func TestEveryFieldOfEveryLinkIsExplained(t *testing.T) {
	const macs = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01"
	const packet = "\x45\x00\x00\x14\x00\x00\x00\x00\x40\x06\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02"
	for _, tc := range []struct {
		link   wire.LinkType
		header string
	}{
		{wire.LinkEthernet, macs + "\x88\xa8\x00\x07\x81\x00\x00\x05\x08\x00"},
		{wire.LinkEthernet, macs + "\x88\x47\x00\x01\x01\x40"},
		{wire.LinkEthernet, macs + "\x88\x64\x11\x00\x00\x09\x00\x16\x00\x21"},
		{wire.LinkCooked, "\x00\x04\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00\x08\x00"},
		{wire.LinkCooked2, "\x08\x00\x00\x00\x00\x00\x00\x02\x00\x01\x04\x06\x02\x00\x00\x00\x00\x01\x00\x00"},
		{wire.LinkNull, "\x02\x00\x00\x00"},
	} {
		raw := []byte(tc.header + packet + "padding")
		f := transcript.NewObserver(0, nil).Captured(&transcript.Sighting{Number: 1, Link: tc.link, Raw: raw, Packet: raw[len(tc.header):]})
		s := new(dissect.Anatomy).Frame(f)
		covered(t, s)
		explained(t, s)
		if first := s.Tree.Children[0]; first.Offset != 0 || len(s.Data) != len(raw) {
			t.Errorf("%v: %d bytes of %d, the first field at %d", tc.link, len(s.Data), len(raw), first.Offset)
		}
	}
}
