package transcript

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A tap records packets of a capture, each of them a moment after the last.
type tap struct {
	*Recorder
	at    time.Duration
	count int
	said  []string
}

func newTap() *tap {
	p := &tap{}
	p.Recorder = NewObserver(0, func(e *Entry) {
		if e.Decision != nil {
			p.said = append(p.said, e.Decision.Name)
		}
	})
	return p
}

func (p *tap) hear(dir Dir, packet []byte) *Frame {
	p.at += 10 * time.Millisecond
	p.count++
	return p.Captured(&Sighting{Number: p.count, At: p.at, Dir: dir, Link: wire.LinkRaw, Raw: packet, Packet: packet})
}

// numbered gives an IPv4 packet an identification and a time to live.
func numbered(p []byte, id uint16, ttl uint8) []byte {
	p = slices.Clone(p)
	p[4], p[5], p[8] = byte(id>>8), byte(id), ttl
	p[10], p[11] = 0, 0
	sum := wire.Checksum(p[:20])
	p[10], p[11] = byte(sum>>8), byte(sum)
	return p
}

func marksOf(f *Frame) string {
	var list []string
	for _, m := range []struct {
		on   bool
		name string
	}{{f.Retransmission, "again"}, {f.OutOfOrder, "late"}, {f.Gap > 0, fmt.Sprintf("gap %d", f.Gap)}, {f.Twice, "twice"}, {f.BadChecksum, "damaged"}} {
		if m.on {
			list = append(list, m.name)
		}
	}
	return strings.Join(list, " ")
}

// One lost frame is one gap. A segment that comes after octets that follow it
// is out of order, and one that came before is a retransmission.
func TestOneLostFrameIsOneGap(t *testing.T) {
	p := newTap()
	p.hear(Out, packet(Out, seg(Out, wire.SYN, 0, 0, 0)))
	p.hear(In, packet(In, seg(In, wire.SYN|wire.ACK, 0, 1, 0)))
	for i, step := range []struct {
		seq  uint32
		n    int
		want string
	}{
		{1, 100, ""}, {201, 100, "gap 100"}, {301, 100, ""}, {401, 100, ""}, {501, 100, ""},
		{601, 50, ""}, {101, 100, "late"}, {101, 100, "again"}, {651, 10, ""},
		{100_000, 10, "gap 99339"}, {100_010, 10, ""}, {301, 50, "again"}, {100_020, 10, ""},
	} {
		f := p.hear(In, numbered(packet(In, seg(In, wire.ACK, step.seq, 1, step.n)), uint16(i+1), 64))
		if got := marksOf(f); got != step.want {
			t.Errorf("frame %d, seq %d: %q, want %q", f.Number, step.seq, got, step.want)
		}
	}
}

// Endless holes are not all remembered, and what comes after them is placed all
// the same.
func TestManyHolesAreForgottenOldestFirst(t *testing.T) {
	p := newTap()
	p.hear(In, packet(In, seg(In, wire.SYN|wire.ACK, 0, 1, 0)))
	for i := range uint32(1000) {
		f := p.hear(In, packet(In, seg(In, wire.ACK, 101+200*i, 1, 100)))
		if got := marksOf(f); got != "gap 100" || f.Stream.Start != int64(100+200*i) {
			t.Fatalf("segment %d: %q at %d", i, got, f.Stream.Start)
		}
	}
	if n := len(p.halves[In].seen); n > maxSpans {
		t.Errorf("%d runs are remembered", n)
	}
	if f := p.hear(In, packet(In, seg(In, wire.ACK, 101+200*999, 1, 100))); marksOf(f) != "again" {
		t.Errorf("%q", marksOf(f))
	}
}

