package endpoint

import (
	"testing"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What the simulated network (internal/test/simnet) found first.

// TestADeadlineSetWhileNothingIsDueIsKept closes the peer's window with all
// acknowledged: the machine decides to probe it only when it finds that there
// is nothing to send.
func TestADeadlineSetWhileNothingIsDueIsKept(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	b.receive(wire.Segment{Seq: 100, Ack: syn.End(), Flags: wire.SYN | wire.ACK})
	f.Machine.Write([]byte("hello"))
	b.Touch(f)
	for s := b.sent(t); s != nil; s = b.sent(t) {
		if len(s.Payload) > 0 {
			t.Fatalf("sent %+v into a closed window", s)
		}
	}
	at, ok := b.Deadline()
	if !ok {
		t.Fatal("octets wait for a window, and nobody will probe it")
	}
	b.Advance(at)
	if s := b.sent(t); s == nil || string(s.Payload) != "h" {
		t.Errorf("sent %+v, want a window probe", s)
	}
}

// TestACookieOffersTheWindowOfTheConnection has a listener whose connections
// have little room. What a SYN-ACK offers must be honoured.
func TestACookieOffersTheWindowOfTheConnection(t *testing.T) {
	b := newBench()
	l := &Listening{Local: here, Backlog: 1, Configure: func(c *tcb.Config) { c.ReceiveBuffer, c.MSS = 1000, 700 }}
	if err := b.Listen(l); err != nil {
		t.Fatal(err)
	}
	for port := uint16(1); port <= 2; port++ { // the second draws a cookie
		b.receive(from(port, wire.Segment{Seq: 10, Flags: wire.SYN}))
		s := b.sent(t)
		if mss, _ := s.Options.MSS(); s.Window != 1000 || mss != 700 {
			t.Errorf("SYN %d drew a window of %d and an MSS of %d, want 1000 and 700", port, s.Window, mss)
		}
	}
}

// TestACookieKeepsToThePeersMSS: segments larger than the peer takes are never
// sent, whichever the peer (RFC 9293, MUST-16).
func TestACookieKeepsToThePeersMSS(t *testing.T) {
	for _, tc := range []struct{ offered, least, most int }{{0, 536, 536}, {100, 48, 100}, {600, 536, 600}, {9000, 1400, 9000}} {
		b := newBench()
		l := listen(t, b, 1)
		b.receive(from(1, wire.Segment{Seq: 10, Flags: wire.SYN}))
		first := b.sent(t)
		syn := from(2, wire.Segment{Seq: 10, Flags: wire.SYN})
		if tc.offered > 0 {
			syn.Options.AddMSS(uint16(tc.offered))
		}
		b.receive(syn)
		cookie := b.sent(t)
		b.receive(from(1, wire.Segment{Seq: 11, Ack: first.End(), Flags: wire.RST}))
		b.receive(from(2, wire.Segment{Seq: 11, Ack: cookie.End(), Flags: wire.ACK}))
		f := l.Accept()
		if f == nil {
			t.Fatal("the cookie was not taken")
		}
		f.Machine.Write(make([]byte, 9000))
		b.Touch(f)
		if s := b.sent(t); s == nil || len(s.Payload) > tc.most || len(s.Payload) < min(tc.least, 1000) {
			t.Errorf("a peer that offered %d got %+v", tc.offered, s)
		}
	}
}

// TestTheSuccessorOfTimeWaitBeginsBeyondIt reuses the ports before the clock
// of initial sequence numbers has moved (RFC 9293, MAY-2).
func TestTheSuccessorOfTimeWaitBeginsBeyondIt(t *testing.T) {
	b := newBench()
	l := listen(t, b, 0)
	b.receive(from(1, wire.Segment{Seq: 10, Flags: wire.SYN}))
	synAck := b.sent(t)
	b.receive(from(1, wire.Segment{Seq: 11, Ack: synAck.End(), Flags: wire.ACK}))
	f := l.Accept()
	f.Machine.CloseWrite()
	b.Touch(f)
	fin := b.sent(t)
	b.receive(from(1, wire.Segment{Seq: 11, Ack: fin.End(), Flags: wire.FIN | wire.ACK}))
	b.sent(t)
	b.receive(from(1, wire.Segment{Seq: 1 << 20, Flags: wire.SYN}))
	if again := b.sent(t); again == nil || again.Flags != wire.SYN|wire.ACK || !fin.End().Less(again.Seq) {
		t.Errorf("sent %+v, want a SYN-ACK beyond %v", again, fin.End())
	}
}
