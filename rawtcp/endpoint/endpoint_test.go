package endpoint

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

var (
	here  = netip.MustParseAddrPort("198.18.0.1:40000")
	there = netip.MustParseAddrPort("198.18.0.2:80")
)

// bench is an endpoint under test, with what it dropped.
type bench struct {
	*Endpoint
	now     tcb.Instant
	dropped []string
}

func newBench() *bench {
	b := &bench{}
	b.Endpoint = New(Config{Secret: [32]byte{1}, Dropped: func(why string) { b.dropped = append(b.dropped, why) }})
	return b
}

// sent takes the next packet, decoded; nil if there is none.
func (b *bench) sent(t *testing.T) *wire.Segment {
	t.Helper()
	p := b.Next(b.now, nil)
	if p == nil {
		return nil
	}
	c := field.New("IPv4", p)
	var h wire.IPv4
	var s wire.Segment
	h.Decode(&c)
	if body := c.Ahead(); wire.Checksum(p[:h.HeaderLen()]) != 0 || wire.TCPChecksum(body, h.Src, h.Dst) != 0 {
		t.Errorf("we sent a bad checksum")
	}
	if err := s.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return &s
}

// packet makes the packet that the remote would send.
func packet(s wire.Segment, edit func([]byte)) []byte {
	if s.SrcPort == 0 {
		s.SrcPort, s.DstPort = there.Port(), here.Port()
	}
	h := wire.IPv4{ID: 7, TTL: 64, Protocol: wire.ProtocolTCP, Src: there.Addr(), Dst: here.Addr()}
	b := s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), h.Src, h.Dst)
	if edit != nil {
		edit(b)
	}
	return b
}

func (b *bench) receive(s wire.Segment) { b.Receive(b.now, packet(s, nil), false) }

// open attaches a connection and returns it with its SYN.
func (b *bench) open(t *testing.T) (*Flow, *wire.Segment) {
	t.Helper()
	m := tcb.New(b.Config(b.now, here, there))
	f, err := b.Attach(here, there, m)
	if err != nil {
		t.Fatal(err)
	}
	m.Open(b.now)
	b.Touch(f)
	syn := b.sent(t)
	if syn == nil || syn.Flags != wire.SYN {
		t.Fatalf("sent %+v, want a SYN", syn)
	}
	return f, syn
}

// Requirements: MUST-2
func TestSegmentsReachTheirConnection(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	b.receive(wire.Segment{Seq: 100, Ack: syn.End(), Flags: wire.SYN | wire.ACK, Window: 1000})
	if f.Machine.State() != tcb.Established {
		t.Errorf("state %v, want ESTABLISHED", f.Machine.State())
	}
	if ack := b.sent(t); ack == nil || ack.Flags != wire.ACK || ack.Ack != 101 {
		t.Errorf("sent %+v, want our ACK of 101", ack)
	}
}

// Requirements: MUST-3
func TestBadPacketsReachNobody(t *testing.T) {
	synAck := func(syn *wire.Segment) wire.Segment {
		return wire.Segment{Seq: 100, Ack: syn.End(), Flags: wire.SYN | wire.ACK, Window: 1000}
	}
	for _, tc := range []struct {
		name, why string
		edit      func([]byte)
	}{
		{"IP checksum", "header checksum", func(p []byte) { p[10] ^= 1 }},
		{"TCP checksum", "TCP checksum", func(p []byte) { p[len(p)-1] ^= 1 }},
		{"data offset", "TCP", func(p []byte) {
			p[32] = 0xf0
			wire.CompleteTCPChecksum(p[20:], there.Addr(), here.Addr())
		}},
	} {
		b := newBench()
		f, syn := b.open(t)
		b.Receive(b.now, packet(synAck(syn), tc.edit), false)
		if f.Machine.State() != tcb.SynSent {
			t.Errorf("%s: state %v, want SYN-SENT", tc.name, f.Machine.State())
		}
		if !slices.ContainsFunc(b.dropped, func(s string) bool { return strings.Contains(s, tc.why) }) {
			t.Errorf("%s: dropped because %q, want %q", tc.name, b.dropped, tc.why)
		}
	}
}

