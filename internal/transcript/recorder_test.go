package transcript

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

var addr = [2]netip.Addr{Out: netip.MustParseAddr("198.18.0.2"), In: netip.MustParseAddr("198.18.0.1")}

const (
	iss wire.Seq = 0xffffff00 // wraps after 256 octets
	irs wire.Seq = 5000
)

func packet(dir Dir, s wire.Segment) []byte {
	s.SrcPort, s.DstPort = 40000, 443
	if dir == In {
		s.SrcPort, s.DstPort = 443, 40000
	}
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: addr[dir], Dst: addr[1-dir]}
	b := h.AppendTo(nil, s.HeaderLen()+len(s.Payload))
	return s.AppendTo(b, addr[dir], addr[1-dir])
}

// seg is a segment whose numbers count from the initial ones.
func seg(dir Dir, flags wire.Flags, seq, ack uint32, n int) wire.Segment {
	own, other := iss, irs
	if dir == In {
		own, other = irs, iss
	}
	s := wire.Segment{Flags: flags, Seq: own + wire.Seq(seq), Payload: make([]byte, n)}
	if flags.Has(wire.ACK) {
		s.Ack = other + wire.Seq(ack)
	}
	return s
}

// A tape records, and notes the entries as short words.
type tape struct {
	*Recorder
	at    time.Duration
	words []string
}

func newTape() *tape {
	t := &tape{}
	t.Recorder = NewRecorder(0, func(e *Entry) { t.words = append(t.words, word(e)) })
	return t
}

func word(e *Entry) string {
	s := e.Dir.String() + " "
	switch e.Type {
	case TypeSegment:
		s += fmt.Sprintf("#%d", e.Frame.Number)
	case TypeRecord:
		s += fmt.Sprintf("record@%d", e.Record.Offset)
	case TypeMessage:
		s += e.Message.EnumName()
	case TypeDecision:
		s += e.Decision.Name
	case TypeResult:
		s += "result"
	}
	if e.Type != TypeSegment && e.Frame != nil {
		s += fmt.Sprintf(" in #%d", e.Frame.Number)
	}
	return s
}

// play records a segment a millisecond later.
func (t *tape) play(dir Dir, flags wire.Flags, seq, ack uint32, n int) *Frame {
	t.at += time.Millisecond
	return t.Packet(t.at, dir, packet(dir, seg(dir, flags, seq, ack, n)), false)
}

func (t *tape) open() {
	t.play(Out, wire.SYN, 0, 0, 0)
	t.play(In, wire.SYN|wire.ACK, 0, 1, 0)
	t.play(Out, wire.ACK, 1, 1, 0)
	t.words = nil
}

func (t *tape) expect(test *testing.T, want ...string) {
	test.Helper()
	if !slices.Equal(t.words, want) {
		test.Errorf("entries\n%s\nwant\n%s", strings.Join(t.words, "\n"), strings.Join(want, "\n"))
	}
}

func record(dir handshake.Direction, offset int64, n int) handshake.RecordEvent {
	return handshake.RecordEvent{Dir: dir, Type: tlsmsg.ContentHandshake, Offset: offset, Wire: make([]byte, n)}
}

func message(dir handshake.Direction, kind tlsmsg.HandshakeType, offset, end int64) handshake.MessageEvent {
	return handshake.MessageEvent{Dir: dir, Content: tlsmsg.ContentHandshake, Type: kind, Offset: offset, End: end}
}

func TestOutgoingMessagesFollowTheFrameWithTheirFirstByte(t *testing.T) {
	r := newTape()
	r.open()
	r.TLS(r.at, record(handshake.Out, 0, 100))
	r.TLS(r.at, message(handshake.Out, tlsmsg.TypeClientHello, 0, 100))
	r.TLS(r.at, record(handshake.Out, 100, 300)) // over two segments
	r.TLS(r.at, record(handshake.Out, 400, 50))
	r.TLS(r.at, message(handshake.Out, tlsmsg.TypeCertificate, 100, 450)) // over both records
	r.TLS(r.at, handshake.DecisionEvent{Name: "decided"})                 // not tied to bytes: at once
	r.play(Out, wire.ACK, 1, 1, 200)
	r.play(Out, wire.ACK, 1, 1, 200) // again: nothing is listed again
	r.play(Out, wire.ACK, 201, 1, 250)
	r.expect(t, "local decided", "out #4", "out record@0 in #4", "out client_hello in #4", "out record@100 in #4",
		"out certificate in #4", "out #5", "out #6", "out record@400 in #6")
}

