package tcb

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

func TestDataBothWays(t *testing.T) {
	k := established(t, nil)
	k.write("ping")
	k.expect(`PSH-ACK seq=1 ack=1 "ping"`)
	k.send(`PSH-ACK seq=1 ack=5 "pong!"`)
	k.read("pong!")
	k.expect("ACK seq=5 ack=6")
	if !k.c.Flushed() {
		t.Error("acknowledged, and not flushed")
	}
	k.quiet()
}

// Requirements: MUST-16, SHLD-28
func TestSegmentsAreAsLargeAsBothSidesAllow(t *testing.T) {
	k := start(t, func(c *Config) { c.MaxSegment = 700 })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.write(strings.Repeat("x", 1500))
	k.send("SYN-ACK seq=0 ack=1 mss=1000")
	k.expect("ACK seq=1")
	k.expect("ACK seq=1 len=700")
	k.expect("ACK seq=701 len=700")
	k.expect("PSH-ACK seq=1401 len=100")
	k.quiet()
}

// Requirements: MUST-15
func TestPeerWithoutMSSGets536(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.write(strings.Repeat("x", 600))
	k.send("SYN-ACK seq=0 ack=1")
	k.expect("ACK seq=1")
	k.expect("ACK seq=1 len=536")
	k.expect("PSH-ACK seq=537 len=64")
}

// Requirements: MUST-38
func TestTheWindowIsHonoured(t *testing.T) {
	k := established(t, nil)
	k.send("ACK seq=1 ack=1 win=1500")
	k.write(strings.Repeat("x", 3000))
	k.expect("ACK seq=1 len=1000")
	k.quiet() // 500 left of the window: a silly segment
	k.send("ACK seq=1 ack=1001 win=2000")
	k.expect("ACK seq=1001 len=1000")
	k.expect("PSH-ACK seq=2001 len=1000")
	k.quiet()
}

func TestWindowScaleOfThePeer(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = LinuxSYNOptions() })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.write(strings.Repeat("x", 20000))
	k.send("SYN-ACK seq=0 ack=1 win=1000 mss=1000 ws=3") // 1000: never scaled in a SYN
	k.expect("ACK seq=1")
	k.expect("ACK seq=1 len=1000")
	k.quiet()
	k.send("ACK seq=1 ack=1001 win=125")
	k.expect("ACK seq=1001 len=1000")
	k.quiet()
	k.send("ACK seq=1 ack=2001 win=250")
	k.expect("ACK seq=2001 len=1000")
	k.expect("ACK seq=3001 len=1000")
	k.quiet()
}

// Requirements: SHLD-31, MAY-13
func TestOctetsOutOfOrderAreKeptAndOrdered(t *testing.T) {
	k := established(t, nil)
	k.send(`ACK seq=4 ack=1 "def"`)
	k.said("out_of_order")
	k.expect("ACK seq=1 ack=1")
	k.send(`ACK seq=10 ack=1 "jkl"`)
	k.expect("ACK ack=1")
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.expect("ACK ack=7")
	k.send(`ACK seq=5 ack=1 "efghijk"`)
	k.expect("ACK ack=13")
	k.read("abcdefghijkl")
}

func TestARetransmissionCannotChangeWhatArrivedFirst(t *testing.T) {
	k := established(t, nil)
	k.send(`ACK seq=4 ack=1 "def"`)
	k.send(`ACK seq=1 ack=1 "ABCDEFGH"`)
	k.read("ABCdefGH")
	k.send(`ACK seq=6 ack=1 "xxxI"`)
	k.read("I")
}

func TestNothingBeyondTheOfferedWindowIsKept(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer = 8 })
	k.send(`ACK seq=3 ack=1 "cdefghXXX"`)
	k.expect("ACK ack=1 win=8")
	k.send(`ACK seq=1 ack=1 "ab"`)
	k.expect("ACK ack=9 win=0")
	k.send(`ACK seq=9 ack=1 "Y"`)
	k.expect("ACK ack=9 win=0")
	k.read("abcdefgh")
	k.expect("ACK ack=9 win=8")
	k.send(`ACK seq=9 ack=1 "ijklmnop"`)
	k.read("ijklmnop")
}

