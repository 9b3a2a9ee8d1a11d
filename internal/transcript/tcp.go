// Turns segments and the TCP machine's events into entries.

package transcript

import (
	"errors"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

var errCutHeader = errors.New("the capture cut it off inside its TCP header")

func (f *Frame) parse() {
	var p wire.Packet
	f.read(&p)
	f.verify(&p)
}

func (f *Frame) read(p *wire.Packet) {
	packet := f.extended(f.Packet)
	c := field.New(wire.Root(packet), packet)
	f.Err = f.decode(&c, p)
	f.take(p)
	if f.Segment == nil {
		return
	}
	switch n := len(f.Packet) - f.IP.HeaderLen() - wire.TCPHeaderLen; {
	case n < 0:
		f.Segment, f.Err = nil, errCutHeader
	case f.Cut > 0:
		f.Segment.Options.CutOff(n)
	}
}

// place gives f its relative numbers, and finds out whether it was seen before.
// A kernel-sent RST or a damaged segment does not belong to the stream.
func (r *Recorder) place(f *Frame) {
	if f.Dir > In {
		return
	}
	s := f.Segment
	own, other := &r.halves[f.Dir], &r.halves[1-f.Dir]
	switch {
	case f.Discarded():
	case r.passive:
		r.follow(f, own, other)
	default:
		own.learn(s, other)
		own.pass(f)
		if f.Dir == In {
			own.advance(f)
		}
		r.latest[f.Dir] = f
		r.measure(f)
	}
	f.Seq = own.relative(s.Seq)
	if s.Flags.Has(wire.SYN) && !own.known {
		f.Seq = 0
	}
	if s.Flags.Has(wire.ACK) {
		f.Ack = other.relative(s.Ack)
	}
}

// measure takes the round trip from the SYN and its SYN-ACK, but by Karn's
// algorithm (RFC 6298, section 3) not if either was retransmitted.
func (r *Recorder) measure(f *Frame) {
	l := &r.learned
	if !f.Segment.Flags.Has(wire.SYN) {
		return
	}
	switch {
	case f.Dir == Out:
		l.haveRTT = l.haveSYN // retransmitted
		l.synAt, l.haveSYN = f.At, true
	case l.haveSYN && !l.haveRTT && f.Segment.Flags.Has(wire.ACK) && r.halves[In].isn == f.Segment.Seq:
		l.rtt, l.haveRTT = f.At-l.synAt, true
	}
}

// TCP records what the TCP machine decided.
func (r *Recorder) TCP(at time.Duration, event tcb.Event) {
	text := r.rebase(event).String()
	r.decide(at, Local, TCP, r.cause(event), &Decision{Name: event.Name(), Text: text, Event: event})
}

// cause is the frame that an event is about. For an event about an arrived
// segment, that is the last one that arrived.
func (r *Recorder) cause(event tcb.Event) *Frame {
	switch event.(type) {
	case tcb.SegmentDropped, tcb.OutOfOrder, tcb.ResetReceived:
		return r.latest[In]
	}
	return nil
}

// rebase returns the event with sequence numbers as the views show them,
// relative to the initial ones.
func (r *Recorder) rebase(event tcb.Event) tcb.Event {
	in, out := &r.halves[In], &r.halves[Out]
	switch e := event.(type) {
	case tcb.SegmentDropped:
		e.Seq = wire.Seq(in.relative(e.Seq))
		return e
	case tcb.OutOfOrder:
		e.Seq, e.Expected = wire.Seq(in.relative(e.Seq)), wire.Seq(in.relative(e.Expected))
		return e
	case tcb.Retransmitted:
		e.Seq = wire.Seq(out.relative(e.Seq))
		return e
	case tcb.WindowProbe:
		e.Seq = wire.Seq(out.relative(e.Seq))
		return e
	case tcb.LossProbe:
		e.Seq = wire.Seq(out.relative(e.Seq))
		return e
	case tcb.FastRetransmit:
		e.Seq = wire.Seq(out.relative(e.Seq))
		return e
	case tcb.ResetSent:
		e.Seq = wire.Seq(out.relative(e.Seq))
		return e
	}
	return event
}