func TestIncomingMessagesBelongToTheFrameThatCompletedThem(t *testing.T) {
	r := newTape()
	r.open()
	r.play(In, wire.ACK, 1, 1, 100)
	r.play(In, wire.ACK, 101, 1, 100)
	r.TLS(r.at, record(handshake.In, 0, 200))
	r.TLS(r.at, message(handshake.In, tlsmsg.TypeServerHello, 0, 200))
	r.expect(t, "in #4", "in #5", "in record@0 in #5", "in server_hello in #5")
	carriers := r.Transcript().Carriers(In, 0, 200)
	if len(carriers) != 2 || carriers[0].Number != 4 || carriers[1].Number != 5 {
		t.Errorf("carriers: %v", carriers)
	}
}

func TestMessagesThatNeverLeaveAreSaid(t *testing.T) {
	r := newTape()
	r.open()
	r.TLS(r.at, record(handshake.Out, 0, 100))
	r.TLS(r.at, message(handshake.Out, tlsmsg.TypeClientHello, 0, 100))
	r.Result(r.at, Result{Outcome: "reset"})
	r.expect(t, "local never_sent", "local result")
	if text := r.Transcript().Entries[3].Decision.Text; !strings.Contains(text, "ClientHello") {
		t.Error(text)
	}
}

func TestNumbersAreRelativeAndSurviveTheWrap(t *testing.T) {
	r := newTape()
	r.open()
	r.play(Out, wire.ACK, 1, 1, 300)
	f := r.play(Out, wire.ACK, 301, 77, 10)
	if f.Seq != 301 || f.Ack != 77 || f.Stream != (Span{300, 310}) {
		t.Errorf("seq %d, ack %d, stream %v", f.Seq, f.Ack, f.Stream)
	}
}

func TestRepetitionAndReorderingAreMarked(t *testing.T) {
	r := newTape()
	type marks struct{ again, ahead bool }
	for i, tc := range []struct {
		dir   Dir
		flags wire.Flags
		seq   uint32
		n     int
		want  marks
	}{
		{Out, wire.SYN, 0, 0, marks{}},
		{Out, wire.SYN, 0, 0, marks{again: true}},
		{In, wire.SYN | wire.ACK, 0, 0, marks{}},
		{In, wire.SYN | wire.ACK, 0, 0, marks{again: true}},
		{Out, wire.ACK, 1, 0, marks{}},
		{Out, wire.ACK, 1, 0, marks{}}, // a bare ACK repeats nothing
		{In, wire.ACK, 101, 100, marks{ahead: true}},
		{In, wire.ACK, 301, 100, marks{ahead: true}},
		{In, wire.ACK, 101, 100, marks{again: true}},
		{In, wire.ACK, 1, 150, marks{}},   // fills the hole, and then some
		{In, wire.ACK, 201, 150, marks{}}, // half of it is new
		{In, wire.ACK, 1, 400, marks{again: true}},
		{In, wire.FIN | wire.ACK, 401, 0, marks{}},
		{In, wire.FIN | wire.ACK, 401, 0, marks{again: true}},
		{In, wire.FIN | wire.ACK, 391, 10, marks{again: true}},
		{Out, wire.FIN | wire.ACK, 1, 10, marks{}},
		{Out, wire.FIN | wire.ACK, 1, 10, marks{again: true}},
	} {
		f := r.play(tc.dir, tc.flags, tc.seq, 1, tc.n)
		if got := (marks{f.Retransmission, f.OutOfOrder}); got != tc.want {
			t.Errorf("segment %d (%v seq %d len %d): %+v, want %+v", i, tc.flags, tc.seq, tc.n, got, tc.want)
		}
	}
}

