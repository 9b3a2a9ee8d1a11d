package goal

import (
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What a SYN-ACK lacks is judged by its window and options; padding is no option, and
// what a capture left out is not known.
func TestWhatASYNACKLacks(t *testing.T) {
	none, padded, mss, cut := wire.Options{}, wire.Options{}, wire.Options{}, wire.Options{}
	padded.Add(wire.OptNOP)
	padded.Add(wire.OptEOL)
	mss.AddMSS(1460)
	cut.AddMSS(1460)
	cut.CutOff(0)
	for _, tc := range []struct {
		window uint16
		o      *wire.Options
		want   string
	}{{8192, &none, BareOptions}, {8192, &padded, BareOptions}, {8192, &mss, ""}, {8192, &cut, ""}, {0, &mss, BareWindow}, {0, &none, bareBoth}, {0, &cut, BareWindow}} {
		if got := BareSYNACK(tc.window, tc.o); got != tc.want {
			t.Errorf("window %d, options %x: %q, want %q", tc.window, tc.o.Raw(), got, tc.want)
		}
	}
}

// A passed is one segment of a capture.
type passed struct {
	ms       int
	dir      transcript.Dir
	flags    wire.Flags
	seq, ack uint32 // relative
	window   uint16
	len      int64
	mss      bool
}

func judged(list []passed) transcript.Result {
	s := NewStory(true)
	for i, p := range list {
		seg := &wire.Segment{Flags: p.flags, Window: p.window}
		if p.mss {
			seg.Options.AddMSS(1460)
		}
		f := &transcript.Frame{Number: i + 1, Dir: p.dir, Segment: seg, Seq: p.seq, Ack: p.ack, Stream: transcript.Span{Start: int64(p.seq) - 1, End: int64(p.seq) - 1 + p.len}}
		s.Entry(&transcript.Entry{Type: transcript.TypeSegment, At: time.Duration(p.ms) * time.Millisecond, Frame: f, Dir: p.dir})
	}
	return s.Judge(transcript.Result{Outcome: Reset, Error: "reset"})
}

// Nobody is behind a SYN-ACK if it lacks what hosts' have, the client asked for an answer,
// waited, and got none. If one of these is not so, that is not said.
func TestNobodyIsBehindASYNACKOnlyIfNobodyShows(t *testing.T) {
	const in, out = transcript.In, transcript.Out
	syn := passed{0, out, wire.SYN, 0, 0, 65535, 0, true}
	bare := passed{1, in, wire.SYN | wire.ACK, 0, 1, 8192, 0, false}
	ack := passed{2, out, wire.ACK, 1, 1, 65535, 0, false}
	probe := passed{1000, out, wire.ACK, 0, 1, 65535, 0, false}
	hello := passed{3, out, wire.PSH | wire.ACK, 1, 1, 65535, 200, false}
	rst := passed{8000, out, wire.RST, 1, 0, 0, 0, false}
	with := func(p passed, change func(*passed)) passed { change(&p); return p }
	for name, tc := range map[string]struct {
		list []passed
		want bool
	}{
		"a probe without an answer":      {[]passed{syn, bare, ack, probe, rst}, true},
		"a ClientHello without an ACK":   {[]passed{syn, bare, ack, hello, rst}, true},
		"a closed window":                {[]passed{syn, with(bare, func(p *passed) { p.mss, p.window = true, 0 }), ack, probe, rst}, true},
		"the SYN-ACK again":              {[]passed{syn, bare, ack, with(bare, func(p *passed) { p.ms = 1500 }), probe, rst}, true},
		"an answer":                      {[]passed{syn, bare, ack, probe, {1001, in, wire.ACK, 1, 1, 8192, 0, false}, rst}, false},
		"data":                           {[]passed{syn, bare, ack, {5, in, wire.ACK, 1, 1, 8192, 10, false}, probe, rst}, false},
		"nothing was asked":              {[]passed{syn, bare, ack, rst}, false},
		"it did not wait":                {[]passed{syn, bare, ack, probe, with(rst, func(p *passed) { p.ms = 1010 })}, false},
		"a SYN-ACK like a host's":        {[]passed{syn, with(bare, func(p *passed) { p.mss = true }), ack, probe, rst}, false},
		"the SYN has no options either":  {[]passed{with(syn, func(p *passed) { p.mss = false }), bare, ack, probe, rst}, false},
		"a RST of the server's":          {[]passed{syn, bare, ack, probe, {1001, in, wire.RST, 1, 0, 0, 0, false}}, false},
		"the capture begins at its half": {[]passed{ack, probe, rst}, false},
	} {
		r := judged(tc.list)
		if len(r.Reasons) != 1 || (r.Reasons[0].Code == "nothing_behind") != tc.want || (r.Outcome == Timeout) != tc.want {
			t.Errorf("%s: %s, %+v", name, r.Outcome, r.Reasons)
		}
	}
}
