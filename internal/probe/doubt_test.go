package probe

import (
	"bytes"
	"context"
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
			if tc.code == "reset" && !bytes.Contains(out.Bytes(), []byte("found nobody behind it")) {
				t.Errorf("the RST is the server's: %s", out)
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

// isOdd tells the hosts that a test doubts: every other one.
func isOdd(a netip.Addr) bool { return a.As4()[3]%2 == 1 }

// counts are how many results of honest and of other hosts have each outcome.
func counts(list []seenRecord, doubted func(netip.Addr) bool) (honest, others map[string]int) {
	honest, others = map[string]int{}, map[string]int{}
	for _, r := range list {
		if doubted(netip.MustParseAddr(r.Addr)) {
			others[r.Outcome]++
		} else {
			honest[r.Outcome]++
		}
	}
	return honest, others
}

// lastOpen is when the last honest host had its result, and with it our RST.
func lastOpen(f *floodNet) (last time.Duration) {
	for i, p := range f.packets {
		if p.flags.Has(wire.RST) && !f.hostile(p.to) {
			last = max(last, f.sent[i].Sub(second))
		}
	}
	return last
}

// Half of the hosts have nobody behind their SYN-ACKs. The others have their results in
// no more than half as long again as where all are honest, and no more probes leave than
// their share while targets wait.
func TestDoubtfulHostsKeepNoHonestOneWaiting(t *testing.T) {
	all := &floodNet{hostile: isOdd, answer: openConnection}
	_, out := scanFloodNet(t, all, doubtOptions(t, "198.19.0.0/23"), 10*time.Minute)
	if honest, others := counts(readRecords(t, out.Bytes()), isOdd); honest["open"] != 256 || others["open"] != 256 {
		t.Fatalf("where all are honest: %v %v", honest, others)
	}
	quiet := lastOpen(all)
	for _, tc := range []struct {
		name string
		host doubted
		want string
	}{
		{"nobody", doubted{syn: bareAnswer, window: 8192}, "timeout"},
		{"nobody behind a proxy", doubted{syn: optioned}, "timeout"},
		{"somebody", doubted{bareAnswer, 8192, nil, eachTime(ack)}, "open"},
		{"somebody who shows at the last probe", doubted{bareAnswer, 8192, nil, sinceThe(maxAsks-1, ack)}, "open"},
		{"SYN-ACKs without end", doubted{bareAnswer, 8192, eachTime(again), eachTime(again)}, "timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &floodNet{hostile: isOdd, answer: tc.host.host()}
			l, out := scanFloodNet(t, f, doubtOptions(t, "198.19.0.0/23"), 10*time.Minute)
			honest, others := counts(readRecords(t, out.Bytes()), isOdd)
			if honest["open"] != 256 || others[tc.want] != 256 {
				t.Errorf("%v, and of those in doubt %v: %+v", honest, others, l.stats)
			}
			took := lastOpen(f)
			t.Logf("%v, and %v where all are honest; %d packets %v, the end after %v", took, quiet, len(f.sent), f.kinds, f.now.Sub(second))
			if took > quiet*3/2 {
				t.Errorf("the last honest host had its result after %v, and where all are honest after %v: %v", took, quiet, f.kinds)
			}
			acks := 0
			for i, p := range f.packets {
				if p.flags == wire.ACK && f.sent[i].Sub(second) < took {
					acks++
				}
			}
			if least := 256 + int(0.8*pace.AskShare*floodRate*(took-2*time.Second).Seconds()); acks < least {
				t.Errorf("%d ACKs and probes left before the last honest host had its result, want %d", acks, least)
			}
			f.checkRate(t, floodRate)
		})
	}
}

// Where nobody honest waits, probes take the whole rate: a network behind a SYN proxy
// does not hold up the end of a scan.
func TestProbesTakeWhatNobodyElseNeeds(t *testing.T) {
	f := &floodNet{hostile: func(netip.Addr) bool { return true }, answer: (&doubted{syn: bareAnswer, window: 8192}).host()}
	o := doubtOptions(t, "198.19.0.0/23")
	o.MaxInFlight = 50
	l, out := scanFloodNet(t, f, o, 20*time.Minute)
	if _, others := counts(readRecords(t, out.Bytes()), f.hostile); others["timeout"] != 512 {
		t.Fatalf("%v: %+v", others, l.stats)
	}
	if n := len(l.connections.all) - len(l.connections.free); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	if least := f.now.Sub(second); least > time.Duration(512/50+2)*(o.Timeout+2*time.Second) {
		t.Errorf("it took %v", least)
	}
	if want := 512 * (3 + maxAsks); len(f.sent) != want {
		t.Errorf("%d packets for 512 hosts, want a SYN, an ACK, %d probes and a RST for each: %v", len(f.sent), maxAsks, f.kinds)
	}
	f.checkRate(t, floodRate)
}

// Hosts in doubt that flood cost the others no more than others that do, and the doubt
// ends.
func TestAFloodDoesNotKeepADoubtAlive(t *testing.T) {
	quiet := &floodNet{hostile: isHostile, answer: (&doubted{syn: bareAnswer, window: 8192}).host()}
	scanFloodNet(t, quiet, doubtOptions(t, "198.19.0.0/23"), 10*time.Minute)
	for name, tc := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &floodNet{hostile: isHostile, flood: tc.flood, rate: floodOf(), answer: func(_ *floodNet, _ netip.Addr, s *wire.Segment) []wire.Segment {
				if s.Flags == wire.SYN {
					return bareAnswer(s, 8192)
				}
				return nil
			}}
			l, out := scanFloodNet(t, f, doubtOptions(t, "198.19.0.0/23"), 3*time.Minute)
			honest, others := counts(readRecords(t, out.Bytes()), isHostile)
			n := 0
			for _, k := range others {
				n += k
			}
			if honest["open"] != 496 || n != 16 {
				t.Errorf("%v, and of those in doubt %v after %v: %+v", honest, others, f.now.Sub(second), l.stats)
			}
			if took := lastOpen(f); took > lastOpen(quiet)*3/2 {
				t.Errorf("%v, and %v where all is quiet: %v", took, lastOpen(quiet), f.kinds)
			}
			f.checkRate(t, floodRate)
		})
	}
}