func TestWhatIsNotOfTheStreamDoesNotDisturbIt(t *testing.T) {
	r := newTape()
	r.play(Out, wire.SYN, 0, 0, 0)
	old := seg(In, wire.SYN|wire.ACK, 0, 7000, 0) // an old connection's: acknowledges another SYN
	old.Seq = 1
	r.Packet(r.at, In, packet(In, old), false)
	r.play(In, wire.SYN|wire.ACK, 0, 1, 0)
	damaged := packet(In, seg(In, wire.ACK, 1, 1, 50))
	damaged[len(damaged)-1] ^= 1
	if f := r.Packet(r.at, In, damaged, false); !f.BadChecksum || f.Seq != 1 {
		t.Errorf("damaged: %+v", f)
	}
	kernelSent := r.Packet(r.at, Out, packet(Out, seg(Out, wire.RST, 1, 0, 0)), true)
	if !kernelSent.KernelSent || kernelSent.Seq != 1 {
		t.Errorf("%+v", kernelSent)
	}
	wild := seg(In, wire.ACK, 1<<30+1000, 1, 50) // no window reaches that far
	r.Packet(r.at, In, packet(In, wild), false)
	if f := r.play(In, wire.ACK, 1, 1, 50); f.Retransmission || f.OutOfOrder || f.Stream != (Span{0, 50}) {
		t.Errorf("the real segment: %+v", f)
	}
}

func TestPacketsThatAreNoSegmentsAreNotices(t *testing.T) {
	icmp := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: addr[In], Dst: addr[Out]}
	quoted := packet(Out, seg(Out, wire.SYN, 0, 0, 0))[:28]
	body := append([]byte{wire.ICMPUnreachable, 3, 0, 0, 0, 0, 0, 0}, quoted...)
	fragment := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: addr[In], Dst: addr[Out], FragmentOffset: 2}
	from6, to6 := netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8::1")
	six := func(next uint8, n int) []byte {
		h := wire.IPv6{HopLimit: 64, NextHeader: next, Src: from6, Dst: to6}
		return h.AppendTo(nil, n)
	}
	syn := seg(Out, wire.SYN, 0, 0, 0)
	syn.SrcPort, syn.DstPort = 40000, 443
	about := wire.IPv6{HopLimit: 64, NextHeader: wire.ProtocolTCP, Src: to6, Dst: from6}
	body6 := append([]byte{wire.ICMPv6Unreachable, 4, 0, 0, 0, 0, 0, 0}, syn.AppendTo(about.AppendTo(nil, 20), to6, from6)...)
	for _, tc := range []struct {
		name, says string
		packet     []byte
	}{
		{"icmp", "port unreachable from 2001:db8::2, about the segment from port 40000 to [2001:db8::2]:443",
			append(six(wire.ProtocolICMPv6, len(body6)), body6...)},
		{"fragment", "5 bytes at offset 16", append(six(wire.NextFragment, 13), "\x06\x00\x00\x10\x00\x00\x00\x0112345"...)},
		{"refused", "RFC 5095", append(six(wire.NextRouting, 28), append([]byte{6, 0, 0, 1, 0, 0, 0, 0}, syn.AppendTo(nil, from6, to6)...)...)},
		{"undecodable", "IPv6", []byte{0x60}},
		{"icmp", "port unreachable from 198.18.0.1, about the segment from port 40000 to 198.18.0.1:443",
			append(icmp.AppendTo(nil, len(body)), body...)},
		{"fragment", "5 bytes at offset 16", append(fragment.AppendTo(nil, 5), "12345"...)},
		{"undecodable", "IPv4", []byte{0x45}},
		{"undecodable", "IPv4", nil},
	} {
		r := newTape()
		r.Packet(0, In, tc.packet, false)
		e := r.Transcript().Entries[0]
		if e.Type != TypeDecision || e.Layer != Link || e.Decision.Name != tc.name || !strings.Contains(e.Decision.Text, tc.says) {
			t.Errorf("%v %v %+v", e.Layer, e.Type, e.Decision)
		}
	}
}

func TestFramesOfIPv6AreReadAndVerified(t *testing.T) {
	src, dst := netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8::1")
	s := seg(Out, wire.SYN, 0, 0, 3)
	s.SrcPort, s.DstPort = 40000, 443
	h := wire.IPv6{HopLimit: 64, NextHeader: wire.ProtocolTCP, Src: src, Dst: dst}
	b := s.AppendTo(h.AppendTo(nil, s.HeaderLen()+3), src, dst)
	f := newTape().Packet(0, Out, b, false)
	tree, err := f.Tree()
	if err != nil || f.Segment == nil || f.BadChecksum || f.IP.Src != src || tree.Name != "IPv6" || tree.Find("payload", "TCP", "source_port") == nil {
		t.Errorf("%+v, %v", f, err)
	}
	b[len(b)-1]++
	if f := newTape().Packet(0, Out, b, false); !f.BadChecksum {
		t.Error("a wrong checksum was not noticed")
	}
}