func TestSegmentsOf64KiBAreTaken(t *testing.T) {
	k := established(t, nil)
	big := strings.Repeat("x", 65000)
	k.send(`ACK seq=1 ack=1 "` + big + `"`)
	k.expect("ACK ack=65001")
	k.read(big)
}

// Requirements: MUST-19
func TestLostDataIsSentAgainWithBackoff(t *testing.T) {
	k := established(t, nil)
	k.write("hello")
	k.expect(`PSH-ACK seq=1 "hello"`)
	for _, wait := range []time.Duration{1, 2, 4, 8} {
		k.quiet()
		k.after(wait * time.Second)
		k.expect(`PSH-ACK seq=1 "hello"`)
		k.said("retransmission")
	}
	k.send("ACK seq=1 ack=6")
	k.quiet()
	if _, ok := k.c.Deadline(); ok {
		t.Error("a deadline although all is acknowledged")
	}
}

// Requirements: MUST-18
func TestKarnTakesNoRoundTripFromARetransmission(t *testing.T) {
	k := established(t, nil)
	before, _ := k.c.SRTT()
	k.write("hello")
	k.expect(`ACK "hello"`)
	k.quiet()
	k.after(time.Second)
	k.expect(`ACK "hello"`)
	k.send("ACK seq=1 ack=6")
	if srtt, _ := k.c.SRTT(); srtt != before {
		t.Errorf("SRTT became %v", srtt)
	}
	// The timeout stays backed off until there is a round trip to measure.
	k.write("again")
	k.expect(`ACK seq=6 "again"`)
	k.quiet()
	k.after(2 * time.Second)
	k.expect(`ACK seq=6 "again"`)
}

func TestAnEchoFromBeforeARetransmissionTellsNoRoundTrip(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = nil })
	k.c.Open(k.now)
	k.expect("SYN")
	k.after(10 * time.Millisecond)
	k.send("SYN-ACK seq=0 ack=1 ts=1,0")
	k.expect("ACK seq=1")
	k.write("hello")
	first := k.expect(`ACK "hello"`)
	k.quiet()
	k.after(time.Second)
	again := k.expect(`ACK "hello"`)
	k.after(30 * time.Millisecond)
	srtt, _ := k.c.SRTT()
	for _, tc := range []struct {
		echoed wire.Segment
		taken  bool
	}{{first, false}, {again, true}} {
		c := *k.c
		s := k.parse("ACK seq=1 ack=6", testIRS, testISS)
		val, _, _ := tc.echoed.Options.Timestamps()
		s.Options.AddTimestamps(2, val)
		c.Receive(k.now, &s)
		if now, _ := c.SRTT(); (now != srtt) != tc.taken {
			t.Errorf("SRTT from %v to %v, taken should be %v", srtt, now, tc.taken)
		}
	}
}

// Requirements: MUST-20, MUST-21
func TestSilentPeerEndsTheConnection(t *testing.T) {
	k := established(t, func(c *Config) { c.UserTimeout = 10 * time.Second })
	k.write("hello")
	k.expect(`ACK "hello"`)
	for _, wait := range []time.Duration{1, 2, 4} {
		k.quiet()
		k.after(wait * time.Second)
		k.expect(`ACK "hello"`)
	}
	k.quiet()
	k.after(3 * time.Second)
	k.failed(ErrTimeout)
	k.said("gave_up")
}

// Requirements: MUST-35, MUST-36, MUST-37, SHLD-17, SHLD-29, SHLD-30
func TestClosedWindowIsProbedForEverWhileThePeerAnswers(t *testing.T) {
	k := established(t, func(c *Config) { c.UserTimeout = 100 * time.Second })
	k.send("ACK seq=1 ack=1 win=0")
	k.write("hello")
	k.quiet()
	wait := time.Second
	for range 12 {
		k.after(wait)
		k.expect(`ACK seq=1 "h"`)
		k.said("window_probe")
		k.send("ACK seq=1 ack=1 win=0")
		k.quiet()
		wait = min(2*wait, DefaultMaxRTO)
	}
	k.send("ACK seq=1 ack=1 win=65535")
	k.expect(`PSH-ACK seq=1 "hello"`)
	k.send("ACK seq=1 ack=6")
	k.quiet()
}

