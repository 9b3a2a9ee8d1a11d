// Tail loss probes: an acknowledgment is asked for before the retransmission
// timeout (RFC 8985, section 7).

package tcb

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// tailProbe is what RFC 8985, section 5.3, keeps for the probe in flight.
type tailProbe struct {
	end    wire.Seq // TLP.end_seq: SND.NXT after the probe
	out    bool     // end is set: a probe is in flight
	again  bool     // TLP.is_retrans
	due    bool     // one is to be sent
	armed  bool     // timerRACK waits for it, and not for RACK
	sample bool     // a round trip was measured since the last probe
}

// armProbe starts the timer of the loss probe anew, after new octets were sent
// or some were acknowledged. There is no probe during a recovery, where RACK has
// more to go by, and only one at a time (RFC 8985, sections 7.2 and 7.3).
func (c *Conn) armProbe(now Instant) {
	l := &c.snd.loss
	if l.probe.armed {
		c.timers.stop(timerRACK)
	}
	l.probe.armed = c.sack && !l.recovering && !c.repairing() && l.board.sacked == 0 && c.snd.wnd > 0 &&
		c.snd.una != c.snd.nxt && !l.probe.out && l.probe.sample && c.timers.running(timerRetransmit)
	if !l.probe.armed {
		return
	}
	c.timers.set(timerRACK, min(now.Add(c.probeTimeout()), c.timers[timerRetransmit]))
}

// stopProbe forgets the probe, as a recovery begins.
func (c *Conn) stopProbe() {
	p := &c.snd.loss.probe
	if p.armed {
		c.timers.stop(timerRACK)
	}
	*p = tailProbe{end: p.end, sample: p.sample}
}

// probeTimeout returns how long to wait for an acknowledgment before asking for
// one (PTO). The acknowledgment of a single segment may be delayed, by no more
// than the least RTO.
func (c *Conn) probeTimeout() time.Duration {
	pto := 2 * c.rtt.srtt
	if len(c.snd.loss.board.list()) == 1 {
		pto += c.cfg.MinRTO
	}
	return pto
}

// probeTail makes a probe due. The retransmission timer starts anew, so that it
// stays the last resort, but the user timeout does not.
func (c *Conn) probeTail(now Instant) {
	p := &c.snd.loss.probe
	p.armed = false
	if c.snd.una == c.snd.nxt || c.snd.wnd == 0 {
		return
	}
	p.due = true
	c.timers.stop(timerRetransmit)
	c.armRetransmit(now)
}

// tailRun returns what a probe carries: new octets, if there are any that the
// window takes, or else the last segment in flight.
func (c *Conn) tailRun() span {
	if fresh := c.freshRun(); fresh.len() > 0 {
		return fresh
	}
	list := c.snd.loss.board.list()
	if len(list) == 0 || c.snd.una.Add(int(c.snd.wnd)).Less(c.snd.nxt) {
		return span{}
	}
	left := c.snd.loss.board.start(len(list) - 1)
	return span{later(left, c.snd.nxt.Add(-c.segmentSize())), c.snd.nxt}
}

// sendProbe fills s with the probe that is due, unless there is nothing that it
// may carry.
func (c *Conn) sendProbe(now Instant, s *wire.Segment) bool {
	p := &c.snd.loss.probe
	p.due = false
	run := c.tailRun()
	if run.len() <= 0 {
		return false
	}
	p.out, p.sample = true, false
	p.again = run.left.Less(c.snd.nxt)
	p.end = later(run.right, c.snd.nxt)
	emit(c, LossProbe{Seq: run.left, Len: run.len(), Again: p.again})
	c.fill(now, s, run)
	c.transmitted(now, run)
	if p.again {
		c.snd.again = now
	}
	return true
}

// probeAnswered finds out, from an acknowledgment when so many octets were in
// flight, whether the probe repaired a loss. Then what it repeats was lost, which
// is a sign of congestion. Otherwise both arrived, as a DSACK or a duplicate
// acknowledgment says (RFC 8985, section 7.4).
func (c *Conn) probeAnswered(now Instant, s *wire.Segment, flight int, dsack, advances bool) {
	p := &c.snd.loss.probe
	if !p.out || s.Ack.Less(p.end) {
		return
	}
	_, blocks := s.Options.SACK()
	switch {
	case !p.again, dsack:
		p.out = false
	case p.end.Less(s.Ack):
		p.out = false
		c.snd.loss.reduced = now
		c.reno.slowDown(min(flight, c.reno.cwnd))
	case !advances && blocks == 0 && s.Len() == 0:
		p.out = false
	}
}
