package tcb

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

func delayed(c *Config) { c.AckDelay = 40 * time.Millisecond }

// Requirements: SHLD-18, SHLD-19
func TestAcksWaitForASecondSegmentOrAWhile(t *testing.T) {
	k := established(t, delayed)
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.quiet()
	k.after(40 * time.Millisecond)
	k.expect("ACK seq=1 ack=4")
	k.quiet()
	k.send(`ACK seq=4 ack=1 "def"`)
	k.quiet()
	k.send(`ACK seq=7 ack=1 "ghi"`)
	k.expect("ACK seq=1 ack=10")
	k.quiet()
	if _, ok := k.c.Deadline(); ok {
		t.Error("a deadline although all is acknowledged")
	}
}

// Requirements: MUST-58
func TestDelayedAckGoesWithData(t *testing.T) {
	k := established(t, delayed)
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.write("reply")
	k.expect(`ACK seq=1 ack=4 "reply"`)
	k.quiet()
}

// Requirements: MAY-13
func TestAcksThatTouchAHoleDoNotWait(t *testing.T) {
	k := established(t, delayed)
	k.send(`ACK seq=4 ack=1 "def"`)
	k.expect("ACK ack=1")
	k.send(`ACK seq=1 ack=1 "a"`)
	k.expect("ACK ack=2")
	k.send(`ACK seq=2 ack=1 "bc"`)
	k.expect("ACK ack=7")
	k.send(`ACK seq=2 ack=1 "bc"`)
	k.expect("ACK ack=7")
	k.send("FIN-ACK seq=7 ack=1")
	k.expect("ACK ack=8")
}

// Requirements: MUST-40
func TestAckDelayIsLessThanHalfASecond(t *testing.T) {
	k := established(t, func(c *Config) { c.AckDelay = time.Minute })
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.quiet()
	if at, ok := k.c.Deadline(); !ok || at.Sub(k.now) >= 500*time.Millisecond {
		t.Errorf("in %v", at.Sub(k.now))
	}
}

// Requirements: SHLD-7
func TestNagleHoldsSmallSegmentsBack(t *testing.T) {
	k := established(t, func(c *Config) { c.Nagle = true })
	k.write("a")
	k.expect(`ACK seq=1 "a"`)
	k.write("b")
	k.quiet()
	k.write("c")
	k.quiet()
	k.send("ACK seq=1 ack=2")
	k.expect(`ACK seq=2 "bc"`)
	k.write(strings.Repeat("x", 1000)) // a full segment does not wait
	k.expect("ACK seq=4 len=1000")
	k.write("bye")
	k.c.CloseWrite()
	k.expect(`FIN-PSH-ACK seq=1004 "bye"`)
}

// Requirements: MUST-17
func TestWithoutNagleSmallSegmentsGoAtOnce(t *testing.T) {
	k := established(t, nil)
	k.write("a")
	k.expect(`ACK seq=1 "a"`)
	k.write("b")
	k.expect(`ACK seq=2 "b"`)
}

// Requirements: MUST-38
func TestSillyWindowIsOverriddenAfterAWhile(t *testing.T) {
	k := established(t, nil)
	k.send("ACK seq=1 ack=1 win=100")
	k.write(strings.Repeat("x", 500))
	k.quiet()
	k.after(time.Second)
	k.expect("ACK seq=1 len=100")
}

// Requirements: MUST-25
func TestKeepAliveIsOffByDefault(t *testing.T) {
	k := established(t, nil)
	if at, ok := k.c.Deadline(); ok {
		t.Errorf("a deadline in %v", at.Sub(k.now))
	}
}

// Requirements: MAY-5, MUST-24, MUST-26, MUST-27, MUST-29, SHLD-12
func TestKeepAliveProbesAnIdleConnection(t *testing.T) {
	k := established(t, func(c *Config) {
		c.KeepAlive, c.KeepAliveInterval, c.KeepAliveProbes = 3*time.Hour, time.Minute, 3
	})
	k.after(time.Hour)
	k.send(`ACK seq=1 ack=1 "x"`)
	k.expect("ACK ack=2")
	k.after(3 * time.Hour)
	k.expect("ACK seq=0 ack=2")
	k.said("keep_alive")
	k.send("ACK seq=2 ack=1") // it lives
	k.after(3 * time.Hour)
	for range 2 {
		k.expect("ACK seq=0 ack=2")
		k.after(time.Minute)
	}
	k.expect("ACK seq=0 ack=2")
	k.after(time.Minute)
	k.failed(ErrTimeout)
}

// Requirements: MUST-26
func TestKeepAliveLeavesOctetsInFlightAlone(t *testing.T) {
	k := established(t, func(c *Config) { c.KeepAlive = 1500 * time.Millisecond })
	k.write("x")
	k.expect(`ACK "x"`)
	k.quiet()
	k.after(time.Second)
	k.expect(`ACK seq=1 "x"`)
	k.quiet()
	k.after(time.Second)
	k.quiet()
}