// A segment that arrives in fragments is a segment, at the last of them, and
// leaves no hole in the stream.
func TestASegmentInFragmentsIsWhole(t *testing.T) {
	r := newTape()
	r.play(Out, wire.SYN, 0, 0, 0)
	r.play(In, wire.SYN|wire.ACK, 0, 1, 0)
	s := seg(In, wire.ACK, 1, 1, 28)
	s.SrcPort, s.DstPort = 443, 40000
	b := s.AppendTo(nil, addr[In], addr[Out])
	part := func(from, to int) []byte {
		h := wire.IPv4{TTL: 64, ID: 9, Protocol: wire.ProtocolTCP, Src: addr[In], Dst: addr[Out],
			FragmentOffset: uint16(from / 8), MoreFragments: to < len(b)}
		return append(h.AppendTo(nil, to-from), b[from:to]...)
	}
	if f := r.Packet(r.at, In, part(24, 48), false); f.Segment != nil {
		t.Errorf("half of a segment: %+v", f)
	}
	f := r.Packet(r.at, In, part(0, 24), false)
	if f.Segment == nil || f.BadChecksum || f.Stream != (Span{0, 28}) || len(f.Segment.Payload) != 28 {
		t.Errorf("the whole: %+v", f)
	}
	if f := r.play(In, wire.ACK, 29, 1, 10); f.OutOfOrder || f.Stream != (Span{28, 38}) {
		t.Errorf("what follows: %+v", f)
	}
	var told int
	for _, e := range r.Transcript().Entries {
		if e.Decision != nil && e.Decision.Name == "fragment" {
			told++
		}
	}
	if told != 2 {
		t.Errorf("%d notices of fragments, want one each", told)
	}
}

func TestRoundTripIsOnlyTakenFromASYNSentOnce(t *testing.T) {
	for syns, want := range map[int]time.Duration{1: time.Millisecond, 2: 0} {
		r := newTape()
		for range syns {
			r.play(Out, wire.SYN, 0, 0, 0)
		}
		r.play(In, wire.SYN|wire.ACK, 0, 1, 0)
		r.Result(r.at, Result{})
		if got := r.Transcript().Result().RTT; got != want {
			t.Errorf("%d SYNs: RTT %v, want %v", syns, got, want)
		}
	}
}

