package tcb

import (
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// reach brings a connection into a state.
func reach(t *testing.T, want State, edit func(*Config)) *talk {
	k := start(t, edit)
	if want == Closed {
		return k
	}
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	switch want {
	case SynSent:
		return k
	case SynReceived:
		k.send("SYN seq=0 win=5000 mss=1000 ws=2 sackok ts=1,0")
		k.state(want)
		return k
	}
	k.send("SYN-ACK seq=0 ack=1 win=5000 mss=1000 ws=2 sackok ts=1,0")
	k.expect("ACK seq=1")
	switch want {
	case FinWait1, FinWait2, Closing, TimeWait:
		k.c.CloseWrite()
		k.expect("FIN-ACK seq=1")
	case CloseWait, LastAck:
		k.send("FIN-ACK seq=1 ack=1 ts=1,0")
		k.expect("ACK seq=1")
	}
	switch want {
	case FinWait2:
		k.send("ACK seq=1 ack=2 ts=1,0")
	case Closing:
		k.send("FIN-ACK seq=1 ack=1 ts=1,0")
	case TimeWait:
		k.send("FIN-ACK seq=1 ack=2 ts=1,0")
	case LastAck:
		k.c.CloseWrite()
		k.expect("FIN-ACK seq=1")
	}
	k.state(want)
	return k
}

var reachable = []State{Closed, SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait}

func TestEveryStateIsReached(t *testing.T) {
	for _, s := range reachable {
		reach(t, s, nil)
	}
}

// tape turns fuzz input into choices.
type tape struct{ b []byte }

func (p *tape) byte() int {
	if len(p.b) == 0 {
		return 0
	}
	v := p.b[0]
	p.b = p.b[1:]
	return int(v)
}

// near is a sequence number around one that matters.
func (p *tape) near(base wire.Seq) wire.Seq {
	switch d := p.byte(); {
	case d < 200:
		return base.Add(d - 100)
	default:
		return base.Add((p.byte()<<8 | p.byte()) << uint(d%16))
	}
}

func (p *tape) segment(c *Conn) wire.Segment {
	s := wire.Segment{SrcPort: 443, DstPort: 40000, Flags: wire.Flags(p.byte()), Window: uint16(p.byte() << uint(p.byte()%9))}
	s.Seq, s.Ack = p.near(c.rcv.nxt), p.near(c.snd.una)
	if p.byte()%4 == 0 {
		s.Ack = p.near(c.snd.nxt)
	}
	s.Urgent = uint16(p.byte())
	switch p.byte() % 6 {
	case 0:
		s.Options.AddTimestamps(uint32(p.byte()), c.id.TimestampOffset+uint32(p.byte()))
	case 1:
		for range p.byte() % 4 {
			l := p.near(c.snd.una)
			s.Options.AddSACK(wire.SACKBlock{Left: l, Right: p.near(l)})
		}
	case 2:
		s.Options.AddMSS(uint16(p.byte()))
		s.Options.AddWindowScale(uint8(p.byte()))
	case 3:
		s.Options.AddTimestamps(2, 0)
	}
	s.Payload = make([]byte, p.byte()*(1+p.byte()%200))
	return s
}

func FuzzSegmentsInEveryState(f *testing.F) {
	for i := range reachable {
		f.Add(uint8(i), []byte{0, 16, 255, 0, 100, 100, 0, 0, 3, 5, 0, 1, 9, 0, 17, 255, 0, 100, 100, 0, 0, 3, 0, 0})
		f.Add(uint8(i+128), []byte("1\x02conversation of no sense at all, to begin with\x00\x04\x10zzzzzzzzzzzz"))
	}
	f.Fuzz(func(t *testing.T, state uint8, in []byte) {
		k := reach(t, reachable[int(state)%len(reachable)], func(c *Config) {
			c.ReceiveBuffer, c.SendBuffer = 20000, 20000
			if state >= 128 {
				c.SYNOptions = nil
			}
		})
		p := &tape{in}
		for len(p.b) > 0 {
			k.step(p)
			k.sane()
		}
	})
}

// step makes one call that the tape chooses.
func (k *talk) step(p *tape) {
	switch p.byte() % 12 {
	default:
		s := p.segment(k.c)
		k.receive(&s)
	case 1:
		k.c.Write(make([]byte, p.byte()<<4))
	case 2:
		k.c.Discard(p.byte() << 4)
	case 3:
		k.now = k.now.Add(time.Duration(p.byte()) * 100 * time.Millisecond)
		k.c.Advance(k.now)
	case 4:
		if at, ok := k.c.Deadline(); ok {
			k.now = max(k.now, at)
			k.c.Advance(k.now)
		}
	case 5:
		switch p.byte() % 8 {
		case 0:
			k.c.CloseWrite()
		case 1:
			k.c.Abort()
		case 2:
			k.c.Open(k.now)
		case 3:
			k.unreachable(p)
		case 4:
			k.c.Close()
		case 5:
			k.c.MarkUrgent()
		}
	case 6:
		k.unreachable(p)
	}
	var s wire.Segment
	for n := 0; k.c.Next(k.now, &s); n++ {
		if n > 2000 {
			k.t.Fatalf("Next never answers false in %v", k.c.State())
		}
		k.allowed(&s)
	}
}

// unreachable plays an ICMP message of either version about a segment of ours,
// or about none. One in two is the error that says how large packets may be.
func (k *talk) unreachable(p *tape) {
	kind := p.byte()
	m := wire.ICMP{V6: kind&1 == 1, Type: uint8(kind >> 2), Code: uint8(p.byte()), Seq: p.near(k.c.snd.una), Rest: uint32(p.byte() << 4)}
	if kind&2 == 2 {
		m.Type, m.Code = wire.ICMPUnreachable, wire.ICMPFragmentationNeeded
		if m.V6 {
			m.Type, m.Code = wire.ICMPv6TooBig, 0
		}
	}
	m.Quoted.TotalLength = p.byte() << 3
	before, state, size := k.c.over, k.c.State(), k.c.MaxSegment()
	inFlight := m.Seq.InWindow(k.c.snd.una, uint32(k.c.flight()))
	k.c.Unreachable(k.now, &m)
	switch {
	case !before && k.c.over && state > SynReceived:
		k.t.Fatalf("%v ends a connection in %v", &m, state) // RFC 5927, section 5.2
	case !inFlight && (k.c.over != before || k.c.MaxSegment() != size):
		k.t.Fatalf("%v about SEQ %v, which is not in flight, has an effect in %v", &m, m.Seq, state)
	case k.c.MaxSegment() < size && k.c.MaxSegment() < k.c.path.proven:
		k.t.Fatalf("%v makes segments of %d octets, and %d have arrived", &m, k.c.MaxSegment(), k.c.path.proven)
	}
}

// allowed holds a segment against what the peer has allowed.
func (k *talk) allowed(s *wire.Segment) {
	k.t.Helper()
	if len(s.Payload) > 1 && k.c.snd.una.Add(int(k.c.snd.maxWnd)).Less(s.End().Add(-1)) {
		k.t.Fatalf("%d octets outside any window", len(s.Payload))
	}
	if s.Flags.Has(wire.ACK) && !s.Flags.Has(wire.RST) && s.Ack != k.c.rcv.nxt {
		k.t.Fatalf("ACK %v, and RCV.NXT is %v", s.Ack, k.c.rcv.nxt)
	}
}

// sane checks what holds between the parts of a connection.
func (k *talk) sane() {
	c, t := k.c, k.t
	t.Helper()
	una, nxt := c.snd.una, c.snd.nxt
	switch {
	case nxt.Less(una) || c.sendEnd().Less(nxt) && c.state >= Established:
		t.Fatalf("%v: SND.UNA %v, SND.NXT %v, end %v", c.state, una, nxt, c.sendEnd())
	case c.inNetwork() < 0 && c.state >= Established:
		t.Fatalf("%v: %d octets in the network: %+v, UNA %v, NXT %v", c.state, c.inNetwork(), c.snd.loss, una, nxt)
	case c.rcv.edge.Less(c.rcv.nxt) && !c.rcv.finished:
		t.Fatalf("the window's edge %v is behind RCV.NXT %v", c.rcv.edge, c.rcv.nxt)
	case cap(c.rcv.buf.b) > 2*c.cfg.ReceiveBuffer || cap(c.snd.buf.b) > 2*c.cfg.SendBuffer:
		t.Fatalf("holds %d and %d octets", cap(c.rcv.buf.b), cap(c.snd.buf.b))
	case c.rcv.ready > c.rcv.buf.len():
		t.Fatalf("%d octets readable of %d", c.rcv.ready, c.rcv.buf.len())
	case len(c.rcv.outOfOrder) > maxOutOfOrder:
		t.Fatalf("%d runs", len(c.rcv.outOfOrder))
	case c.state == Closed && c.over && c.timers.earliest() != never:
		t.Fatal("a deadline after the end")
	}
	if why := c.boardUnsound(); why != "" {
		t.Fatalf("%v: %s", c.state, why)
	}
	if at, ok := c.Deadline(); ok && at.Before(k.now) {
		before := at
		c.Advance(k.now)
		var s wire.Segment
		for c.Next(k.now, &s) {
		}
		if at, ok = c.Deadline(); ok && at <= before {
			t.Fatalf("deadline %v stays behind %v", at, k.now)
		}
	}
	if c.sendsData() && una != nxt && !c.timers.running(timerRetransmit) {
		t.Fatalf("%v: octets in flight, and no timer", c.state)
	}
	if c.sendsData() && !c.timers.running(timerRetransmit) {
		t.Fatalf("%v: octets to send, nothing due, and no timer", c.state)
	}
}
