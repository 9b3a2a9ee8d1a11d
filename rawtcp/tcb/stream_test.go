package tcb

import (
	"fmt"
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

// Requirements: MUST-14, MUST-16, SHLD-28
func TestSegmentsAreAsLargeAsBothSidesAllow(t *testing.T) {
	for _, tc := range []struct{ path, peers int }{{700, 1000}, {1000, 700}} {
		k := start(t, func(c *Config) { c.MaxSegment = tc.path })
		k.c.Open(k.now)
		k.expect("SYN seq=0 mss=1000")
		k.write(strings.Repeat("x", 1500))
		k.send(fmt.Sprintf("SYN-ACK seq=0 ack=1 mss=%d", tc.peers))
		k.expect("ACK seq=1")
		k.expect("ACK seq=1 len=700")
		k.expect("ACK seq=701 len=700")
		k.expect("PSH-ACK seq=1401 len=100")
		k.quiet()
	}
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

// Requirements: SHLD-31
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

// TestAnEchoEndsTheBackingOff has something new under way, and timed, when the
// acknowledgment of what was sent again arrives: its echo tells the round trip
// all the same (RFC 7323, section 4).
func TestAnEchoEndsTheBackingOff(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions, c.MinRTO = nil, 200*time.Millisecond })
	k.c.Open(k.now)
	k.expect("SYN")
	k.after(10 * time.Millisecond)
	k.send("SYN-ACK seq=0 ack=1 ts=1,0")
	k.expect("ACK seq=1")
	k.write("hello")
	k.expect(`ACK "hello"`)
	k.quiet()
	k.after(200 * time.Millisecond)
	again := k.expect(`ACK "hello"`)
	k.write("and more")
	k.expect(`ACK seq=6 "and more"`)
	if k.c.rtt.rto != 400*time.Millisecond || !k.c.snd.timing {
		t.Fatalf("RTO %v, timing %v", k.c.rtt.rto, k.c.snd.timing)
	}
	k.after(10 * time.Millisecond)
	s := k.parse("ACK seq=1 ack=6", testIRS, testISS)
	val, _, _ := again.Options.Timestamps()
	s.Options.AddTimestamps(2, val)
	k.c.Receive(k.now, &s)
	if k.c.rtt.rto != 200*time.Millisecond {
		t.Errorf("the RTO is %v", k.c.rtt.rto)
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

// Requirements: MUST-59
func TestSegmentsInARowAreAcknowledgedTogether(t *testing.T) {
	k := established(t, nil)
	k.send(`ACK seq=4 ack=1 "def"`)
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.send(`ACK seq=7 ack=1 "ghi"`)
	k.expect("ACK ack=10")
	k.quiet()
}
