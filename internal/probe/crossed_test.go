package probe

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/record/schematest"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// probeOne probes one host that answers as the test says, in simulated time.
func probeOne(t *testing.T, o Options, answer func(s *wire.Segment) []wire.Segment) (r seenRecord, f *floodNet) {
	t.Helper()
	var out bytes.Buffer
	f = &floodNet{local: netip.MustParseAddr("198.18.0.1"), kinds: map[string]int{}, heard: map[netip.AddrPort]wire.Segment{}, now: tcb.Instant(time.Second)}
	f.hostile = func(netip.Addr) bool { return true }
	f.answer = func(_ *floodNet, _ netip.Addr, s *wire.Segment) []wire.Segment { return answer(s) }
	l := loopOver(t, o, f, f.local, &out)
	f.loop = l
	l.clock = func() tcb.Instant { return f.now }
	for l.now.Sub(0) < 10*time.Minute && !(l.ended && l.window.len() == 0 && l.wheel.n == 0) {
		l.now = l.instant()
		check(t, l.turn())
	}
	l.handOver(true)
	check(t, l.sink.close())
	schematest.Check(t, out.Bytes())
	check(t, json.Unmarshal(out.Bytes(), &r))
	if len(l.crossed)+len(l.odd)+len(l.owed) > 0 {
		t.Errorf("%d, %d and %d are kept of a target that is done", len(l.crossed), len(l.odd), len(l.owed))
	}
	return r, f
}

func oneTarget(t *testing.T) Options {
	o := options(t, "443", "198.19.0.1")
	o.Goal, o.Timeout = GoalTCP, 4*time.Second
	return o
}

func (f *floodNet) flags() (list []string) {
	for _, p := range f.packets {
		list = append(list, p.flags.String())
	}
	return list
}

// A SYN for a SYN opens the connection from both sides (RFC 9293, section 3.5),
// whichever way the peer goes on.
func TestAPeerThatAnswersASYNByASYNIsConnected(t *testing.T) {
	for name, then := range map[string]func(s *wire.Segment) []wire.Segment{
		"an ACK follows": func(s *wire.Segment) []wire.Segment {
			return when(s, wire.SYN|wire.ACK, wire.Segment{Flags: wire.ACK, Seq: 1001, Ack: s.Seq + 1, Window: 5000})
		},
		"a SYN-ACK follows": func(s *wire.Segment) []wire.Segment {
			return when(s, wire.SYN|wire.ACK, wire.Segment{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: 5000})
		},
	} {
		r, f := probeOne(t, oneTarget(t), func(s *wire.Segment) []wire.Segment {
			if s.Flags == wire.SYN {
				return []wire.Segment{{Flags: wire.SYN, Seq: 1000, Window: 5000}}
			}
			return then(s)
		})
		if r.Outcome != "open" || !slices.Contains(r.Odd, "simultaneous_open") {
			t.Errorf("%s: %+v after %v", name, r, f.flags())
		}
	}
}

// What a SYN says is nobody's word: without an ACK that knows our ISS there is no
// connection, and each SYN of ours draws one SYN-ACK, whatever comes.
func TestASYNForASYNProvesNothing(t *testing.T) {
	for name, ack := range map[string]func(s *wire.Segment) wire.Segment{
		"no ACK of ours":            func(s *wire.Segment) wire.Segment { return wire.Segment{Flags: wire.ACK, Seq: 1001, Ack: s.Seq + 7} },
		"an ACK beside the SYN":     func(s *wire.Segment) wire.Segment { return wire.Segment{Flags: wire.ACK, Seq: 5000, Ack: s.Seq + 1} },
		"the SYN again":             func(s *wire.Segment) wire.Segment { return wire.Segment{Flags: wire.SYN, Seq: 1000} },
		"a SYN with another number": func(s *wire.Segment) wire.Segment { return wire.Segment{Flags: wire.SYN, Seq: s.Ack} },
	} {
		r, f := probeOne(t, oneTarget(t), func(s *wire.Segment) []wire.Segment {
			switch s.Flags {
			case wire.SYN:
				return []wire.Segment{{Flags: wire.SYN, Seq: 1000, Window: 5000}}
			case wire.SYN | wire.ACK:
				return []wire.Segment{ack(s), ack(s), ack(s)}
			}
			return nil
		})
		if r.Outcome != "protocol" || f.kinds["SYN"] != 2 || f.kinds["SYN-ACK"] != 2 || len(f.packets) > 4 {
			t.Errorf("%s: %+v after %v", name, r, f.flags())
		}
	}
}

// A host that still knows an earlier connection takes a SYN once our RST has ended
// that. It follows the RST at once, in the place of one that would leave later.
func TestTheSYNFollowsTheRSTThatClearsItsWay(t *testing.T) {
	for retries, want := range map[int][]string{1: {"SYN", "RST", "SYN"}, 0: {"SYN", "RST"}} {
		o := oneTarget(t)
		o.Retries = retries
		old := true
		r, f := probeOne(t, o, func(s *wire.Segment) []wire.Segment {
			switch {
			case s.Flags == wire.RST:
				old = false
			case s.Flags == wire.SYN && old:
				return []wire.Segment{{Flags: wire.ACK, Seq: 5555, Ack: s.Seq - 7777, Window: 5000}}
			case s.Flags == wire.SYN:
				return []wire.Segment{synAck(s)}
			}
			return nil
		})
		got := f.flags()
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) || retries == 1 && (r.Outcome != "open" || r.SYNs != 2) {
			t.Errorf("--retries %d: %v, %+v", retries, got, r)
		}
		if n := f.sent[min(2, len(f.sent)-1)].Sub(f.sent[0]); retries == 1 && n > 100*time.Millisecond {
			t.Errorf("the second SYN left %v after the first", n)
		}
	}
}

// One that is told again and again has as many SYNs as any other.
func TestAWrongAnswerDrawsNoMoreSYNsThanSilence(t *testing.T) {
	o := oneTarget(t)
	o.Retries = 3
	r, f := probeOne(t, o, func(s *wire.Segment) []wire.Segment {
		return when(s, wire.SYN, wire.Segment{Flags: wire.ACK, Seq: 5555, Ack: s.Seq - 7777, Window: 5000})
	})
	if f.kinds["SYN"] != 4 || f.kinds["RST"] != 4 || r.SYNs != 4 || r.Outcome != "silent" {
		t.Errorf("%v, %+v", f.kinds, r)
	}
}
