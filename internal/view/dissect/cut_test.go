package dissect_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A connection that ends in the middle of a record shows as much of it as came,
// in whichever packets, whether it is ours or somebody else's.
func TestARecordThatBreaksOffIsShownAsFarAsItCame(t *testing.T) {
	hello := "\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03" + strings.Repeat("r", 20)
	client, server := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")
	for cut := 1; cut < len(hello); cut += 5 {
		for _, passive := range []bool{false, true} {
			rec := transcript.NewRecorder(0, nil)
			if passive {
				rec = transcript.NewObserver(0, nil)
			}
			number, seq := 0, uint32(0)
			put := func(flags wire.Flags, payload string) {
				s := wire.Segment{SrcPort: 40000, DstPort: 443, Seq: wire.Seq(seq), Flags: flags, Payload: []byte(payload)}
				h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: client, Dst: server}
				p := s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(payload)), client, server)
				number++
				seq += uint32(s.Len())
				if passive {
					rec.Captured(&transcript.Sighting{Number: number, Link: wire.LinkRaw, Raw: p, Packet: p})
				} else {
					rec.Packet(0, transcript.Out, p, false)
				}
			}
			put(wire.SYN, "")
			put(wire.ACK, hello[:cut])
			put(wire.ACK, hello[cut:])
			rec.Result(0, transcript.Result{})
			a := dissect.Of(rec.Transcript())
			var names []string
			for _, f := range rec.Transcript().Frames() {
				s := a.Frame(f)
				checkSpecimen(t, s)
				want := ""
				if f.Stream.Start <= 5 && f.Stream.End > 5 {
					want = "ClientHello"
				}
				if got := a.Begins(f); got != want {
					t.Errorf("cut at %d: %v begins %q, want %q", cut, f.Stream, got, want)
				}
				for row := range s.Leaves(nil) {
					names = append(names, row.Path)
				}
			}
			if all := strings.Join(names, " "); !strings.Contains(all, "TLSRecord.fragment.length") || !strings.Contains(all, "ClientHello.random") {
				t.Errorf("cut at %d: %s", cut, all)
			}
		}
	}
}
