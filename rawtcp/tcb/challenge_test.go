package tcb

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Requirements: MAY-12
func TestBlindResetIsChallenged(t *testing.T) {
	k := established(t, nil)
	k.send("RST seq=100") // in the window, but a guess
	k.state(Established)
	k.said("challenge_ack")
	k.expect("ACK seq=1 ack=1")
	k.send("RST seq=100000")
	k.send("RST seq=0")
	k.state(Established)
	k.quiet()
	k.send("RST seq=1")
	k.failed(ErrReset)
}

// Requirements: MAY-12
func TestBlindSynIsChallenged(t *testing.T) {
	for _, line := range []string{"SYN seq=1", "SYN seq=77", "SYN-ACK seq=0 ack=1", "SYN seq=-77777"} {
		k := established(t, nil)
		k.send(line)
		k.state(Established)
		k.said("challenge_ack")
		k.expect("ACK seq=1 ack=1")
	}
}

// Requirements: MAY-12
func TestBlindDataIsRefused(t *testing.T) {
	k := established(t, nil)
	k.write("hello")
	k.expect(`ACK "hello"`)
	for _, line := range []string{`ACK seq=1 ack=7 "evil"`, `ACK seq=1 ack=-70000 "evil"`, `PSH seq=1 "evil"`} {
		k.send(line)
		k.read("")
	}
	k.said("challenge_ack")
	if k.c.Unacked() != 5 {
		t.Error("an ACK of unsent data counted")
	}
}

func TestChallengeAcksAreLimited(t *testing.T) {
	k := established(t, nil)
	for round := range 2 {
		n := 0
		for range 50 {
			k.send("RST seq=100")
			if k.pending() {
				k.expect("ACK seq=1")
				n++
			}
		}
		if n != challengeLimit {
			t.Errorf("round %d: %d challenge ACKs for 50 resets", round, n)
		}
		k.after(challengePeriod)
	}
}

func TestTwoEndsDoNotAcknowledgeEachOtherForEver(t *testing.T) {
	a, b := joined(t)
	a.snd.nxt, a.snd.una, a.snd.base = a.snd.nxt+1e6, a.snd.una+1e6, a.snd.base+1e6 // out of step
	b.snd.nxt, b.snd.una, b.snd.base = b.snd.nxt+1e6, b.snd.una+1e6, b.snd.base+1e6
	a.out.ack = true
	n := 0
	var s wire.Segment
	for from, to := a, b; n < 1000 && from.Next(0, &s); from, to = to, from {
		to.Receive(0, &s)
		n++
	}
	if n > 2*challengeLimit+2 {
		t.Errorf("%d ACKs", n)
	}
}

func TestPAWSDropsOldDuplicates(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = nil })
	k.c.Open(k.now)
	k.expect("SYN")
	k.send("SYN-ACK seq=0 ack=1 ts=1000,0")
	k.expect("ACK seq=1")
	k.send(`ACK seq=1 ack=1 ts=999,0 "old"`)
	k.said("challenge_ack")
	k.read("")
	s := k.expect("ACK ack=1")
	if _, ecr, _ := s.Options.Timestamps(); ecr != 1000 {
		t.Errorf("TSecr %d", ecr)
	}
	k.send(`ACK seq=1 ack=1 ts=1000,0 "new"`)
	k.read("new")
	s = k.expect("ACK ack=4")
	k.send(`ACK seq=10 ack=1 ts=2000,0 "beyond a hole"`)
	k.expect("ACK ack=4")
	k.send(`ACK seq=4 ack=1 ts=1500,0 "filled"`) // not older than what is in order
	s = k.expect("ACK ack=23")
	if _, ecr, _ := s.Options.Timestamps(); ecr != 1500 {
		t.Errorf("TSecr %d, want that of the segment that filled the hole", ecr)
	}
	k.send("RST seq=23 ts=1,0") // of a RST the timestamp does not count
	k.failed(ErrReset)
}

func TestPAWSForgetsAfterALongSilence(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = nil })
	k.c.Open(k.now)
	k.expect("SYN")
	k.send("SYN-ACK seq=0 ack=1 ts=1000,0")
	k.expect("ACK seq=1")
	k.after(25 * 24 * time.Hour)
	k.send(`ACK seq=1 ack=1 ts=900,0 "new"`)
	k.read("new")
}

func TestForgedPathMTUCannotShrinkSegments(t *testing.T) {
	tooBig := func(k *talk, mtu uint32, seq int) {
		m := wire.ICMP{Type: wire.ICMPUnreachable, Code: wire.ICMPFragmentationNeeded, Rest: mtu, Seq: testISS.Add(seq)}
		m.Quoted.TotalLength = 1040
		k.c.Unreachable(k.now, &m)
	}
	k := flying(t, 20, false)
	k.send("ACK seq=1 ack=1001") // so 1000 octets do arrive
	k.expect("ACK seq=10001 len=1000")
	k.expect("ACK seq=11001 len=1000")
	tooBig(k, 700, 500)    // acknowledged
	tooBig(k, 700, 100000) // never sent
	tooBig(k, 700, 1001)   // in flight, but others of that size have arrived
	k.quiet()
	k.send("ACK seq=1 ack=2001")
	k.expect("ACK seq=12001 len=1000")
	k.expect("ACK seq=13001 len=1000")
	tooBig(k, 700, 2001)
	k.quiet()
	k.after(time.Second) // now it did not arrive, either
	k.expect("ACK seq=2001 len=660")
	k.said("segment_size_reduced")
}

