package tcb

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// failed expects the connection to have ended with an error of that kind.
func (k *talk) failed(want error) {
	k.t.Helper()
	k.state(Closed)
	if !errors.Is(k.c.Err(), want) {
		k.t.Fatalf("err = %v, want %v", k.c.Err(), want)
	}
	if _, ok := k.c.Deadline(); ok {
		k.t.Fatal("a deadline after the end")
	}
}

func (k *talk) ended() {
	k.t.Helper()
	k.state(Closed)
	if k.c.Err() != nil {
		k.t.Fatalf("err = %v", k.c.Err())
	}
}

// Requirements: MUST-13
func TestCloseFromOurSide(t *testing.T) {
	k := established(t, nil)
	k.write("bye")
	k.c.CloseWrite()
	k.state(FinWait1)
	if k.c.Write([]byte("more")) != 0 {
		t.Error("Write after CloseWrite")
	}
	k.expect(`FIN-PSH-ACK seq=1 ack=1 "bye"`)
	k.send("ACK seq=1 ack=5")
	k.state(FinWait2)
	if !k.c.Flushed() {
		t.Error("not flushed")
	}
	k.send(`ACK seq=1 ack=5 "still here"`)
	k.expect("ACK seq=5 ack=11")
	k.send("FIN-ACK seq=11 ack=5")
	k.state(TimeWait)
	k.expect("ACK seq=5 ack=12")
	k.read("still here")
	if !k.c.EOF() {
		t.Error("no EOF")
	}
	k.quiet()
	k.after(3 * time.Minute)
	k.send("FIN-ACK seq=11 ack=5") // our ACK was lost: TIME-WAIT starts again
	k.expect("ACK seq=5 ack=12")
	k.quiet()
	k.after(3 * time.Minute)
	k.state(TimeWait)
	k.after(time.Minute)
	k.ended()
}

func TestCloseFromThePeersSide(t *testing.T) {
	k := established(t, nil)
	k.send(`FIN-PSH-ACK seq=1 ack=1 "bye"`)
	k.state(CloseWait)
	if k.c.EOF() {
		t.Error("EOF before the last octet is read")
	}
	k.read("bye")
	if !k.c.EOF() {
		t.Error("no EOF")
	}
	k.expect("ACK seq=1 ack=5")
	k.write("me too")
	k.expect(`PSH-ACK seq=1 "me too"`)
	k.c.CloseWrite()
	k.state(CloseWait)
	k.expect("FIN-ACK seq=7 ack=5")
	k.state(LastAck)
	k.send("ACK seq=5 ack=7")
	k.state(LastAck)
	k.send("ACK seq=5 ack=8")
	k.ended()
}

func TestBothSidesCloseAtOnce(t *testing.T) {
	k := established(t, nil)
	k.c.CloseWrite()
	k.expect("FIN-ACK seq=1 ack=1")
	k.send("FIN-ACK seq=1 ack=1")
	k.state(Closing)
	k.expect("ACK seq=2 ack=2")
	k.send("ACK seq=2 ack=2")
	k.state(TimeWait)
}

func TestFinAndItsAckInOneSegment(t *testing.T) {
	k := established(t, nil)
	k.c.CloseWrite()
	k.expect("FIN-ACK seq=1 ack=1")
	k.send("FIN-ACK seq=1 ack=2")
	k.state(TimeWait)
	k.expect("ACK seq=2 ack=2")
}

func TestFinBeforeAHoleWaitsForIt(t *testing.T) {
	k := established(t, nil)
	k.send(`FIN-ACK seq=4 ack=1 "def"`)
	k.state(Established)
	k.expect("ACK ack=1")
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.state(CloseWait)
	k.expect("ACK ack=8")
	k.read("abcdef")
	k.send(`ACK seq=8 ack=1 "more"`) // after its FIN: nothing
	k.read("")
}

func TestLostFinIsSentAgain(t *testing.T) {
	k := established(t, nil)
	k.c.CloseWrite()
	k.expect("FIN-ACK seq=1")
	k.quiet()
	k.after(time.Second)
	k.expect("FIN-ACK seq=1")
	k.quiet()
	k.send("ACK seq=1 ack=2")
	k.state(FinWait2)
}

