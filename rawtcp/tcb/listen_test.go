package tcb

import (
	"testing"
	"time"
)

// accepted is a connection that the line, a SYN, begins at a listener.
func accepted(t *testing.T, line string, edit func(*Config)) *talk {
	k := start(t, edit)
	cfg := *k.c.cfg
	s := k.parse(line, testIRS, testISS)
	if k.c = Accept(cfg, k.now, &s); k.c == nil {
		t.Fatalf("%s was not accepted", line)
	}
	return k
}

func TestPassiveOpen(t *testing.T) {
	k := accepted(t, "SYN seq=0 win=1000 mss=500", nil)
	k.state(SynReceived)
	k.expect("SYN-ACK seq=0 ack=1 mss=1000")
	k.quiet()
	k.send(`ACK seq=1 ack=1 win=1000 "hello"`)
	k.state(Established)
	k.read("hello")
	k.expect("ACK seq=1 ack=6")
}

func TestSynAckAnswersOnlyWhatWasOffered(t *testing.T) {
	linux := func(c *Config) { c.SYNOptions = nil }
	k := accepted(t, "SYN seq=0 mss=500", linux)
	s := k.expect("SYN-ACK seq=0 ack=1 mss=1000")
	if _, _, ok := s.Options.Timestamps(); ok || s.Options.SACKPermitted() {
		t.Errorf("options % x", s.Options.Raw())
	}
	k = accepted(t, "SYN seq=0 mss=500 sackok ts=7,0 ws=1", linux)
	s = k.expect("SYN-ACK seq=0 ack=1 mss=1000 sackok ws=3")
	if _, ecr, ok := s.Options.Timestamps(); !ok || ecr != 7 {
		t.Errorf("TSecr %d, want 7", ecr)
	}
}

func TestSynAckIsRetransmitted(t *testing.T) {
	k := accepted(t, "SYN seq=0", nil)
	k.expect("SYN-ACK seq=0 ack=1")
	k.quiet()
	k.after(time.Second)
	k.expect("SYN-ACK seq=0 ack=1")
	k.quiet()
	k.send("SYN seq=0") // the peer's SYN again: not in the window
	k.expect("ACK seq=1 ack=1")
	k.send("ACK seq=1 ack=1")
	k.state(Established)
}

func TestListenerTakesNothingButSYN(t *testing.T) {
	k := start(t, nil)
	for _, line := range []string{"ACK seq=0 ack=1", "SYN-ACK seq=0 ack=1", "RST seq=0", "SYN-RST seq=0", "FIN seq=0"} {
		s := k.parse(line, testIRS, testISS)
		if Accept(*k.c.cfg, k.now, &s) != nil {
			t.Errorf("%s was accepted", line)
		}
	}
}

func TestBadAckInSynReceivedDrawsReset(t *testing.T) {
	k := accepted(t, "SYN seq=0", nil)
	k.expect("SYN-ACK seq=0 ack=1")
	k.send("ACK seq=1 ack=2")
	k.expect("RST seq=2")
	k.state(SynReceived)
}

// Requirements: MUST-11
func TestResetInSynReceivedEndsTheAttempt(t *testing.T) {
	k := accepted(t, "SYN seq=0", nil)
	k.expect("SYN-ACK seq=0 ack=1")
	k.send("RST seq=1")
	k.ended() // the listener goes on as if nothing had been

	k = start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.send("SYN seq=0")
	k.expect("SYN-ACK seq=0 ack=1")
	k.send("RST seq=1")
	k.failed(ErrRefused)
}

func TestCloseInSynReceivedWaitsForTheHandshake(t *testing.T) {
	k := accepted(t, "SYN seq=0", nil)
	k.expect("SYN-ACK seq=0 ack=1")
	k.write("bye")
	k.c.CloseWrite()
	k.quiet()
	k.send("ACK seq=1 ack=1")
	k.state(FinWait1)
	k.expect(`FIN-PSH-ACK seq=1 ack=1 "bye"`)
}

// Requirements: MUST-10
func TestSimultaneousOpen(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.send("SYN seq=0 win=1000 mss=500")
	k.state(SynReceived)
	k.expect("SYN-ACK seq=0 ack=1")
	k.send("SYN-ACK seq=0 ack=1 win=1000")
	k.expect("ACK seq=1 ack=1")
	k.send("ACK seq=1 ack=1")
	k.state(Established)
	k.quiet()
}

func TestConnectionBornFromASynAck(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNSent = true })
	k.c.Open(k.now)
	k.quiet()
	k.send("SYN-ACK seq=0 ack=1 mss=500")
	k.state(Established)
	k.expect("ACK seq=1 ack=1")
	if _, ok := k.c.HandshakeRTT(); ok {
		t.Error("a round trip of a SYN that nobody timed")
	}
}

func TestAnAnswerToASYNSentElsewhereIsNotWaitedForForEver(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNSent, c.SYNTries = true, 2 })
	k.c.Open(k.now)
	k.quiet()
	k.after(time.Second)
	k.expect("SYN seq=0")
	k.quiet()
	k.after(2 * time.Second)
	k.failed(ErrTimeout)
}

func TestConnectionBornFromACookie(t *testing.T) {
	k := accepted(t, "SYN seq=0 mss=500", func(c *Config) { c.SYNSent = true })
	k.quiet()
	k.send(`ACK seq=1 ack=1 "hello"`)
	k.state(Established)
	k.read("hello")
}

// Requirements: MAY-2
func TestTimeWaitIsReusedByAHigherSequenceNumber(t *testing.T) {
	k := established(t, nil)
	k.c.CloseWrite()
	k.expect("FIN-ACK seq=1")
	k.send("FIN-ACK seq=1 ack=2")
	k.expect("ACK seq=2 ack=2")
	for line, want := range map[string]bool{
		"SYN seq=1000000": true, "SYN seq=1": false, "SYN seq=300": false,
		"SYN-ACK seq=1000000": false, "ACK seq=1000000": false,
	} {
		s := k.parse(line, testIRS, testISS)
		if k.c.Reusable(&s) != want {
			t.Errorf("%s: %v, want %v", line, !want, want)
		}
	}
	if k.c.NextISS().LessEq(testISS.Add(2)) {
		t.Error("the next ISS is within the old sequence space")
	}
}

// Requirements: SHLD-4
func TestTimeWaitIsReusedByANewerTimestamp(t *testing.T) {
	k := reach(t, TimeWait, func(c *Config) { c.SYNOptions = nil })
	newer := k.parse("SYN seq=-5 ts=2,0", testIRS, testISS)
	older := k.parse("SYN seq=1000000 ts=0,0", testIRS, testISS)
	if !k.c.Reusable(&newer) || k.c.Reusable(&older) {
		t.Error("RFC 6191")
	}
}

func TestAnotherSYNInSynReceivedGoesBackToListen(t *testing.T) {
	k := accepted(t, "SYN seq=0", nil)
	k.expect("SYN-ACK seq=0 ack=1")
	k.send("SYN seq=500")
	k.ended()
}

func TestTimestampsAfterACookie(t *testing.T) {
	k := accepted(t, "SYN seq=0 ts=5,0", func(c *Config) { c.SYNOptions, c.SYNSent = nil, true })
	k.send(`ACK seq=1 ack=1 ts=9,0 "hello"`)
	s := k.expect("ACK seq=1 ack=6")
	if _, ecr, _ := s.Options.Timestamps(); ecr != 9 {
		t.Errorf("TSecr %d, want 9", ecr)
	}
}