func TestResultIsFilledInFromWhatWasSeen(t *testing.T) {
	r := newTape()
	r.open()
	r.TLS(10*time.Millisecond, message(handshake.Out, tlsmsg.TypeClientHello, 0, 100))
	r.TLS(11*time.Millisecond, handshake.NegotiatedEvent{Version: tlsmsg.VersionTLS12, CipherSuite: 0xc02b, Group: 29, ALPN: "h2"})
	r.TLS(12*time.Millisecond, handshake.VerdictEvent{})
	r.TLS(14*time.Millisecond, handshake.FinishedEvent{})
	r.TLS(14*time.Millisecond, handshake.SecretEvent{Label: "CLIENT_RANDOM"})
	r.Result(15*time.Millisecond, Result{OK: true, Outcome: "finished", ALPN: "http/1.1"})
	want := Result{OK: true, Outcome: "finished", Version: tlsmsg.VersionTLS12, CipherSuite: 0xc02b, Group: 29,
		ALPN: "http/1.1", Judged: true, Trusted: true, PeerVerified: true, RTT: time.Millisecond, Handshake: 4 * time.Millisecond}
	if got := *r.Transcript().Result(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if len(r.Transcript().Secrets) != 1 {
		t.Error("the secret was not kept")
	}
}

func TestChainAloneDoesNotVerifyThePeer(t *testing.T) {
	r := newTape()
	r.TLS(0, message(handshake.Out, tlsmsg.TypeClientHello, 0, 100))
	r.TLS(time.Millisecond, handshake.VerdictEvent{}) // and then a bad signature
	r.Result(time.Millisecond, Result{Outcome: "protocol_error"})
	if r.Transcript().Result().PeerVerified {
		t.Error("verified without the server's signature or Finished")
	}
}

func TestDecisionsCountFromTheInitialNumbersToo(t *testing.T) {
	r := newTape()
	r.open()
	r.TCP(r.at, tcb.OutOfOrder{Seq: irs + 301, Len: 5, Expected: irs + 1})
	e := r.Transcript().Entries[3]
	if want := "5 octets at SEQ 301 kept: still waiting for 1"; e.Decision.Text != want {
		t.Errorf("%q, want %q", e.Decision.Text, want)
	}
	if kept, ok := e.Decision.Event.(tcb.OutOfOrder); !ok || kept.Seq != irs+301 {
		t.Errorf("the event itself was changed: %+v", e.Decision.Event)
	}
	if e.Frame == nil || e.Frame.Number != 2 {
		t.Errorf("frame %+v, want the last that arrived", e.Frame)
	}
}

func TestMemoryIsBoundedAndTheResultIsKept(t *testing.T) {
	seen := 0
	r := NewRecorder(10_000, func(*Entry) { seen++ })
	for range 1000 {
		r.Packet(0, In, packet(In, seg(In, wire.ACK, 1, 1, 100)), false)
	}
	r.Result(0, Result{Outcome: "finished"})
	tr := r.Transcript()
	bytes := 0
	for _, f := range tr.Frames() {
		bytes += len(f.Packet)
	}
	if !tr.Truncated || bytes > 10_000 || len(tr.Entries) > 30 {
		t.Errorf("truncated %v, %d bytes in %d entries", tr.Truncated, bytes, len(tr.Entries))
	}
	if seen != 1002 { // all frames, that it is full, the result
		t.Errorf("the listener saw %d entries", seen)
	}
	if n := len(tr.Entries); tr.Entries[n-2].Decision.Name != "transcript_full" || tr.Result() == nil {
		t.Errorf("it ends with %+v, %+v", tr.Entries[n-2], tr.Entries[n-1])
	}
}

func TestHeldMessagesAreBounded(t *testing.T) {
	r := NewRecorder(0, nil)
	for range 3 * maxHeld {
		r.TLS(0, message(handshake.Out, tlsmsg.TypeClientHello, 0, 1))
	}
	if len(r.held) > maxHeld {
		t.Errorf("%d held", len(r.held))
	}
}

func TestRememberedRunsAreBounded(t *testing.T) {
	r := newTape()
	r.open()
	for i := range uint32(1000) {
		r.play(In, wire.ACK, 100+10*i, 1, 5)
	}
	if n := len(r.halves[In].seen); n > maxSpans {
		t.Errorf("%d runs remembered", n)
	}
}

// FuzzRecorderPacket feeds hostile packets, cut out of one string, to a
// recorder in the middle of a connection.
func FuzzRecorderPacket(f *testing.F) {
	f.Add(packet(In, seg(In, wire.ACK, 1, 1, 10)), uint8(45))
	f.Add(packet(In, seg(In, wire.SYN|wire.FIN|wire.RST, 0, 1, 10)), uint8(50))
	f.Add([]byte("\x45\x00\x00\x14"), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		r := newTape()
		r.play(Out, wire.SYN, 0, 0, 0)
		for i := 0; len(data) > 0; i++ {
			n := min(len(data), int(size)+1)
			frame := r.Packet(0, Dir(i%2), data[:n], i%5 == 4)
			data = data[n:]
			tree, err := frame.Tree()
			if tree == nil || (err == nil) != (frame.Err == nil) {
				t.Fatalf("recorded and plain decode disagree: %v, %v", err, frame.Err)
			}
			if frame.Stream.Len() < 0 {
				t.Fatalf("stream %v", frame.Stream)
			}
		}
		r.Result(0, Result{})
		for _, h := range r.halves {
			for i, s := range h.seen {
				if s.Len() <= 0 || i > 0 && s.Start <= h.seen[i-1].End {
					t.Fatalf("runs %v", h.seen)
				}
			}
		}
	})
}

// What this side did outside the frames is not in the handshake's time: it made
// its ClientHello before the frame left, and handled the Finished after it
// came.
func TestAHandshakeTakesFromFrameToFrame(t *testing.T) {
	r := newTape()
	r.open()
	r.TLS(r.at, message(handshake.Out, tlsmsg.TypeClientHello, 0, 100))
	r.at += time.Second
	first := r.play(Out, wire.ACK, 1, 1, 100)
	r.at += 5 * time.Millisecond
	last := r.play(In, wire.ACK, 1, 101, 50)
	r.at += time.Second
	r.TLS(r.at, message(handshake.In, tlsmsg.TypeFinished, 0, 50))
	r.TLS(r.at, handshake.FinishedEvent{})
	r.Result(r.at, Result{OK: true})
	if got := r.Transcript().Result().Handshake; got != last.At-first.At || got >= time.Second {
		t.Errorf("%v, expected %v", got, last.At-first.At)
	}
}
