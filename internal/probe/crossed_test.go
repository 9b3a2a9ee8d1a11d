package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

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

// unreachableBy is an ICMP message of a router's about a packet of ours.
func unreachableBy(to netip.Addr, code uint8, packet []byte) []byte {
	m := append([]byte{3, code, 0, 0, 0, 0, 0, 0}, packet[:28]...)
	binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
	ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: netip.MustParseAddr("198.19.0.254"), Dst: to}
	return append(ip.AppendTo(nil, len(m)), m...)
}
