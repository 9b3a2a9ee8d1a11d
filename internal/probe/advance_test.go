package probe

import (
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A connection on which nothing comes but segments ends as well.
func TestSegmentsWithoutDataHaveAnEnd(t *testing.T) {
	o := fakeOptions(t, 256)
	f := new(fakeNet)
	l := fakeLoop(t, o, f)
	for l.stats.Answers == 0 {
		l.now = l.instant()
		check(t, l.turn())
	}
	c := l.connections.all[slices.IndexFunc(l.connections.all, func(c *connection) bool { return c.session != nil })]
	for range maxSegments + 10 {
		f.ready = append(f.ready, answer{from: c.target.Addr.As4(), src: c.target.Port, dst: c.local, flags: wire.ACK, seq: 1, ack: 1})
	}
	l.now = l.instant()
	check(t, l.receive(0))
	if n := l.stats.Outcomes[outcomeIndex("protocol")]; n != 1 {
		t.Errorf("%d ended: %+v", n, l.stats)
	}
}

// Who has been judged may send on: nothing of it is acknowledged, and after one
// RST the answers are few.
func TestNothingIsAcknowledgedAfterAVerdict(t *testing.T) {
	for name, send := range map[string]func(*floodNet, int) []byte{
		"endless_data": stream(21), "not_tls": stream('x'), "protocol": stream(23),
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, "443", "198.19.0.0/32")
			f := &floodNet{hostile: isHostile, answer: openConnection, flood: send, rate: 20000, kinds: map[string]int{},
				local: netip.MustParseAddr("198.18.0.1"), heard: map[netip.AddrPort]wire.Segment{}}
			l := loopOver(t, o, f, f.local, io.Discard)
			f.loop, l.clock.read = l, func() tcb.Instant { return f.now }
			var before map[string]int
			for f.now < 20*second {
				l.now = l.instant()
				check(t, l.turn())
				if before == nil && l.stats.Results == 1 {
					check(t, l.turn()) // its own last words
					before = maps.Clone(f.kinds)
				}
			}
			check(t, l.results.sink.Close())
			acks, resets := 0, 0
			for kind, n := range f.kinds {
				if strings.Contains(kind, "RST") {
					resets += n - before[kind]
				} else {
					acks += n - before[kind]
				}
			}
			if before == nil || acks > 1 || resets > 1+pace.HostAnswers*(20/5+1) { // a FIN may be sent again
				t.Errorf("after the verdict %d segments and %d RSTs left: %v, before it %v", acks, resets, f.kinds, before)
			}
		})
	}
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
