package endpoint

import (
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A crowd is what a fuzzer's input lets a few peers do to a listener, whose
// backlog is small enough to be full at once, and the users above it.
type crowd struct {
	*bench
	t        *testing.T
	l        *Listening
	in       []byte
	last     [4]wire.Segment // that we sent to each of the peers' ports
	accepted []*Flow
}

func (c *crowd) byte() int {
	if len(c.in) == 0 {
		return 0
	}
	v := c.in[0]
	c.in = c.in[1:]
	return int(v)
}

// FuzzListener is segments and ICMP messages to a listening port, in any order.
func FuzzListener(f *testing.F) {
	f.Add([]byte{0, 0, 2, 0, 0, 0, 0, 16, 1, 1, 5, 0, 6, 0, 4}) // a handshake, accepted, aborted
	f.Add([]byte{0, 0, 2, 0, 0, 0, 1, 2, 0, 0, 0, 2, 2, 0, 0, 0, 3, 2, 0, 0, 0, 3, 16, 1, 1, 5, 3, 0, 5})
	f.Add([]byte{0, 1, 2, 0, 0, 4, 1, 3, 4, 1, 4, 3, 200, 7, 0, 1, 2, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		b := newBench()
		c := &crowd{bench: b, t: t, l: listen(t, b, 2), in: in}
		for len(c.in) > 0 {
			c.step()
			c.take()
			c.bounded()
		}
		c.end()
	})
}

// step lets a peer, the time or a user do something.
func (c *crowd) step() {
	switch c.byte() % 8 {
	default:
		port := uint16(c.byte()%len(c.last)) + 1
		c.receive(c.segment(port))
	case 3:
		c.now = c.now.Add(time.Duration(c.byte()) * time.Second)
		c.Advance(c.now)
	case 4:
		port := c.byte() % len(c.last)
		c.Receive(c.now, unreachable(&c.last[port], byte(c.byte()%6)), false)
	case 5:
		if f := c.l.Accept(); f != nil {
			c.accepted = append(c.accepted, f)
		}
	case 6:
		c.use()
	case 7:
		c.Unlisten(c.l)
		c.l = listen(c.t, c.bench, 2)
	}
}

// segment is what a peer may say next, or nearly.
func (c *crowd) segment(port uint16) wire.Segment {
	last := &c.last[port-1]
	s := wire.Segment{Flags: wire.Flags(c.byte()), Seq: last.Ack.Add(c.byte()%16 - 1), Ack: last.End().Add(c.byte()%4 - 1)}
	if s.Flags.Has(wire.SYN) {
		s.Seq = wire.Seq(c.byte()) << 20
		s.Options.AddMSS(uint16(c.byte()) << 3)
	}
	s.Payload = make([]byte, c.byte()%32)
	return from(port, s)
}

// use lets a user do something to a connection that was accepted.
func (c *crowd) use() {
	which, what := c.byte(), c.byte()
	if len(c.accepted) == 0 {
		return
	}
	f := c.accepted[which%len(c.accepted)]
	switch what % 5 {
	case 0:
		f.Machine.Write(make([]byte, 100))
	case 1:
		f.Machine.CloseWrite()
	case 2:
		f.Machine.Discard(len(f.Machine.Peek()))
	case 3:
		f.Machine.Close()
	case 4:
		f.Machine.Abort()
	}
	c.Touch(f)
}

// take takes what is sent.
func (c *crowd) take() {
	for n := 0; ; n++ {
		s := c.sent(c.t)
		if s == nil {
			return
		}
		if n > 1000 {
			c.t.Fatal("there is always something to send")
		}
		if s.DstPort >= 1 && int(s.DstPort) <= len(c.last) {
			s.Payload = nil
			c.last[s.DstPort-1] = *s
		}
	}
}

func (c *crowd) bounded() {
	l := c.l
	begun := 0
	for _, f := range c.flows {
		if f.listening == l && !f.queuedForAccept {
			begun++
		}
	}
	load := c.Load()
	switch {
	case l.pending != begun:
		c.t.Fatalf("%d connections are counted as begun, and there are %d", l.pending, begun)
	case l.pending > l.Backlog || len(l.queue) > 2*l.Backlog:
		c.t.Fatalf("a backlog of %d holds %d that have begun and %d to be accepted", l.Backlog, l.pending, len(l.queue))
	case load.Flows > len(c.last) || load.Replies > maxStrayReplies:
		c.t.Fatalf("%d connections with %d ports, and %d replies", load.Flows, len(c.last), load.Replies)
	}
}

// end closes everything. Then nothing may be left, however long it takes.
func (c *crowd) end() {
	c.Unlisten(c.l)
	for _, f := range c.accepted {
		f.Machine.Abort()
		c.Touch(f)
	}
	c.take()
	for range 1000 {
		at, ok := c.Deadline()
		if !ok {
			break
		}
		c.now = max(c.now, at)
		c.Advance(c.now)
		c.take()
	}
	for _, f := range c.flows {
		if f.Machine.State() != tcb.Closed {
			c.t.Fatalf("a connection rests in %v", f.Machine.State())
		}
	}
}
