package tcb

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A segment that is refused leaves nothing behind (RFC 5961, section 5; RFC
// 9293, section 3.10.7).

// picture is all that a connection knows, in words: what a refused segment may
// change is left out, which is the answer that it draws and the count of those.
func (c *Conn) picture() string {
	p := *c
	p.limit = challengeState{}
	p.out.ack, p.out.duplicate, p.out.resetDue, p.out.resetSeq = false, span{}, false, 0
	sent, arrived := p.snd.buf.b, p.rcv.buf.b
	p.snd.buf.b, p.rcv.buf.b = nil, nil
	return fmt.Sprintf("%+v %x %x", p, sent, arrived)
}

// refusal says by which rule of the RFCs a segment is to be refused in a
// connection's state, or nothing. It is written from their text, and not from
// what Receive does.
func refusal(c *Conn, s *wire.Segment, now Instant) string {
	has := func(f wire.Flags) bool { return s.Flags&f != 0 }
	past := func(a, b wire.Seq) bool { return int32(a-b) > 0 } // a stands after b
	if c.state == Closed {
		return "RFC 9293, 3.10.7.1"
	}
	if c.state == SynSent {
		switch {
		case has(wire.ACK) && (!past(s.Ack, c.id.ISS) || past(s.Ack, c.snd.nxt)):
			return "RFC 9293, 3.10.7.3, first"
		case has(wire.RST) && !has(wire.ACK):
			return "RFC 9293, 3.10.7.3, second"
		case !has(wire.RST | wire.SYN):
			return "RFC 9293, 3.10.7.3, fifth"
		}
		return ""
	}
	val, _, stamped := s.Options.Timestamps()
	first, end := s.Seq, s.End()
	switch wnd := c.rcv.edge; {
	case s.Len() == 0 && (past(c.rcv.nxt, first) || past(first, wnd)):
		return "RFC 9293, 3.10.7.4, first: SEQ"
	case s.Len() > 0 && first != c.rcv.nxt && (wnd == c.rcv.nxt || !past(end, c.rcv.nxt) || !past(wnd, first)):
		return "RFC 9293, 3.10.7.4, first: octets"
	case has(wire.RST) && first != c.rcv.nxt:
		return "RFC 5961, 3.2"
	case has(wire.RST):
		return ""
	case has(wire.SYN) && c.state != SynReceived:
		return "RFC 5961, 4.2"
	case has(wire.SYN) && c.passive && !past(c.rcv.nxt, first):
		return "" // RFC 9293, 3.10.7.4, fourth: back to LISTEN
	case has(wire.SYN) && !past(c.rcv.nxt, first):
		return "RFC 5961, 4.2"
	case c.ts.on && stamped && int32(val-c.ts.recent) < 0 && now.Sub(c.ts.recentAt) < pawsLife:
		return "RFC 7323, 5.3, R1"
	case !has(wire.ACK):
		return "RFC 9293, 3.10.7.4, fifth: no ACK"
	case past(s.Ack, c.snd.nxt):
		return "RFC 9293, 3.10.7.4, fifth: an ACK of what was not sent"
	case c.state == SynReceived && !past(s.Ack, c.snd.una):
		return "RFC 9293, 3.10.7.4, fifth: SYN-RECEIVED"
	case past(c.snd.una-wire.Seq(c.snd.maxWnd), s.Ack):
		return "RFC 5961, 5.2"
	}
	return ""
}

// receive plays a segment and holds what becomes of the connection against
// refusal.
func (k *talk) receive(s *wire.Segment) {
	k.t.Helper()
	why, before, state := refusal(k.c, s, k.now), k.c.picture(), k.c.state
	accepted := k.c.Receive(k.now, s)
	switch after := k.c.picture(); {
	case accepted != (why == ""):
		k.t.Fatalf("in %v %s is accepted: %v, and by the RFCs it is refused for %q", state, show(s, testISS, testIRS), accepted, why)
	case !accepted && after != before && !restartsTimeWait(k.c, s):
		k.t.Fatalf("%s, refused in %v for %q, changes\n%s\ninto\n%s", show(s, testISS, testIRS), state, why, before, after)
	}
}

// restartsTimeWait reports whether a segment is the peer's FIN once more, whole:
// RFC 9293 has it refused as one that arrived before, and yet start the timer
// again (section 3.10.7.4, eighth step).
func restartsTimeWait(c *Conn, s *wire.Segment) bool {
	val, _, stamped := s.Options.Timestamps()
	return c.state == TimeWait && s.End() == c.rcv.nxt && s.Flags&(wire.FIN|wire.SYN|wire.RST|wire.ACK) == wire.FIN|wire.ACK &&
		int32(s.Ack-c.snd.nxt) <= 0 && int32(s.Ack-c.oldestAck()) >= 0 && !(c.ts.on && stamped && int32(val-c.ts.recent) < 0)
}

// rich has a connection use all that a segment could change: timestamps, SACK,
// scaling, keep-alive; octets in flight of which some are acknowledged
// selectively, octets beyond a hole, an urgent pointer.
func rich(t *testing.T, state State) *talk {
	k := reach(t, state, func(c *Config) {
		c.SYNOptions, c.ReceiveBuffer, c.KeepAlive = nil, 100000, 2*time.Hour
	})
	k.c.Write(make([]byte, 5000))
	var s wire.Segment
	for k.c.Next(k.now, &s) {
	}
	if state == Established || state == FinWait1 || state == FinWait2 {
		k.send(fmt.Sprintf("URG-ACK seq=5 ack=%d urg=9 ts=7,0 sack=2001-3001 len=10", k.c.snd.una.Minus(testISS)))
		for k.c.Next(k.now, &s) {
		}
	}
	k.now = k.now.Add(10 * time.Millisecond)
	return k
}

// about makes up a segment around what the connection's state turns on.
func about(r *rand.Rand, c *Conn) wire.Segment {
	near := func(of ...wire.Seq) wire.Seq {
		return of[r.IntN(len(of))].Add([]int{0, 0, 0, -1, 1, 2, -100, 100, -70000, 70000, 1 << 30}[r.IntN(11)])
	}
	s := wire.Segment{Flags: wire.Flags(r.IntN(256)), Window: uint16(r.Uint32()), Urgent: uint16(r.IntN(3000))}
	if r.IntN(2) == 0 {
		s.Flags = []wire.Flags{wire.ACK, wire.FIN | wire.ACK, wire.SYN, wire.SYN | wire.ACK, wire.RST, wire.URG | wire.ACK}[r.IntN(6)]
	}
	s.Seq = near(c.rcv.nxt, c.rcv.edge, testIRS, c.rcv.finSeq)
	s.Ack = near(c.snd.una, c.snd.nxt, testISS, c.oldestAck())
	if r.IntN(3) > 0 {
		s.Options.AddTimestamps(c.ts.recent+[]uint32{0, 1, 1 << 30, 1<<31 - 1, 1<<32 - 1}[r.IntN(5)], c.tsVal(Instant(time.Hour)))
	}
	if r.IntN(3) == 0 {
		s.Options.AddSACK(wire.SACKBlock{Left: near(c.snd.una), Right: near(c.snd.nxt)})
	}
	if s.Flags.Has(wire.SYN) {
		s.Options.AddMSS(uint16(r.IntN(3000)))
	}
	s.Payload = make([]byte, []int{0, 0, 1, 2, 100, 1000}[r.IntN(6)])
	return s
}

// Requirements: MAY-12
func TestARefusedSegmentLeavesNothingBehind(t *testing.T) {
	refused := map[string]int{}
	for i, state := range reachable {
		for round := range uint64(40) {
			r := rand.New(rand.NewPCG(uint64(i), round))
			k := rich(t, state)
			for range 20 {
				s := about(r, k.c)
				refused[refusal(k.c, &s, k.now)]++
				k.receive(&s)
			}
		}
	}
	for _, rule := range []string{"", "RFC 9293, 3.10.7.1", "RFC 9293, 3.10.7.3, first", "RFC 9293, 3.10.7.3, second",
		"RFC 9293, 3.10.7.3, fifth", "RFC 9293, 3.10.7.4, first: SEQ", "RFC 9293, 3.10.7.4, first: octets", "RFC 5961, 3.2",
		"RFC 5961, 4.2", "RFC 7323, 5.3, R1", "RFC 9293, 3.10.7.4, fifth: no ACK",
		"RFC 9293, 3.10.7.4, fifth: an ACK of what was not sent", "RFC 9293, 3.10.7.4, fifth: SYN-RECEIVED", "RFC 5961, 5.2"} {
		if refused[rule] == 0 {
			t.Errorf("no segment came under the rule %q", rule)
		}
	}
}

// TestARefusedTimestampEndsNoConnection has somebody who knows the addresses,
// the ports and where the receive window is, but not what we have sent.
//
// Requirements: MAY-12
func TestARefusedTimestampEndsNoConnection(t *testing.T) {
	for _, ack := range []string{"ack=100000", "ack=-100000"} {
		k := start(t, func(c *Config) { c.SYNOptions = nil })
		k.c.Open(k.now)
		k.expect("SYN")
		k.send("SYN-ACK seq=0 ack=1 ts=1000,0 win=65535")
		k.expect("ACK seq=1")
		k.send("ACK seq=1 " + ack + " ts=2000000000,0")
		k.said("challenge_ack")
		k.send(`ACK seq=1 ack=1 ts=1001,0 "good"`)
		k.read("good")
	}
}

func TestARefusedSegmentIsNoSignOfLife(t *testing.T) {
	for _, line := range []string{"RST seq=5", "SYN seq=5", "ACK seq=1 ack=9", "PSH seq=1", "ACK seq=1 ack=1 ts=0,0", "ACK seq=-9 ack=1"} {
		k := reach(t, Established, func(c *Config) { c.SYNOptions, c.KeepAlive, c.KeepAliveProbes = nil, time.Hour, 1 })
		k.after(time.Hour)
		k.expect("ACK seq=0") // a probe
		k.send(line)
		for k.pending() { // it may be challenged
			var s wire.Segment
			k.c.Next(k.now, &s)
		}
		k.after(DefaultKeepAliveInterval)
		k.failed(ErrTimeout)
	}
}

func TestTimeWaitStartsAgainForThePeersFINAlone(t *testing.T) {
	for line, again := range map[string]bool{
		"FIN-ACK seq=1 ack=2 ts=1,0": true, "FIN-ACK seq=1 ack=9 ts=1,0": false, "FIN-ACK seq=1 ack=-1000000 ts=1,0": false,
		"FIN-ACK seq=1 ack=2 ts=0,0": false, "FIN seq=1 ts=1,0": false, "FIN-RST-ACK seq=1 ack=2": false, "FIN-ACK seq=0 ack=2": false,
	} {
		k := reach(t, TimeWait, func(c *Config) { c.SYNOptions = nil })
		for k.pending() {
			var s wire.Segment
			k.c.Next(k.now, &s)
		}
		before, _ := k.c.Deadline()
		k.now = k.now.Add(time.Second)
		k.send(line)
		if after, _ := k.c.Deadline(); (after != before) != again {
			t.Errorf("%s: TIME-WAIT starts again: %v", line, !again)
		}
	}
}

func TestASYNWithOctetsThatComesTwiceLeavesTheConnection(t *testing.T) {
	for _, first := range []string{`SYN seq=0 "hello"`, "SYN seq=0"} {
		k := accepted(t, first, nil)
		k.expect("SYN-ACK seq=0 ack=1")
		k.send(`SYN seq=0 "hello"`)
		k.expect("ACK seq=1 ack=1") // as for a SYN without octets
		k.state(SynReceived)
		k.send(`ACK seq=1 ack=1 "hello"`)
		k.state(Established)
		k.read("hello")
	}
}

// What crosses may come all at once: then our SYN-ACK, which has not left yet, has
// nothing more to say.
func TestASYNAndTheACKAfterItMayComeTogether(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.send("SYN seq=0 win=1000 mss=1000")
	k.send("ACK seq=1 ack=1 win=1000")
	k.state(Established)
	k.expect("ACK seq=1 ack=1")
	k.quiet()
}

func TestASYNACKWithOctetsEndsASimultaneousOpen(t *testing.T) {
	k := reach(t, SynReceived, nil)
	k.expect("SYN-ACK seq=0 ack=1")
	k.send(`SYN-ACK seq=0 ack=1 win=1000 "hello"`)
	k.state(Established)
	k.read("hello")
	k.expect("ACK seq=1 ack=6")
}
