package probe

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// bareAnswer is a SYN-ACK without options.
func bareAnswer(s *wire.Segment, window uint16) []wire.Segment {
	return []wire.Segment{{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: window}}
}

// optioned is a SYN-ACK with options and some window.
func optioned(s *wire.Segment, window uint16) []wire.Segment {
	a := synAck(s)
	a.Window = window
	return []wire.Segment{a}
}

// isProbe tells a keep-alive probe of the scan's.
func isProbe(s *wire.Segment, iss wire.Seq) bool { return s.Flags == wire.ACK && s.Seq == iss }

// A doubted host answers SYNs by the first function, and the n-th ACK and keep-alive probe,
// from 0, by the others.
type doubted struct {
	syn           func(s *wire.Segment, window uint16) []wire.Segment
	window        uint16
	acked, probed func(n int) []wire.Segment
}

// host is what answers: the sequence numbers of what the functions say are filled in.
func (d *doubted) host() func(*floodNet, netip.Addr, *wire.Segment) []wire.Segment {
	type seen struct {
		iss          wire.Seq
		acks, probes int
	}
	hosts := map[netip.Addr]*seen{}
	return func(_ *floodNet, to netip.Addr, s *wire.Segment) []wire.Segment {
		h := hosts[to]
		if h == nil {
			h = new(seen)
			hosts[to] = h
		}
		var say func(int) []wire.Segment
		var n *int
		switch {
		case s.Flags == wire.SYN:
			h.iss = s.Seq
			return d.syn(s, d.window)
		case s.Flags.Has(wire.RST):
			return nil
		case isProbe(s, h.iss):
			say, n = d.probed, &h.probes
		default:
			say, n = d.acked, &h.acks
		}
		*n++
		if say == nil {
			return nil
		}
		list := say(*n - 1)
		for i := range list {
			list[i].Seq, list[i].Ack = wire.Seq(1001).Add(int(list[i].Seq)), h.iss+1
			if list[i].Flags.Has(wire.SYN) {
				list[i].Seq = 1000
			}
			if list[i].Flags == wire.RST {
				list[i].Ack = 0
			}
		}
		return list
	}
}

// eachTime, once and sinceThe say something each time, the first time, and from a time on.
func eachTime(list ...wire.Segment) func(int) []wire.Segment { return sinceThe(0, list...) }

func once(list ...wire.Segment) func(int) []wire.Segment {
	return func(n int) []wire.Segment {
		if n > 0 {
			return nil
		}
		return slices.Clone(list)
	}
}

func sinceThe(from int, list ...wire.Segment) func(int) []wire.Segment {
	return func(n int) []wire.Segment {
		if n < from {
			return nil
		}
		return slices.Clone(list)
	}
}

// scanFloodNet runs a scan of a network in simulated time to its end, or to the end of
// some time.
func scanFloodNet(t *testing.T, f *floodNet, o Options, limit time.Duration) (l *loop, out *bytes.Buffer) {
	t.Helper()
	out = new(bytes.Buffer)
	f.local, f.kinds, f.heard, f.now = netip.MustParseAddr("198.18.0.1"), map[string]int{}, map[netip.AddrPort]wire.Segment{}, second
	l = loopOver(t, o, f, f.local, out)
	f.loop = l
	l.clock.read = func() tcb.Instant { return f.now }
	for f.now.Sub(second) < limit && !(l.admission.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0) {
		l.now = l.instant()
		check(t, l.turn())
	}
	l.results.handOver(true)
	check(t, l.results.sink.Close())
	return l, out
}

var (
	ack     = wire.Segment{Flags: wire.ACK, Window: 8192}
	shut    = wire.Segment{Flags: wire.ACK}
	rst     = wire.Segment{Flags: wire.RST}
	fin     = wire.Segment{Flags: wire.FIN | wire.ACK, Window: 8192}
	data220 = wire.Segment{Flags: wire.PSH | wire.ACK, Window: 8192, Payload: []byte("220 ready\r\n")}
	again   = wire.Segment{Flags: wire.SYN | wire.ACK, Window: 8192}
	wild    = wire.Segment{Flags: wire.ACK, Seq: 1 << 20, Window: 8192}
)