func TestPathMTUIsBelievedAtFirst(t *testing.T) {
	k := flying(t, 2, false)
	m := wire.ICMP{Type: wire.ICMPUnreachable, Code: wire.ICMPFragmentationNeeded, Rest: 740, Seq: testISS.Add(1)}
	m.Quoted.TotalLength = 1040
	k.c.Unreachable(k.now, &m)
	k.expect("ACK seq=1 len=700")
	k.expect("ACK seq=701 len=700")
	k.expect("ACK seq=1401 len=600")
	m.Rest, m.Quoted.TotalLength = 100, 740
	k.c.Unreachable(k.now, &m)
	k.expect(fmt.Sprintf("ACK seq=1 len=%d", minSegment))
}

func TestBlackHoleIsEscapedBySmallerSegments(t *testing.T) {
	k := flying(t, 2, false)
	for _, wait := range []time.Duration{1, 2} {
		k.quiet()
		k.after(wait * time.Second)
		k.expect("ACK seq=1 len=1000")
	}
	k.quiet()
	k.after(4 * time.Second)
	k.expect("ACK seq=1 len=536")
	k.said("segment_size_reduced")
}

func TestPathMTUThatTheQuotedSegmentFitsIsForged(t *testing.T) {
	k := flying(t, 2, false)
	m := wire.ICMP{Type: wire.ICMPUnreachable, Code: wire.ICMPFragmentationNeeded, Rest: 740, Seq: testISS.Add(1)}
	m.Quoted.TotalLength = 740
	k.c.Unreachable(k.now, &m)
	k.quiet()
}

func TestPathMTUOfASegmentThatArrivedIsForgotten(t *testing.T) {
	k := flying(t, 10, false)
	k.send("ACK seq=1 ack=1001")
	k.c.TooBig(k.now, testISS.Add(1001), 600)
	k.send("ACK seq=1 ack=2001")
	k.quiet()
	k.after(time.Second)
	k.expect("ACK seq=2001 len=1000")
}

func TestAProvenSegmentSizeIsNotGivenUpForGood(t *testing.T) {
	k := flying(t, 3, false)
	k.send("ACK seq=1 ack=1001") // 1000 octets do arrive
	for tries, wait := 1, time.Second; ; tries++ {
		k.quiet()
		k.after(wait)
		wait = min(2*wait, DefaultMaxRTO)
		if tries == blackHoleTriesProven {
			break
		}
		k.expect("ACK seq=1001 len=1000")
	}
	k.expect("ACK seq=1001 len=536")
	k.send("ACK seq=1 ack=3001")
	at := 3001
	for sent := 0; sent < retryAfter; { // it seems to have been loss
		k.write(strings.Repeat("x", 536))
		k.expect(fmt.Sprintf("ACK seq=%d len=536", at))
		at += 536
		sent += 536
		k.send(fmt.Sprintf("ACK seq=1 ack=%d", at))
	}
	k.write(strings.Repeat("x", 1000))
	k.expect(fmt.Sprintf("ACK seq=%d len=1000", at))
}

func TestPathMTUIsReducedTwice(t *testing.T) {
	k := flying(t, 3, false)
	k.c.TooBig(k.now, testISS.Add(1), 800)
	k.expect("ACK seq=1 len=800")
	k.expect("ACK seq=801 len=800")
	k.expect("ACK seq=1601 len=800")
	k.expect("ACK seq=2401 len=600")
	k.send("ACK seq=1 ack=801")              // proven: 800
	k.c.TooBig(k.now, testISS.Add(801), 700) // against what is proven
	k.quiet()
	k.after(time.Second)
	k.expect("ACK seq=801 len=700")
	k.send("ACK seq=1 ack=1501") // proven: 700
	k.expect("ACK seq=1501 len=700")
	k.expect("ACK seq=2201 len=700")
	k.expect("ACK seq=2901 len=100")
	k.c.TooBig(k.now, testISS.Add(1501), 750) // no news
	k.quiet()
	k.c.TooBig(k.now, testISS.Add(1501), 690)
	k.quiet()
}

func TestPathMTUFromARouterThatTellsNone(t *testing.T) {
	k := flying(t, 2, false)
	m := wire.ICMP{Type: wire.ICMPUnreachable, Code: wire.ICMPFragmentationNeeded, Seq: testISS.Add(1)}
	m.Quoted.TotalLength = 1040
	k.c.Unreachable(k.now, &m)
	k.expect("ACK seq=1 len=536")
}
