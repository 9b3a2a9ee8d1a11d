package wire_test

import (
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

func TestResetForASegmentOfNoConnection(t *testing.T) {
	abc := []byte("abc")
	for name, tc := range map[string]struct{ in, want wire.Segment }{
		"ACK with data": {wire.Segment{Flags: wire.ACK, Seq: 5, Ack: 9, Payload: abc}, wire.Segment{Flags: wire.RST, Seq: 9}},
		"SYN-ACK":       {wire.Segment{Flags: wire.SYN | wire.ACK, Seq: 5, Ack: 9}, wire.Segment{Flags: wire.RST, Seq: 9}},
		"SYN":           {wire.Segment{Flags: wire.SYN, Seq: 5}, wire.Segment{Flags: wire.RST | wire.ACK, Ack: 6}},
		"FIN with data": {wire.Segment{Flags: wire.FIN | wire.PSH, Seq: 5, Payload: abc}, wire.Segment{Flags: wire.RST | wire.ACK, Ack: 9}},
	} {
		tc.in.SrcPort, tc.in.DstPort = 7, 9
		tc.in.Options.AddMSS(1)
		out := tc.in // whatever it held before
		if !out.ResetOf(&tc.in) || out.Flags != tc.want.Flags || out.Seq != tc.want.Seq || out.Ack != tc.want.Ack ||
			out.SrcPort != 9 || out.DstPort != 7 || len(out.Payload) > 0 || !out.Options.IsZero() {
			t.Errorf("%s: %+v", name, out)
		}
	}
	for _, flags := range []wire.Flags{wire.RST, wire.RST | wire.ACK} {
		var out wire.Segment
		if out.ResetOf(&wire.Segment{Flags: flags}) {
			t.Errorf("%v was answered", flags)
		}
	}
}