func TestPartialChecksumIsNotVerified(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	p := packet(wire.Segment{Seq: 100, Ack: syn.End(), Flags: wire.SYN | wire.ACK, Window: 1000}, func(p []byte) { p[36] ^= 0x55 })
	b.Receive(b.now, p, true)
	if f.Machine.State() != tcb.Established {
		t.Errorf("state %v, want ESTABLISHED", f.Machine.State())
	}
}

func TestStraysAreReset(t *testing.T) {
	b := newBench()
	b.receive(wire.Segment{Seq: 5, Ack: 9, Flags: wire.ACK})
	if r := b.sent(t); r == nil || r.Flags != wire.RST || r.Seq != 9 {
		t.Errorf("an ACK drew %+v, want <SEQ=9><CTL=RST>", r)
	}
	b.receive(wire.Segment{Seq: 5, Flags: wire.SYN})
	if r := b.sent(t); r == nil || r.Flags != wire.RST|wire.ACK || r.Ack != 6 {
		t.Errorf("a SYN drew %+v, want <ACK=6><CTL=RST,ACK>", r)
	}
	b.receive(wire.Segment{Seq: 5, Flags: wire.RST})
	if r := b.sent(t); r != nil {
		t.Errorf("a RST drew %+v", r)
	}
	for range 10 * maxStrayReplies {
		b.receive(wire.Segment{Seq: 5, Flags: wire.SYN})
	}
	n := 0
	for b.sent(t) != nil {
		n++
	}
	if n > maxStrayReplies {
		t.Errorf("%d resets waited, want at most %d", n, maxStrayReplies)
	}
}

func TestICMPReachesTheQuotedConnection(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	b.Receive(b.now, unreachable(syn, 3), false) // port unreachable
	if err := f.Machine.Err(); err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("error %v, want unreachable", err)
	}
}

// unreachable is an ICMP message from the remote about a segment of ours.
func unreachable(s *wire.Segment, code byte) []byte {
	quoted := wire.IPv4{TTL: 1, Protocol: wire.ProtocolTCP, Src: here.Addr(), Dst: there.Addr()}
	body := append([]byte{wire.ICMPUnreachable, code, 0, 0, 0, 0, 0, 0}, quoted.AppendTo(nil, s.HeaderLen())...)
	body = s.AppendTo(body, here.Addr(), there.Addr())
	sum := wire.Checksum(body)
	body[2], body[3] = byte(sum>>8), byte(sum)
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: there.Addr(), Dst: here.Addr()}
	return append(h.AppendTo(nil, len(body)), body...)
}

func TestDeadlinesMoveTheRightConnection(t *testing.T) {
	b := newBench()
	b.open(t)
	at, ok := b.Deadline()
	if !ok || at.Sub(b.now) != time.Second {
		t.Fatalf("deadline in %v, want the SYN's RTO of 1s", at.Sub(b.now))
	}
	b.now = at
	b.Advance(b.now)
	if syn := b.sent(t); syn == nil || syn.Flags != wire.SYN {
		t.Errorf("sent %+v, want the SYN again", syn)
	}
	if at, ok := b.Deadline(); !ok || at.Sub(b.now) != 2*time.Second {
		t.Errorf("next deadline in %v, want 2s", at.Sub(b.now))
	}
}

func TestTwoConnectionsBetweenTheSamePortsAreRefused(t *testing.T) {
	b := newBench()
	b.open(t)
	if _, err := b.Attach(here, there, tcb.New(tcb.Config{})); err == nil {
		t.Error("attached twice")
	}
}

// Requirements: MUST-8, MUST-9, SHLD-1
func TestInitialSequenceNumbersDifferByFlowAndMoveWithTime(t *testing.T) {
	b := newBench()
	a := b.InitialSequence(0, here, there)
	if c := b.InitialSequence(0, here, netip.AddrPortFrom(there.Addr(), 81)); a == c {
		t.Error("two flows share an ISN")
	}
	if later := b.InitialSequence(tcb.Instant(time.Second), here, there); later.Minus(a) != 250000 {
		t.Errorf("the clock moved by %d in a second, want 250000 (4 µs each)", later.Minus(a))
	}
	other := New(Config{Secret: [32]byte{2}})
	if other.InitialSequence(0, here, there) == a {
		t.Error("two secrets give the same ISN")
	}
}
