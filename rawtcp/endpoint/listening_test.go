package endpoint

import (
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// from makes a segment from a client's port to the listening port.
func from(port uint16, s wire.Segment) wire.Segment {
	s.SrcPort, s.DstPort, s.Window = port, here.Port(), 1000
	return s
}

func listen(t *testing.T, b *bench, backlog int) *Listening {
	t.Helper()
	l := &Listening{Local: here, Backlog: backlog}
	if err := b.Listen(l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAcceptGivesEstablishedConnectionsInOrder(t *testing.T) {
	b := newBench()
	l := listen(t, b, 0)
	for port := uint16(1); port <= 3; port++ {
		b.receive(from(port, wire.Segment{Seq: 10, Flags: wire.SYN}))
		synAck := b.sent(t)
		if synAck == nil || synAck.Flags != wire.SYN|wire.ACK || synAck.Ack != 11 {
			t.Fatalf("sent %+v, want a SYN-ACK of 11", synAck)
		}
		if n := len(l.queue); n != int(port)-1 {
			t.Fatalf("%d wait to be accepted before handshake %d is done", n, port)
		}
		b.receive(from(port, wire.Segment{Seq: 11, Ack: synAck.End(), Flags: wire.ACK}))
	}
	for port := uint16(1); port <= 3; port++ {
		if f := l.Accept(); f == nil || f.Remote.Port() != port || f.Machine.State() != tcb.Established {
			t.Errorf("accepted %+v, want the connection from port %d", f, port)
		}
	}
}

// TestAFloodOfSYNsCostsNoState fills the backlog: what comes after is answered
// by cookies, and a peer that answers one is served.
func TestAFloodOfSYNsCostsNoState(t *testing.T) {
	b := newBench()
	l := listen(t, b, 4)
	var last *wire.Segment
	for port := uint16(1); port <= 50; port++ {
		syn := from(port, wire.Segment{Seq: 10, Flags: wire.SYN})
		syn.Options.AddMSS(1460)
		b.receive(syn)
		for s := b.sent(t); s != nil; s = b.sent(t) {
			last = s
		}
	}
	if n := len(b.flows); n != 4 {
		t.Errorf("%d connections are held, want the backlog's 4", n)
	}
	if last == nil || last.DstPort != 50 || last.Flags != wire.SYN|wire.ACK {
		t.Fatalf("the last SYN drew %+v, want a SYN-ACK", last)
	}
	b.receive(from(50, wire.Segment{Seq: 11, Ack: last.End().Add(1), Flags: wire.ACK}))
	if r := b.sent(t); r == nil || !r.Flags.Has(wire.RST) {
		t.Errorf("a guessed cookie drew %+v, want a RST", r)
	}
	b.receive(from(50, wire.Segment{Seq: 11, Ack: last.End(), Flags: wire.ACK, Payload: []byte("hello")}))
	f := l.Accept()
	if f == nil || f.Remote.Port() != 50 || string(f.Machine.Peek()) != "hello" {
		t.Fatalf("accepted %+v, want the connection of the cookie with its data", f)
	}
	for b.sent(t) != nil {
	}
	f.Machine.Write([]byte("hi"))
	b.Touch(f)
	if s := b.sent(t); s == nil || string(s.Payload) != "hi" || s.Seq != last.End() {
		t.Errorf("sent %+v, want hi at %v", s, last.End())
	}
}

func TestOldCookiesAreWorthNothing(t *testing.T) {
	b := newBench()
	l := listen(t, b, 1)
	b.receive(from(1, wire.Segment{Seq: 10, Flags: wire.SYN}))
	b.sent(t)
	b.receive(from(2, wire.Segment{Seq: 10, Flags: wire.SYN}))
	cookie := b.sent(t)
	b.now = b.now.Add(cookieLife * cookieTick)
	b.receive(from(2, wire.Segment{Seq: 11, Ack: cookie.End(), Flags: wire.ACK}))
	if l.Accept() != nil {
		t.Error("an old cookie was taken")
	}
}

func TestAHalfOpenConnectionThatIsResetLeavesTheBacklog(t *testing.T) {
	b := newBench()
	l := listen(t, b, 1)
	b.receive(from(1, wire.Segment{Seq: 10, Flags: wire.SYN}))
	b.sent(t)
	b.receive(from(1, wire.Segment{Seq: 11, Flags: wire.RST}))
	for b.sent(t) != nil {
	}
	if l.pending != 0 || len(b.flows) != 0 {
		t.Errorf("%d pending, %d flows, want none", l.pending, len(b.flows))
	}
}

func TestUnlistenResetsWhatNobodyAccepted(t *testing.T) {
	b := newBench()
	l := listen(t, b, 0)
	b.receive(from(1, wire.Segment{Seq: 10, Flags: wire.SYN}))
	synAck := b.sent(t)
	b.receive(from(1, wire.Segment{Seq: 11, Ack: synAck.End(), Flags: wire.ACK}))
	b.Unlisten(l)
	if r := b.sent(t); r == nil || !r.Flags.Has(wire.RST) {
		t.Errorf("sent %+v, want a RST", r)
	}
}

// TestTimeWaitGivesWayToAHigherSequenceNumber closes from the listener's side
// and lets the client come back from the same port.
func TestTimeWaitGivesWayToAHigherSequenceNumber(t *testing.T) {
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
	if f.Machine.State() != tcb.TimeWait {
		t.Fatalf("state %v, want TIME-WAIT", f.Machine.State())
	}
	b.now = b.now.Add(time.Second)
	b.receive(from(1, wire.Segment{Seq: 1 << 20, Flags: wire.SYN}))
	again := b.sent(t)
	if again == nil || again.Flags != wire.SYN|wire.ACK || !fin.End().Less(again.Seq) {
		t.Errorf("sent %+v, want a SYN-ACK beyond %v", again, fin.End())
	}
}

// TestAPortThatListensAnswersSYNsAndACKsAlone plays every combination of flags:
// what has neither SYN nor ACK is dropped in silence, where nobody listens it
// is reset (RFC 9293, sections 3.10.7.1 and 3.10.7.2).
func TestAPortThatListensAnswersSYNsAndACKsAlone(t *testing.T) {
	for flags := range wire.Flags(64) {
		for _, octets := range []string{"", "octets"} {
			for _, listens := range []bool{true, false} {
				b := newBench()
				if listens {
					listen(t, b, 0)
				}
				b.receive(from(1, wire.Segment{Seq: 10, Ack: 77, Flags: flags, Payload: []byte(octets)}))
				var want wire.Flags // 0: silence
				switch {
				case flags.Has(wire.RST):
				case flags.Has(wire.ACK):
					want = wire.RST
				case listens && flags.Has(wire.SYN):
					want = wire.SYN | wire.ACK
				case !listens:
					want = wire.RST | wire.ACK
				}
				var got wire.Flags
				if s := b.sent(t); s != nil {
					got = s.Flags
				}
				if got != want || b.sent(t) != nil {
					t.Errorf("%v with %q drew %v, want %v; listens: %v", flags, octets, got, want, listens)
				}
			}
		}
	}
}

// TestAFullAcceptQueueResetsNobody has clients connect, send and send again
// while nobody accepts. Each that was not let in is once there is room.
func TestAFullAcceptQueueResetsNobody(t *testing.T) {
	b := newBench()
	l := listen(t, b, 2)
	synAck := map[uint16]*wire.Segment{}
	for port := uint16(1); port <= 4; port++ { // 3 and 4 draw cookies
		b.receive(from(port, wire.Segment{Seq: 10, Flags: wire.SYN}))
		synAck[port] = b.sent(t)
	}
	silent := func(what string, s wire.Segment) {
		t.Helper()
		b.receive(from(s.SrcPort, s))
		if got := b.sent(t); got != nil {
			t.Fatalf("%s drew %v", what, got.Flags)
		}
	}
	for port := uint16(1); port <= 4; port++ {
		silent("the ACK of a handshake", wire.Segment{SrcPort: port, Seq: 11, Ack: synAck[port].End(), Flags: wire.ACK})
	}
	silent("octets", wire.Segment{SrcPort: 3, Seq: 11, Ack: synAck[3].End(), Flags: wire.ACK, Payload: []byte("hel")})
	silent("octets behind them", wire.Segment{SrcPort: 3, Seq: 14, Ack: synAck[3].End(), Flags: wire.ACK, Payload: []byte("lo")})
	silent("a SYN", wire.Segment{SrcPort: 5, Seq: 10, Flags: wire.SYN})
	l.Accept()
	l.Accept()
	for port := uint16(3); port <= 4; port++ {
		b.receive(from(port, wire.Segment{Seq: 11, Ack: synAck[port].End(), Flags: wire.ACK, Payload: []byte("hello")}))
		if f := l.Accept(); f == nil || f.Remote.Port() != port || string(f.Machine.Peek()) != "hello" {
			t.Errorf("client %d came again, and is %+v", port, f)
		}
	}
	for b.sent(t) != nil {
	}
	b.receive(from(5, wire.Segment{Seq: 10, Flags: wire.SYN}))
	if s := b.sent(t); s == nil || s.Flags != wire.SYN|wire.ACK {
		t.Errorf("a SYN that came again drew %+v", s)
	}
}