// doubts are what may be behind a SYN-ACK, and what a scan for open ports says of it.
var doubts = []struct {
	name    string
	host    doubted
	outcome string
	code    string // of the reason
	odd     []string
	probes  int // that it gets
}{
	{"a SYN proxy with nobody behind it", doubted{optioned, 0, nil, nil}, "timeout", "nothing_behind", []string{"syn_ack_zero_window", "nothing_behind_ack"}, maxAsks},
	{"a SYN proxy that opens the window", doubted{optioned, 0, once(ack), nil}, "open", "", []string{"syn_ack_zero_window"}, 0},
	{"a SYN proxy whose host refuses", doubted{optioned, 0, once(rst), nil}, "reset", "reset", []string{"syn_ack_zero_window", "reset_after_ack"}, 0},
	{"a SYN proxy that takes a probe for the ACK, and the host refuses", doubted{optioned, 0, nil, once(rst)}, "reset", "reset", []string{"syn_ack_zero_window", "reset_after_ack"}, 1},
	{"a closed window that stays so", doubted{optioned, 0, nil, eachTime(shut)}, "open", "", []string{"syn_ack_zero_window"}, 1},
	{"a closed window that opens at a probe", doubted{optioned, 0, nil, eachTime(ack)}, "open", "", []string{"syn_ack_zero_window"}, 1},
	{"no options, and a host", doubted{bareAnswer, 8192, nil, eachTime(ack)}, "open", "", []string{"syn_ack_without_options"}, 1},
	{"no options, and nobody", doubted{bareAnswer, 8192, nil, nil}, "timeout", "nothing_behind", []string{"syn_ack_without_options", "nothing_behind_ack"}, maxAsks},
	{"neither window nor options, and nobody", doubted{bareAnswer, 0, nil, nil}, "timeout", "nothing_behind", []string{"syn_ack_zero_window", "syn_ack_without_options", "nothing_behind_ack"}, maxAsks},
	{"a RST behind the ACK", doubted{bareAnswer, 8192, once(rst), nil}, "reset", "reset", []string{"reset_after_ack", "syn_ack_without_options"}, 0},
	{"a FIN behind the ACK", doubted{bareAnswer, 8192, once(fin), nil}, "protocol", "closed_early", []string{"syn_ack_without_options"}, 0},
	{"a FIN behind a hole", doubted{bareAnswer, 8192, once(wire.Segment{Flags: wire.FIN | wire.ACK, Seq: 11, Window: 8192}), nil}, "open", "", []string{"syn_ack_without_options"}, 0},
	{"data behind the ACK", doubted{bareAnswer, 8192, once(data220), nil}, "open", "", []string{"syn_ack_without_options"}, 0},
	{"data and a FIN", doubted{bareAnswer, 8192, once(wire.Segment{Flags: wire.FIN | wire.PSH | wire.ACK, Window: 8192, Payload: []byte("busy\r\n")}), nil}, "open", "", []string{"syn_ack_without_options"}, 0},
	{"the same SYN-ACK again", doubted{bareAnswer, 8192, once(again), nil}, "timeout", "nothing_behind", []string{"syn_ack_without_options", "nothing_behind_ack"}, maxAsks},
	{"a SYN-ACK for whatever comes", doubted{bareAnswer, 8192, eachTime(again), eachTime(again)}, "timeout", "nothing_behind", []string{"syn_ack_without_options", "nothing_behind_ack"}, maxAsks},
	{"ACKs from beyond the window", doubted{bareAnswer, 8192, once(wild), eachTime(wild)}, "timeout", "nothing_behind", []string{"syn_ack_without_options", "nothing_behind_ack"}, maxAsks},
	{"answers that are lost but for the last", doubted{bareAnswer, 8192, nil, sinceThe(maxAsks-1, ack)}, "open", "", []string{"syn_ack_without_options"}, maxAsks},
	{"a full SYN-ACK, of which there is no doubt", doubted{optioned, 8192, nil, nil}, "open", "", nil, 0},
}

func doubtOptions(t *testing.T, specs ...string) Options {
	o := options(t, "443", specs...)
	o.Goal, o.Rate, o.Timeout, o.MaxInFlight = GoalTCP, floodRate, 8*time.Second, 2000
	return o
}

// A port is open only where somebody shows behind its SYN-ACK, or the SYN-ACK is one
// that hosts send.
func TestAPortIsOpenOnlyIfSomebodyIsBehindItsSYNACK(t *testing.T) {
	for _, tc := range doubts {
		t.Run(tc.name, func(t *testing.T) {
			f := &floodNet{hostile: func(netip.Addr) bool { return true }, answer: tc.host.host()}
			l, out := scanFloodNet(t, f, doubtOptions(t, "198.19.0.1"), time.Minute)
			list := readRecords(t, out.Bytes())
			if len(list) != 1 {
				t.Fatalf("%d results after %v: %+v", len(list), time.Duration(f.now), l.stats)
			}
			r := list[0]
			if r.Outcome != tc.outcome || r.OK != (tc.outcome == "open") || !slices.Equal(r.Odd, tc.odd) {
				t.Errorf("outcome %s, odd %v, want %s and %v: %s", r.Outcome, r.Odd, tc.outcome, tc.odd, r.Error)
			}
			if code := ""; tc.code != "" {
				if len(r.Reasons) > 0 {
					code = r.Reasons[0].Code
				}
				if code != tc.code {
					t.Errorf("reason %q, want %q", code, tc.code)
				}
			}
			f.checkPackets(t, tc.probes)
			f.checkRate(t, floodRate)
		})
	}
}

// checkPackets judges what one target got: a SYN, few ACKs, so many probes, and a RST at
// the end unless it sent one.
func (f *floodNet) checkPackets(t *testing.T, probes int) {
	t.Helper()
	var kinds []string
	for _, p := range f.packets {
		kinds = append(kinds, p.flags.String())
	}
	if n := len(kinds); n > 2+probes+doubtAllowance+2*pace.HostAnswers || kinds[0] != "SYN" {
		t.Errorf("it got %v", kinds)
	}
	if f.kinds["ACK"] < probes {
		t.Errorf("it got %v, among them %d probes", kinds, probes)
	}
	if f.kinds["RST"]+f.kinds["RST-ACK"] > 1 {
		t.Errorf("it got %v", kinds)
	}
}

var _ = context.Background
var _ = io.Discard
