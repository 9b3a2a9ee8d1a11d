package tcb

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Requirements: MUST-14, SHLD-5, MAY-3
func TestActiveOpen(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.state(SynSent)
	k.expect("SYN seq=0 win=65535 mss=1000")
	k.quiet()
	k.after(30 * time.Millisecond)
	k.send("SYN-ACK seq=0 ack=1 win=65535 mss=1000")
	k.state(Established)
	k.expect("ACK seq=1 ack=1")
	k.quiet()
	if rtt, ok := k.c.HandshakeRTT(); !ok || rtt != 30*time.Millisecond {
		t.Errorf("handshake RTT %v %v", rtt, ok)
	}
	if _, ok := k.c.Deadline(); ok {
		t.Error("a deadline although nothing is owed")
	}
}

func TestSYNLooksLikeLinux(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions, c.MSS, c.ReceiveBuffer, c.SYNWindow = nil, 1460, 4<<20, 64240 })
	k.c.Open(k.now)
	s := k.expect("SYN seq=0 win=64240 mss=1460 ws=7 sackok")
	var kinds []wire.OptionKind
	for o := range s.Options.All() {
		kinds = append(kinds, o.Kind)
	}
	want := []wire.OptionKind{wire.OptMSS, wire.OptSACKPermitted, wire.OptTimestamps, wire.OptNOP, wire.OptWindowScale}
	if len(s.Options.Raw()) != 20 || len(kinds) != len(want) {
		t.Fatalf("options %v in %d octets", kinds, len(s.Options.Raw()))
	}
	for i := range want {
		if kinds[i] != want[i] {
			t.Fatalf("options %v, want %v", kinds, want)
		}
	}
}

func TestSYNOptionsAreTheCallers(t *testing.T) {
	k := start(t, func(c *Config) {
		c.SYNOptions = []wire.Option{{Kind: 254, Data: []byte{1, 2}}, {Kind: wire.OptNOP}, {Kind: wire.OptWindowScale, Data: []byte{3}}}
	})
	k.c.Open(k.now)
	s := k.expect("SYN seq=0 ws=3")
	if got := string(s.Options.Raw()); got != "\xfe\x04\x01\x02\x01\x03\x03\x03" {
		t.Fatalf("options % x", got)
	}
}

// Requirements: MUST-22, MUST-12
func TestSYNIsRetransmittedAtOneThreeSevenSeconds(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNTries = 4 })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	for _, wait := range []time.Duration{1, 2, 4} {
		k.quiet()
		k.after(wait * time.Second)
		k.expect("SYN seq=0")
	}
	k.after(8 * time.Second)
	k.state(Closed)
	k.said("gave_up")
	if !errors.Is(k.c.Err(), ErrTimeout) || !strings.Contains(k.c.Err().Error(), "SYN in 15s") {
		t.Errorf("err = %v", k.c.Err())
	}
	if _, ok := k.c.Deadline(); ok {
		t.Error("a deadline after the end")
	}
}

// Requirements: MUST-23
func TestSYNIsTriedForThreeMinutes(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	began := k.now
	for k.c.State() == SynSent {
		var s wire.Segment
		for k.c.Next(k.now, &s) {
		}
		at, _ := k.c.Deadline()
		k.now = at
		k.c.Advance(at)
	}
	if d := k.now.Sub(began); d != 3*time.Minute {
		t.Errorf("gave up after %v", d)
	}
}

// Requirements: MUST-21
func TestSYNTimeoutIsTheCallers(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNTimeout = 5 * time.Second })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.after(time.Second)
	k.expect("SYN seq=0")
	k.after(2 * time.Second)
	k.expect("SYN seq=0")
	k.after(2 * time.Second)
	k.state(Closed)
}

