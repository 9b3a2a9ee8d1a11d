package tcb

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

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

// Requirements: MUST-36, MUST-37, SHLD-29, SHLD-30
func TestClosedWindowIsProbedForEverWhileThePeerAnswers(t *testing.T) {
	k := established(t, func(c *Config) { c.UserTimeout = 2 * DefaultMaxRTO })
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

// Requirements: MAY-8
func TestProbesOfAClosedWindowAreAnsweredAtOnce(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer, c.AckDelay = 4, time.Millisecond })
	k.send(`ACK seq=1 ack=1 "abcd"`)
	k.quiet()
	k.after(time.Millisecond)
	k.expect("ACK ack=5 win=0")
	for range 60 { // for as long as nobody reads
		k.quiet()
		k.after(time.Minute)
		k.send(`ACK seq=5 ack=1 "e"`)
		k.expect("ACK ack=5 win=0")
	}
}

func TestHostileWindowScaleAndMSS(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = nil })
	k.c.Open(k.now)
	k.expect("SYN")
	k.write(strings.Repeat("x", 500))
	k.send("SYN-ACK seq=0 ack=1 mss=0 ws=255")
	k.expect("ACK seq=1")
	k.expect("ACK seq=1 len=28")
	if k.c.snd.scale != 14 {
		t.Errorf("shift of %d", k.c.snd.scale)
	}
}

// Requirements: MUST-39
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

// Requirements: MUST-34, SHLD-15
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

// Requirements: MUST-35, SHLD-17, MAY-7
func TestAWindowThatShrankToNothingIsProbed(t *testing.T) {
	k := established(t, func(c *Config) { c.UserTimeout = 5 * time.Second })
	k.write("old, ")
	k.expect(`ACK seq=1 "old, "`)
	k.send("ACK seq=1 ack=1 win=0")
	k.write("new")
	for _, wait := range []time.Duration{1000, 2000, 2500, 2500} { // for longer than the user timeout
		k.quiet()
		k.after(wait * time.Millisecond)
		k.expect(`ACK seq=1 "o"`)
		k.said("window_probe")
		k.send("ACK seq=1 ack=1 win=0")
	}
	k.send("ACK seq=1 ack=1 win=100")
	k.expect(`PSH-ACK seq=1 "old, new"`)
}

// Requirements: SHLD-14
func TestTheRightEdgeOfTheWindowDoesNotMoveBack(t *testing.T) {
	// The SYN offered more than the buffer's size.
	k := established(t, func(c *Config) { c.ReceiveBuffer, c.SYNWindow = 100, 1000 })
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.expect("ACK ack=4 win=997")
	k.send("ACK seq=504 ack=1 len=400") // beyond a hole
	k.expect("ACK ack=4 win=997")
}