func TestProbeThatWasTaken(t *testing.T) {
	k := established(t, nil)
	k.send("ACK seq=1 ack=1 win=0")
	k.write("hello")
	k.quiet()
	k.after(time.Second)
	k.expect(`ACK seq=1 "h"`)
	k.send("ACK seq=1 ack=2 win=0")
	k.quiet()
	k.after(time.Second)
	k.expect(`ACK seq=2 "e"`)
	k.send("ACK seq=1 ack=3 win=100")
	k.expect(`ACK seq=3 "llo"`)
}

func TestSilentPeerWithAClosedWindowEndsTheConnection(t *testing.T) {
	k := established(t, func(c *Config) { c.UserTimeout = 4 * time.Second })
	k.send("ACK seq=1 ack=1 win=0")
	k.write("hello")
	k.quiet()
	k.after(time.Second)
	k.expect(`ACK seq=1 "h"`)
	k.quiet()
	k.after(2 * time.Second)
	k.expect(`ACK seq=1 "h"`)
	k.quiet()
	k.after(time.Second)
	k.failed(ErrTimeout)
}

// Requirements: MUST-34, SHLD-16
func TestShrunkWindowIsSurvived(t *testing.T) {
	k := established(t, nil)
	k.write(strings.Repeat("x", 3000))
	for i := range 3 {
		k.expect([]string{"ACK seq=1 len=1000", "ACK seq=1001 len=1000", "ACK seq=2001 len=1000"}[i])
	}
	k.send("ACK seq=1 ack=1 win=400")
	k.quiet()
	k.after(time.Second)
	k.expect("ACK seq=1 len=400") // within the window that is left
	k.quiet()
	k.send("ACK seq=1 ack=401 win=5000")
	k.expect("ACK seq=401 len=1000")
}

// Requirements: MUST-39
func TestSmallReadsDoNotDribbleWindow(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer = 4000 })
	k.send("ACK seq=1 ack=1 len=4000")
	k.expect("ACK ack=4001 win=0")
	for range 1999 {
		k.c.Discard(1)
		k.quiet()
	}
	k.c.Discard(1)
	k.expect("ACK ack=4001 win=2000")
}

func TestWriteIsBounded(t *testing.T) {
	k := established(t, func(c *Config) { c.SendBuffer = 10 })
	if n := k.c.Write(make([]byte, 20)); n != 10 || k.c.WriteSpace() != 0 {
		t.Fatalf("took %d, space %d", n, k.c.WriteSpace())
	}
	k.expect("ACK len=10")
	k.send("ACK seq=1 ack=5")
	if k.c.WriteSpace() != 4 || k.c.Unacked() != 6 {
		t.Fatalf("space %d, unacked %d", k.c.WriteSpace(), k.c.Unacked())
	}
}

func TestAnAckAtTheEndOfAFullWindowCounts(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer = 8 })
	k.write("hello")
	k.expect(`ACK "hello"`)
	k.send(`ACK seq=3 ack=1 "cdefgh"`) // "ab" is lost, and the window is full
	k.expect("ACK ack=1 win=8")
	k.send("ACK seq=9 ack=6")
	if !k.c.Flushed() {
		t.Error("not acknowledged")
	}
	k.quiet()
}

func TestProbesOfAClosedWindowAreAnsweredAtOnce(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer, c.AckDelay = 4, time.Millisecond })
	k.send(`ACK seq=1 ack=1 "abcd"`)
	k.quiet()
	k.after(time.Millisecond)
	k.expect("ACK ack=5 win=0")
	k.quiet()
	k.send(`ACK seq=5 ack=1 "e"`)
	k.expect("ACK ack=5 win=0")
}