// A packet that passed two taps is not a retransmission; one that was sent
// again is.
func TestAPacketCapturedTwiceIsNoRetransmission(t *testing.T) {
	body := packet(Out, seg(Out, wire.ACK, 1, 1, 100))
	ack := packet(Out, seg(Out, wire.ACK, 1, 1, 0))
	soon, later := 30*time.Microsecond, 250*time.Millisecond
	for _, tc := range []struct {
		name          string
		before        []byte // so that identifications are seen to differ
		first, second []byte
		apart         time.Duration
		want          string
	}{
		{"the same", nil, numbered(body, 0, 64), numbered(body, 0, 64), soon, "twice"},
		{"behind a router", numbered(ack, 6, 64), numbered(body, 7, 64), numbered(body, 7, 63), soon, "twice"},
		{"a batch later", numbered(ack, 6, 64), numbered(body, 7, 64), numbered(body, 7, 64), 50 * time.Millisecond, "twice"},
		{"an acknowledgment", numbered(body, 6, 64), numbered(ack, 7, 64), numbered(ack, 7, 64), soon, "twice"},
		{"one with another number", numbered(ack, 6, 64), numbered(body, 7, 64), numbered(body, 8, 64), soon, "again"},
		{"one without a number, later", nil, numbered(body, 0, 64), numbered(body, 0, 64), later, "again"},
		{"an acknowledgment without a number", nil, numbered(ack, 0, 64), numbered(ack, 0, 64), soon, ""},
	} {
		p := newTap()
		p.hear(Out, numbered(packet(Out, seg(Out, wire.SYN, 0, 0, 0)), 0, 64))
		p.hear(In, packet(In, seg(In, wire.SYN|wire.ACK, 0, 1, 0)))
		if tc.before != nil {
			p.hear(Out, tc.before)
		}
		p.hear(Out, tc.first)
		p.at += tc.apart - 10*time.Millisecond
		if got := marksOf(p.hear(Out, tc.second)); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// An acknowledgment without an identification is the same packet if another
// link carried it, and otherwise a repetition.
func TestAnAcknowledgmentCapturedTwiceIsKnownByItsLink(t *testing.T) {
	ack := numbered(packet(Out, seg(Out, wire.ACK, 1, 1, 0)), 0, 64)
	for _, other := range []bool{false, true} {
		p := newTap()
		for i, want := range []bool{false, other} {
			header := []byte(ethernet)
			if other {
				header[5] = byte(i)
			}
			raw := append(header, ack...)
			f := p.Captured(&Sighting{Number: i + 1, At: time.Duration(i) * time.Microsecond, Link: wire.LinkEthernet, Raw: raw, Packet: raw[len(header):]})
			if f.Twice != want {
				t.Errorf("another link %v, sight %d: twice %v", other, i+1, f.Twice)
			}
		}
	}
}

// If a server answers the SYN anew, its numbers are those that the client
// acknowledges, or that its own octets follow.
func TestTheServersNumbersBeginAnew(t *testing.T) {
	anew := seg(In, wire.SYN|wire.ACK, 0, 1, 0)
	anew.Seq += 1_000_000
	behind := func(s wire.Segment, by wire.Seq) wire.Segment { s.Seq += by; return s }
	past := func(s wire.Segment, by wire.Seq) wire.Segment { s.Ack += by; return s }
	for _, tc := range []struct {
		name     string
		dir      Dir
		next     wire.Segment
		restarts bool
	}{
		{"the client acknowledges the second", Out, past(seg(Out, wire.ACK, 1, 1, 0), 1_000_000), true},
		{"the client acknowledges the first", Out, seg(Out, wire.ACK, 1, 1, 0), false},
		{"octets follow the second", In, behind(seg(In, wire.ACK, 1, 1, 20), 1_000_000), true},
		{"octets follow the first", In, seg(In, wire.ACK, 1, 1, 20), false},
	} {
		p := newTap()
		p.hear(Out, packet(Out, seg(Out, wire.SYN, 0, 0, 0)))
		p.hear(In, packet(In, seg(In, wire.SYN|wire.ACK, 0, 1, 0)))
		p.hear(In, packet(In, anew))
		f := p.hear(tc.dir, packet(tc.dir, tc.next))
		if tc.dir == Out && f.Ack != 1 || tc.dir == In && f.Stream != (Span{0, 20}) {
			t.Errorf("%s: ack %d, octets %v", tc.name, f.Ack, f.Stream)
		}
		if got := slices.Contains(p.said, "restarted"); got != tc.restarts {
			t.Errorf("%s: restarted %v, want %v", tc.name, got, tc.restarts)
		}
	}
}