// Requirements: SHLD-12
func TestAKeepAliveProbeIsSentOnRequest(t *testing.T) {
	k := established(t, nil)
	probe := func() (s wire.Segment, ok bool) {
		ok = k.c.KeepAliveProbe(k.now, &s)
		return s, ok
	}
	first, _ := probe()
	for range 3 { // nobody counts them
		s, ok := probe()
		if !ok || s.Seq != k.c.snd.nxt-1 || s.Ack != k.c.rcv.nxt || s.Flags != wire.ACK || s.Len() != 0 || s.SrcPort != k.c.LocalPort() || s.DstPort != k.c.RemotePort() || s.Seq != first.Seq {
			t.Fatalf("%+v, %v", s, ok)
		}
	}
	k.said("keep_alive")
	k.quiet()
	k.write("x")
	k.expect(`ACK "x"`)
	if s, ok := probe(); ok {
		t.Errorf("with an octet in flight: %+v", s)
	}
	k.send("ACK seq=1 ack=2")
	if _, ok := probe(); !ok {
		t.Error("none on a connection that is idle again")
	}
	k.send("FIN-ACK seq=1 ack=2")
	if s, ok := probe(); !ok || s.Ack != k.c.rcv.nxt {
		t.Errorf("in CLOSE-WAIT: %+v, %v", s, ok)
	}
	k.c.Abort()
	if s, ok := probe(); ok {
		t.Errorf("on a connection that is over: %+v", s)
	}
}

// Requirements: MUST-30, MUST-32, MUST-33
func TestUrgentDataStaysInTheStream(t *testing.T) {
	k := established(t, nil)
	k.send(`URG-ACK seq=1 ack=1 urg=8 "abc"`)
	k.said("urgent_data")
	if k.c.Urgent() != 8 {
		t.Errorf("urgent data ends in %d octets, want 8", k.c.Urgent())
	}
	k.read("abc")
	k.send(`URG-ACK seq=4 ack=1 urg=2 "defgh"`) // the pointer does not go back
	if k.c.Urgent() != 5 {
		t.Errorf("urgent data ends in %d octets, want 5", k.c.Urgent())
	}
	k.read("defgh")
	if k.c.Urgent() != 0 {
		t.Error("still urgent")
	}
	k.log = nil
	k.send(`URG-ACK seq=9 ack=1 urg=1 "i"`)
	k.said("urgent_data") // anew
	k.send(`URG-ACK seq=10 ack=1 urg=3 "j"`)
	k.said("urgent_data") // and further
}

// Requirements: MUST-66
func TestUrgentPointerIntoAClosedWindowCounts(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer = 3 })
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.expect("ACK ack=4 win=0")
	k.send(`URG-ACK seq=4 ack=1 urg=70 "d"`)
	k.said("urgent_data")
	k.expect("ACK ack=4 win=0")
}

// Requirements: MUST-31
func TestUrgentPointerThatIsTooFarWaits(t *testing.T) {
	k := established(t, nil)
	k.write(strings.Repeat("x", 66000))
	k.c.MarkUrgent()
	if s := k.expect("ACK seq=1 len=1000"); s.Urgent != 0 {
		t.Errorf("pointer %d", s.Urgent)
	}
	if s := k.expect("URG-ACK seq=1001 len=1000"); s.Urgent != 65000 {
		t.Errorf("pointer %d", s.Urgent)
	}
}

// Requirements: MUST-30, MUST-62
func TestUrgentPointerPointsBehindTheUrgentData(t *testing.T) {
	k := established(t, nil)
	k.write(strings.Repeat("x", 1500))
	k.c.MarkUrgent()
	if s := k.expect("URG-ACK seq=1 len=1000"); s.Urgent != 1500 {
		t.Errorf("pointer %d", s.Urgent)
	}
	if s := k.expect("URG-ACK seq=1001 len=500"); s.Urgent != 500 {
		t.Errorf("pointer %d", s.Urgent)
	}
	k.send("ACK seq=1 ack=1501")
	k.write("calm")
	if s := k.expect(`ACK "calm"`); s.Flags.Has(wire.URG) {
		t.Error("still urgent")
	}
}

// Requirements: MAY-1, SHLD-3
func TestCloseWithOctetsNotReadSendsReset(t *testing.T) {
	k := established(t, nil)
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.expect("ACK ack=4")
	k.c.Close()
	k.failed(ErrAborted)
	k.expect("RST seq=1")
}

// Requirements: SHLD-3
func TestOctetsAfterCloseDrawReset(t *testing.T) {
	k := established(t, nil)
	k.c.Close()
	k.expect("FIN-ACK seq=1")
	k.send("ACK seq=1 ack=2")
	k.send(`ACK seq=1 ack=2 "more"`)
	k.expect("RST seq=2")
	k.failed(ErrAborted)
}

func TestClosedConnectionDoesNotWaitForAFinForEver(t *testing.T) {
	for _, first := range []bool{false, true} {
		k := established(t, nil)
		if first {
			k.c.CloseWrite() // and Close later
		} else {
			k.c.Close()
		}
		k.expect("FIN-ACK seq=1")
		k.send("ACK seq=1 ack=2")
		k.state(FinWait2)
		k.quiet()
		k.c.Close()
		k.quiet()
		k.after(DefaultFinTimeout)
		k.ended()
	}
}

// Requirements: MUST-20, SHLD-9, SHLD-10
func TestTroubleIsToldBeforeGivingUp(t *testing.T) {
	k := established(t, nil)
	k.write("x")
	k.expect(`ACK "x"`)
	for _, wait := range []time.Duration{1, 2, 4} {
		if slices.Contains(k.log, "delivery_trouble") {
			t.Error("told before the third retransmission")
		}
		k.quiet()
		k.after(wait * time.Second)
		k.expect(`ACK "x"`)
	}
	k.said("delivery_trouble")
}

// Requirements: SHLD-11, MUST-28
func TestDefaultsAreRFC9293s(t *testing.T) {
	if DefaultUserTimeout < 100*time.Second || DefaultKeepAlive < 2*time.Hour || DefaultSYNTimeout < 3*time.Minute {
		t.Error("shorter than RFC 9293 asks for")
	}
}