// Requirements: MUST-12
func TestResetEndsTheConnection(t *testing.T) {
	k := established(t, nil)
	k.send(`ACK seq=1 ack=1 "last words"`)
	k.send("RST seq=11")
	k.failed(ErrReset)
	k.said("reset_received")
	k.quiet()
	k.read("last words")
}

// Requirements: MUST-66, SHLD-2
func TestResetWithTextAndIntoAClosedWindow(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer = 3 })
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.expect("ACK ack=4 win=0")
	k.send(`RST seq=4 "because I say so"`)
	k.failed(ErrReset)
}

func TestAbortSendsReset(t *testing.T) {
	k := established(t, nil)
	k.write("hello")
	k.expect(`ACK seq=1 "hello"`)
	k.c.Abort()
	k.failed(ErrAborted)
	k.expect("RST seq=6")
	k.quiet()
	k.send("ACK seq=1 ack=6")
	k.quiet()
}

func TestAbortBeforeTheHandshakeSendsNothing(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.c.Abort()
	k.failed(ErrAborted)
	k.quiet()
}

func TestCloseInSynSentEndsAtOnce(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.c.CloseWrite()
	k.ended()
	k.quiet()
}

// Requirements: MUST-56, SHLD-26
func TestUnreachableWhileOpening(t *testing.T) {
	unreachable := func(code uint8, seq wire.Seq) *wire.ICMP {
		return &wire.ICMP{Type: wire.ICMPUnreachable, Code: code, Seq: seq}
	}
	k := start(t, func(c *Config) { c.SYNTries = 2 })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.c.Unreachable(k.now, unreachable(3, testISS.Add(1))) // not what we sent
	k.c.Unreachable(k.now, unreachable(1, testISS))        // soft
	k.state(SynSent)
	k.quiet()
	k.after(time.Second)
	k.expect("SYN seq=0")
	k.quiet()
	k.after(2 * time.Second)
	k.failed(ErrUnreachable) // the soft error explains the silence

	k = start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.c.Unreachable(k.now, unreachable(3, testISS))
	k.failed(ErrUnreachable)

	k = start(t, func(c *Config) { c.SoftErrorsEnd = true })
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.c.Unreachable(k.now, unreachable(1, testISS))
	k.failed(ErrUnreachable)
}

// Requirements: MUST-54, MUST-56, SHLD-25
func TestUnreachableDoesNotEndAnOpenConnection(t *testing.T) {
	k := established(t, func(c *Config) { c.UserTimeout = time.Second })
	for i := range 2 {
		k.write("x")
		k.expect(`ACK "x"`)
		for _, code := range []uint8{0, 1, 2, 3, 5, 13} {
			m := wire.ICMP{Type: wire.ICMPUnreachable, Code: code, Seq: testISS.Add(1 + i)}
			k.c.Unreachable(k.now, &m)
		}
		for _, typ := range []uint8{wire.ICMPTimeExceeded, wire.ICMPParameter} {
			m := wire.ICMP{Type: typ, Seq: testISS.Add(1 + i)}
			k.c.Unreachable(k.now, &m)
		}
		k.said("unreachable")
		k.state(Established)
		k.send(fmt.Sprintf("ACK seq=1 ack=%d", 2+i))
	}
	k.write("y")
	k.expect(`ACK "y"`)
	k.quiet()
	k.after(time.Second)
	k.failed(ErrTimeout) // the errors had passed: they explain nothing
}

func TestTheFirstFINCounts(t *testing.T) {
	k := established(t, nil)
	k.send(`FIN-ACK seq=4 ack=1 "def"`) // so the stream ends at 7
	k.expect("ACK ack=1")
	k.send(`FIN-ACK seq=4 ack=1 "d"`) // or at 5?
	k.expect("ACK ack=1")
	k.send("FIN-ACK seq=9 ack=1") // or at 9?
	k.expect("ACK ack=1")
	k.send(`ACK seq=1 ack=1 "abcdefghi"`) // or later?
	k.expect("ACK ack=8")
	k.read("abcdef")
	k.state(CloseWait)
}

func TestAFINBelowOctetsThatArrivedIsContradicted(t *testing.T) {
	k := established(t, nil)
	k.send(`ACK seq=4 ack=1 "def"`)
	k.expect("ACK ack=1")
	k.send(`FIN-ACK seq=2 ack=1 "b"`) // ends at 3, though 4 to 6 are here
	k.expect("ACK ack=1")
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.expect("ACK ack=7")
	k.read("abcdef")
	k.state(Established)
}

