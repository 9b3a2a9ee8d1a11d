package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/internal/test/schema"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// probeOne probes one host that answers as the test says, in simulated time.
func probeOne(t *testing.T, o Options, answer func(s *wire.Segment) []wire.Segment, raw ...func(*floodNet, *wire.Segment, []byte) []wire.Segment) (r seenRecord, f *floodNet) {
	t.Helper()
	var out bytes.Buffer
	f = &floodNet{local: netip.MustParseAddr("198.18.0.1"), kinds: map[string]int{}, heard: map[netip.AddrPort]wire.Segment{}, now: tcb.Instant(time.Second)}
	f.hostile = func(netip.Addr) bool { return true }
	f.answer = func(_ *floodNet, _ netip.Addr, s *wire.Segment) []wire.Segment {
		if len(raw) > 0 {
			return raw[0](f, s, f.asked)
		}
		return answer(s)
	}
	l := loopOver(t, o, f, f.local, &out)
	f.loop = l
	l.clock.read = func() tcb.Instant { return f.now }
	for l.now.Sub(0) < 10*time.Minute && !(l.admission.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0) {
		l.now = l.instant()
		check(t, l.turn())
	}
	l.results.handOver(true)
	check(t, l.results.sink.Close())
	schema.Check(t, out.Bytes())
	check(t, json.Unmarshal(out.Bytes(), &r))
	if len(l.syns.crossed)+len(l.syns.evidence)+len(l.syns.owed)+len(l.syns.soft) > 0 {
		t.Errorf("%d, %d, %d and %d are kept of a target that is done", len(l.syns.crossed), len(l.syns.evidence), len(l.syns.owed), len(l.syns.soft))
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
		if retries == 1 && (r.Steps.SYNACK < 0 || r.Steps.SYNACK > 100) { // of simulated time
			t.Errorf("the SYN-ACK came %v ms after the first SYN", r.Steps.SYNACK)
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

// What a router says of a host may pass (RFC 1122, section 4.2.3.9): the SYNs go on,
// and it is the reason where none is answered. A prohibition ends it at once, as
// RFC 9293 has it (SHLD-26).
func TestASoftICMPErrorIsTheReasonOnlyWhereNobodyAnswers(t *testing.T) {
	for _, tc := range []struct {
		code    uint8
		answers bool // the second SYN is
		outcome string
		syns    int
	}{{1, false, "unreachable", 2}, {1, true, "open", 2}, {0, true, "open", 2}, {13, true, "unreachable", 1}, {3, true, "unreachable", 1}} {
		syns := 0
		r, f := probeOne(t, oneTarget(t), nil, func(f *floodNet, s *wire.Segment, packet []byte) []wire.Segment {
			if s.Flags != wire.SYN {
				return nil
			}
			if syns++; syns == 2 && tc.answers {
				return []wire.Segment{synAck(s)}
			}
			if syns == 1 {
				f.ready = append(f.ready, unreachableBy(f.local, tc.code, packet))
			}
			return nil
		})
		if r.Outcome != tc.outcome || r.SYNs != tc.syns || (r.ICMP != nil) != (r.Outcome == "unreachable") || r.ICMP != nil && (r.ICMP.From != "198.19.0.254" || r.Evidence == nil) {
			t.Errorf("code %d: %+v after %v", tc.code, r, f.flags())
		}
	}
}

// unreachableBy is an ICMP message of a router's about a packet of ours.
func unreachableBy(to netip.Addr, code uint8, packet []byte) []byte {
	m := append([]byte{3, code, 0, 0, 0, 0, 0, 0}, packet[:28]...)
	binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
	ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: netip.MustParseAddr("198.19.0.254"), Dst: to}
	return append(ip.AppendTo(nil, len(m)), m...)
}

// What a verdict ends is ended: whatever a host that sent without end goes on to
// send, nothing of it is acknowledged, and the RSTs to it are few.
func TestAfterTheVerdictNothingIsAcknowledged(t *testing.T) {
	o := oneTarget(t)
	o.Goal = GoalCertificate
	r, f := probeOne(t, o, nil, func(f *floodNet, s *wire.Segment, _ []byte) (list []wire.Segment) {
		if s.Flags == wire.SYN {
			return []wire.Segment{synAck(s)}
		}
		again := wire.Segment{Flags: wire.PSH | wire.ACK, Seq: 1001, Ack: s.End(), Window: 8192, Payload: append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 1400)...)}
		if s.Flags.Has(wire.RST) { // it goes on all the same
			again.Ack = s.Seq
		}
		return slices.Repeat([]wire.Segment{again}, 100)
	})
	ended := slices.Index(f.flags(), "RST")
	if r.Class != "endless_data" || ended < 0 {
		t.Fatalf("%+v after %v", r, f.flags())
	}
	for _, p := range f.flags()[ended:] {
		if p != "RST" {
			t.Errorf("%s after the verdict", p)
		}
	}
	if n := f.kinds["RST"]; n > 1+2*pace.HostAnswers {
		t.Errorf("%d RSTs", n)
	}
}