func TestHostileWindowScaleAndMSS(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = nil })
	k.c.Open(k.now)
	k.expect("SYN")
	k.write(strings.Repeat("x", 500))
	k.send("SYN-ACK seq=0 ack=1 mss=0 ws=255")
	k.expect("ACK seq=1")
	k.expect("ACK seq=1 len=48")
	if k.c.snd.scale != 14 {
		t.Errorf("shift of %d", k.c.snd.scale)
	}
}

// Requirements: MUST-39, SHLD-14, MAY-8
func TestTheWindowDoesNotOpenInSmallSteps(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer = 4000 })
	k.send("ACK seq=1 ack=1 len=4000")
	k.expect("ACK ack=4001 win=0")
	k.c.Discard(500)
	k.send("ACK seq=4001 ack=1 len=1") // a probe
	k.expect("ACK ack=4001 win=0")
	k.c.Discard(500)
	k.send("ACK seq=4001 ack=1 len=1")
	k.expect("ACK ack=4001 win=1000") // a segment's worth
}

func TestReadingFromAWideWindowIsNotAnnounced(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer = 60000 })
	for i := range 5 {
		k.send("ACK seq=" + strconv.Itoa(1+4000*i) + " ack=1 len=4000")
		k.expect("ACK")
	}
	k.c.Discard(20000)
	k.quiet()
}

// Requirements: MUST-38
func TestHalfOfTheLargestWindowIsWorthASegment(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN")
	k.write(strings.Repeat("x", 2000))
	k.send("SYN-ACK seq=0 ack=1 win=600 mss=1000")
	k.expect("ACK seq=1")
	k.expect("ACK seq=1 len=600")
	k.send("ACK seq=1 ack=601 win=299")
	k.quiet()
	k.send("ACK seq=1 ack=601 win=300")
	k.expect("ACK seq=601 len=300")
}

func TestEchoesOfWhatWasNeverSentTellNoRoundTrip(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = nil })
	k.c.Open(k.now)
	k.expect("SYN")
	k.after(time.Second)
	s := k.expect("SYN")
	now, _, _ := s.Options.Timestamps()
	for _, ecr := range []uint32{now + 1, now - 1<<30, 0} {
		c := *k.c
		in := k.parse("SYN-ACK seq=0 ack=1", testIRS, testISS)
		in.Options.AddTimestamps(5, ecr)
		c.Receive(k.now, &in)
		if rtt, ok := c.SRTT(); ok {
			t.Errorf("echo of %d, sent %d: %v", ecr, now, rtt)
		}
	}
}

// Requirements: MUST-60, MUST-61, SHLD-27
func TestOnlyTheLastSegmentPushes(t *testing.T) {
	k := established(t, nil)
	k.write(strings.Repeat("x", 1000))
	k.write(strings.Repeat("x", 1500))
	for i, want := range []bool{false, false, true} {
		var s wire.Segment
		if !k.c.Next(k.now, &s) || s.Flags.Has(wire.PSH) != want {
			t.Errorf("segment %d: %v", i, s.Flags)
		}
	}
}

// Requirements: MUST-58, MUST-59
func TestSegmentsInARowAreAcknowledgedTogether(t *testing.T) {
	k := established(t, nil)
	k.send(`ACK seq=4 ack=1 "def"`)
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.send(`ACK seq=7 ack=1 "ghi"`)
	k.expect("ACK ack=10")
	k.quiet()
}

// Requirements: SHLD-15
func TestNothingNewIsSentIntoAWindowThatShrank(t *testing.T) {
	k := established(t, nil)
	k.write(strings.Repeat("x", 1000))
	k.expect("ACK seq=1 len=1000")
	k.send("ACK seq=1 ack=1 win=500")
	k.write("new")
	k.quiet()
	k.send("ACK seq=1 ack=1001 win=0")
	k.quiet()
	k.send("ACK seq=1 ack=1001 win=3")
	k.expect(`ACK seq=1001 "new"`)
}