// A scan that is stopped while hosts are in doubt ends soon, says nothing of them, and
// resets what it opened.
func TestASignalEndsDoubts(t *testing.T) {
	f := &floodNet{hostile: isOdd, answer: (&doubted{syn: bareAnswer, window: 8192}).host(),
		kinds: map[string]int{}, heard: map[netip.AddrPort]wire.Segment{}, local: netip.MustParseAddr("198.18.0.1"), now: second}
	out := new(bytes.Buffer)
	l := loopOver(t, doubtOptions(t, "198.19.0.0/25"), f, f.local, out)
	f.loop = l
	ctx, cancel := context.WithCancel(t.Context())
	var asked tcb.Instant
	l.clock.read = func() tcb.Instant {
		if f.now >= 5*second && asked == 0 {
			asked = f.now
			cancel()
		}
		if f.now = f.now.Add(time.Microsecond); asked != 0 {
			f.now = f.now.Add(4 * step) // resetAll sleeps a while between two looks at the time
		}
		return f.now
	}
	check(t, l.run(ctx, t.Context()))
	check(t, l.results.sink.Close())
	if took := f.now.Sub(asked); asked == 0 || took > stopGrace+2*resetTime {
		t.Errorf("it took %v", took)
	}
	honest, others := counts(readRecords(t, out.Bytes()), isOdd)
	if honest["open"] != 64 || len(others) != 0 {
		t.Errorf("%v, and of those in doubt %v", honest, others)
	}
	reset := map[netip.Addr]bool{}
	for _, p := range f.packets {
		reset[p.to] = reset[p.to] || p.flags.Has(wire.RST)
	}
	undecided, left := 0, 0
	for n := l.begun.window.base; n < l.begun.window.head; n++ {
		if l.begun.window.at(n).state == slotConnected {
			undecided++
			if a := l.begun.source.At(n).Addr; !reset[a] {
				left++
			}
		}
	}
	if undecided != 64 || left > 64-int(floodRate*resetTime.Seconds()) {
		t.Errorf("%d targets are undecided, and %d of them were not reset", undecided, left)
	}
	f.checkRate(t, floodRate)
}

// Targets in doubt begin again after an outage, as all that are in flight do.
func TestADoubtBeginsAgainAfterAnOutage(t *testing.T) {
	f := &floodNet{hostile: func(netip.Addr) bool { return true }, answer: (&doubted{bareAnswer, 8192, nil, sinceThe(1, ack)}).host()}
	out := new(bytes.Buffer)
	f.local, f.kinds, f.heard, f.now = netip.MustParseAddr("198.18.0.1"), map[string]int{}, map[netip.AddrPort]wire.Segment{}, second
	l := loopOver(t, doubtOptions(t, "198.19.0.0/28"), f, f.local, out)
	f.loop = l
	l.clock.read = func() tcb.Instant { return f.now }
	for cut := false; f.now.Sub(second) < time.Minute && !(l.admission.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0); {
		l.now = l.instant()
		check(t, l.turn())
		if !cut && l.connections.live == 16 {
			cut = true
			l.restart()
		}
	}
	l.results.handOver(true)
	check(t, l.results.sink.Close())
	list := readRecords(t, out.Bytes())
	for _, r := range list {
		if r.Outcome != "open" || !r.Repeat || !slices.Equal(r.Odd, []string{"syn_ack_without_options"}) {
			t.Errorf("%+v", r)
		}
	}
	if len(list) != 16 {
		t.Errorf("%d results", len(list))
	}
}