func TestWrongAckInSynSentDrawsReset(t *testing.T) {
	for _, line := range []string{"SYN-ACK seq=0 ack=0", "SYN-ACK seq=0 ack=2", "ACK seq=5 ack=77", "SYN-ACK seq=0 ack=-100000"} {
		k := start(t, nil)
		k.c.Open(k.now)
		k.expect("SYN seq=0")
		k.send(line)
		k.state(SynSent)
		k.said("reset_sent")
		want := k.parse(line, testIRS, testISS)
		got := k.expect("RST")
		if got.Seq != want.Ack || got.Flags != wire.RST {
			t.Errorf("%s drew %s", line, show(&got, testISS, testIRS))
		}
		k.expect("SYN seq=0")
		k.quiet()
		k.send("SYN-ACK seq=0 ack=1")
		k.state(Established)
	}
}

// A peer that still knows an earlier connection answers the SYN by an ACK of that
// (RFC 5961, section 4.2); once our RST has ended it, it takes a SYN. That follows
// the RST at once, and once: a peer that goes on has no more from us than RSTs, and
// the timeout is what it was.
func TestTheSYNFollowsAtOnceWhenARSTHasClearedTheWay(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNTries = 3 })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.after(10 * time.Millisecond)
	k.send("ACK seq=5 ack=-7777")
	k.expect("RST seq=-7777")
	k.expect("SYN seq=0")
	k.said("retransmission")
	for range 3 {
		k.send("ACK seq=5 ack=-7777")
		k.expect("RST seq=-7777")
		k.quiet()
	}
	k.after(time.Second)
	k.expect("SYN seq=0")
	k.send("ACK seq=5 ack=-7777")
	k.expect("RST seq=-7777")
	k.quiet()
	k.send("SYN-ACK seq=0 ack=1")
	k.state(Established)
	if _, ok := k.c.HandshakeRTT(); ok {
		t.Error("an RTT from one of several SYNs")
	}
}

func TestASYNBehindARSTIsNoLossAndTellsNoRTT(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.send("ACK seq=5 ack=-7777")
	k.expect("RST seq=-7777")
	k.expect("SYN seq=0")
	k.send("SYN-ACK seq=0 ack=1")
	k.expect("ACK seq=1")
	if _, ok := k.c.HandshakeRTT(); ok {
		t.Error("an RTT, though either SYN may have been answered")
	}
	k.write("x")
	k.expect(`ACK seq=1 "x"`)
	k.after(time.Second) // and not three (RFC 6298, (5.7)): nothing was lost
	k.expect(`ACK seq=1 "x"`)
}

func TestWhereOneSYNIsAllowedNoneFollowsARST(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNTries = 1 })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.send("ACK seq=5 ack=-7777")
	k.expect("RST seq=-7777")
	k.quiet()
}

func TestResetInSynSent(t *testing.T) {
	for _, tc := range []struct {
		line string
		want State
	}{
		{"RST-ACK seq=0 ack=1", Closed},
		{"RST-ACK seq=0 ack=2", SynSent},
		{"RST seq=0", SynSent},
	} {
		k := start(t, nil)
		k.c.Open(k.now)
		k.expect("SYN seq=0")
		k.send(tc.line)
		k.quiet()
		k.state(tc.want)
		if tc.want == Closed && !errors.Is(k.c.Err(), ErrRefused) {
			t.Errorf("%s: %v", tc.line, k.c.Err())
		}
	}
}

func TestSegmentsWithoutSYNAreNotASynAck(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	for _, line := range []string{`ACK seq=0 ack=1 "x"`, "FIN-ACK seq=0 ack=1", "FIN seq=0"} {
		k.send(line)
		k.quiet()
		k.state(SynSent)
	}
}

func TestBareAckThenDataInOneFlight(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.write("hello")
	k.quiet()
	k.send("SYN-ACK seq=0 ack=1")
	k.expect("ACK seq=1 ack=1")
	k.expect(`PSH-ACK seq=1 ack=1 "hello"`)
	k.quiet()
}

func TestDataOnTheAckWhereTheCallerWantsIt(t *testing.T) {
	k := start(t, func(c *Config) { c.DataOnACK = true })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.send("SYN-ACK seq=0 ack=1")
	k.write("hello")
	k.expect(`PSH-ACK seq=1 ack=1 "hello"`)
	k.quiet()
}