func TestAbortSendsResetOnlyWhereThePeerNeedsOne(t *testing.T) {
	for state, want := range map[State]bool{
		Closed: false, SynSent: false, SynReceived: true, Established: true, FinWait1: true, FinWait2: true,
		CloseWait: true, Closing: false, LastAck: false, TimeWait: false,
	} {
		k := reach(t, state, nil)
		for k.pending() {
			var s wire.Segment
			k.c.Next(k.now, &s)
		}
		k.c.Abort()
		k.failed(ErrAborted)
		if got := k.pending(); got != want {
			t.Errorf("in %v: RST %v, want %v", state, got, want)
		}
	}
}

func TestTimeWaitKeepsNoOtherTimer(t *testing.T) {
	k := reach(t, TimeWait, func(c *Config) { c.KeepAlive = time.Second })
	k.expect("ACK seq=2 ack=2")
	k.quiet()
	if at, ok := k.c.Deadline(); !ok || at.Sub(k.now) != 2*DefaultMSL {
		t.Errorf("a deadline in %v", at.Sub(k.now))
	}
}

func TestAFINBehindAClosedWindow(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer = 8 })
	k.send(`ACK seq=1 ack=1 "abcdefgh"`)
	k.expect("ACK ack=9 win=0")
	k.send("FIN-ACK seq=9 ack=1") // it needs no room
	k.state(CloseWait)
	k.expect("ACK ack=10 win=0")
	k.send("RST seq=77") // the window is still closed
	k.state(CloseWait)
	k.quiet()
	k.read("abcdefgh")
	if !k.c.EOF() {
		t.Error("no EOF")
	}
}

func TestWhatWasNotAcknowledgedAtTheEndIsKnown(t *testing.T) {
	k := established(t, nil)
	k.write("hello")
	k.expect(`ACK "hello"`)
	k.send("ACK seq=1 ack=3")
	k.send("RST seq=1")
	if k.c.Unacked() != 3 || k.c.Flushed() {
		t.Errorf("%d octets not acknowledged, want 3", k.c.Unacked())
	}
	if k.c.WriteSpace() != 0 || k.c.Write([]byte("x")) != 0 {
		t.Error("room to write after the end")
	}
}

func TestResetInEachState(t *testing.T) {
	for state, want := range map[State]error{
		SynReceived: ErrRefused, Established: ErrReset, FinWait1: ErrReset, FinWait2: ErrReset, CloseWait: ErrReset,
		Closing: nil, LastAck: nil, TimeWait: nil,
	} {
		k := reach(t, state, nil)
		k.c.Receive(k.now, &wire.Segment{Flags: wire.RST, Seq: k.c.rcv.nxt})
		if err := k.c.Err(); k.c.State() != Closed || !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("in %v: %v, %v", state, k.c.State(), err)
		}
	}
}

func TestClosedConnectionStillTakesTheFIN(t *testing.T) {
	k := established(t, nil)
	k.send(`ACK seq=1 ack=1 "abc"`)
	k.expect("ACK ack=4")
	k.read("abc")
	k.c.Close()
	k.expect("FIN-ACK seq=1 ack=4")
	k.send(`FIN-ACK seq=1 ack=2 "abc"`) // octets that were read, and the FIN
	k.state(TimeWait)
	k.expect("ACK seq=2 ack=5")
}

func TestTimeWaitGivesWayToAConnectionOfOursOnceTimestampsKeepThemApart(t *testing.T) {
	k := reach(t, TimeWait, func(c *Config) { c.SYNOptions = nil })
	for wait, want := range map[time.Duration]bool{
		0:               false, // the peer may still repeat its FIN
		minTimeWait / 2: false,
		2 * minTimeWait: true,
	} {
		if k.c.TimeWaitReusable(k.now.Add(wait)) != want {
			t.Errorf("after %v: %v", wait, !want)
		}
	}
	for state, edit := range map[State]func(*Config){
		TimeWait:    nil,                                    // without timestamps
		Established: func(c *Config) { c.SYNOptions = nil }, // in use
		FinWait2:    func(c *Config) { c.SYNOptions = nil },
	} {
		k := reach(t, state, edit)
		if k.c.TimeWaitReusable(k.now.Add(time.Minute)) {
			t.Errorf("in %v, timestamps %v", state, k.c.ts.on)
		}
	}
}