func TestSynAckWithData(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.send(`SYN-ACK seq=0 ack=1 "early"`)
	k.read("early")
	k.expect("ACK seq=1 ack=6")
}

func TestSynAckWithZeroWindow(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.write("hello")
	k.send("SYN-ACK seq=0 ack=1 win=0")
	k.expect("ACK seq=1 ack=1")
	k.quiet()
	k.after(time.Second)
	k.expect(`ACK seq=1 "h"`)
	k.send("ACK seq=1 ack=1 win=100")
	k.expect(`PSH-ACK seq=1 "hello"`)
}

func TestLostSynMakesTheFirstTimeoutThreeSeconds(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.after(time.Second)
	k.expect("SYN seq=0")
	k.send("SYN-ACK seq=0 ack=1")
	k.expect("ACK seq=1")
	if _, ok := k.c.HandshakeRTT(); ok {
		t.Error("an RTT from an ambiguous SYN-ACK")
	}
	k.write("x")
	k.expect(`ACK seq=1 "x"`)
	k.quiet()
	k.after(3 * time.Second)
	k.expect(`ACK seq=1 "x"`)
}

func TestTimestampTellsTheRoundTripOfALostSYN(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = nil })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.after(time.Second)
	s := k.expect("SYN seq=0")
	val, _, _ := s.Options.Timestamps()
	k.after(20 * time.Millisecond)
	in := k.parse("SYN-ACK seq=0 ack=1", testIRS, testISS)
	in.Options.AddTimestamps(77, val)
	k.c.Receive(k.now, &in)
	if rtt, ok := k.c.HandshakeRTT(); !ok || rtt != 20*time.Millisecond {
		t.Errorf("handshake RTT %v %v", rtt, ok)
	}
}

// Requirements: MUST-4, MUST-5, MUST-6, MUST-7, MUST-64, MUST-65
func TestOptionsOfNoUseAreIgnored(t *testing.T) {
	for _, options := range [][]byte{
		{253, 4, 1, 2, 2, 4, 1, 44}, // an experiment, and then MSS 300
		{1, 1, 1, 2, 4, 1, 44},      // not aligned
		{2, 4, 1, 44, 8, 0},         // a length of 0
		{2, 4, 1, 44, 8, 200},       // a length past the end
	} {
		raw := append(make([]byte, wire.TCPHeaderLen), options...)
		for len(raw)%4 != 0 {
			raw = append(raw, 0)
		}
		raw[12] = byte(len(raw) / 4 << 4)
		cursor := field.New("TCP", raw)
		var s wire.Segment
		if err := s.Decode(&cursor); err != nil {
			t.Fatal(err)
		}
		k := start(t, nil)
		k.c.Open(k.now)
		k.expect("SYN seq=0")
		k.write(strings.Repeat("x", 400))
		s.Seq, s.Ack, s.Flags, s.Window = testIRS, testISS.Add(1), wire.SYN|wire.ACK, 1000
		k.c.Receive(k.now, &s)
		k.expect("ACK seq=1")
		k.expect("ACK seq=1 len=300")
		if got := k.expect("PSH-ACK seq=301 len=100"); !got.Options.IsZero() {
			t.Errorf("options % x on a segment that is no SYN", got.Options.Raw())
		}
		s.Seq, s.Ack, s.Flags = testIRS.Add(1), testISS.Add(401), wire.ACK // and in any segment
		k.c.Receive(k.now, &s)
		if !k.c.Flushed() {
			t.Errorf("an ACK with the options % x did not count", options)
		}
	}
}

// Requirements: MUST-1, REC-1
func TestTheLargestWindowIsAGibibyte(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = nil })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.send("SYN-ACK seq=0 ack=1 ws=14")
	k.send("ACK seq=1 ack=1 win=65535")
	if k.c.snd.wnd != 65535<<14 {
		t.Errorf("window of %d", k.c.snd.wnd)
	}
}
