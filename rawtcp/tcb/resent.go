package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// A retransmission that is lost, too, would cost a timeout: RFC 6675 sends
// nothing a third time. SACK can tell earlier. What was sent later has arrived,
// and as much of it as makes a loss of anything else (DupThresh), so this has
// not: the same reasoning, in the order of sending instead of that of sequence
// numbers.

// mostResent bounds the retransmissions whose fate is followed. Of those
// beyond it a timeout decides.
const mostResent = 128

// A resentRun is a retransmission whose fate is not known.
type resentRun struct {
	span
	mark  wire.Seq // what stands from here on was sent later
	later int      // retransmissions sent later that have arrived
}

// followResent remembers a retransmission that is about to be sent.
func (c *Conn) followResent(run span) {
	l := &c.snd.loss
	if c.sack && len(l.resent) < mostResent {
		l.resent = append(l.resent, resentRun{span: run, mark: later(c.snd.nxt, run.right)})
	}
}

// judgeResent looks, after an acknowledgment, which retransmissions have
// arrived, and which are therefore lost.
func (c *Conn) judgeResent() {
	l := &c.snd.loss
	if len(l.resent) == 0 && len(l.lostTwice) == 0 {
		return
	}
	open := l.resent[:0]
	for _, r := range l.resent {
		if !c.arrived(r.span) {
			open = append(open, r)
			continue
		}
		for i := range open { // they were sent before it
			open[i].later++
		}
	}
	l.resent = open[:0]
	for _, r := range open {
		rest := span{later(r.left, c.snd.una), r.right} // some of it may have arrived
		if r.later+l.sacked.within(r.mark, c.snd.nxt)/c.reno.mss < dupThresh || !l.lostTwice.add(rest, mostEarly) {
			l.resent = append(l.resent, r)
			continue
		}
		c.lostTwice(r)
	}
	unsettled := l.lostTwice[:0]
	for _, s := range l.lostTwice {
		if !c.arrived(s) {
			unsettled = append(unsettled, s)
		}
	}
	l.lostTwice = unsettled
}

// arrived reports whether the peer has acknowledged all of a run, selectively
// or not.
func (c *Conn) arrived(s span) bool {
	s.left = later(s.left, c.snd.una)
	return s.len() <= 0 || c.snd.loss.sacked.within(s.left, s.right) == s.len()
}

// lostTwice lowers the congestion window once more, as RFC 5681, section 4.3,
// demands for the loss of a retransmission; once for all that were sent before
// it was lowered.
func (c *Conn) lostTwice(r resentRun) {
	l := &c.snd.loss
	if r.mark.LessEq(l.lowered) {
		return
	}
	l.lowered = c.snd.nxt
	l.force = true // as the first retransmission of a recovery
	c.reno.halve(min(c.flight(), c.reno.cwnd))
}

// lostAgain is the first run that is lost for the second time, empty if there
// is none.
func (l *lossState) lostAgain() span {
	for _, s := range l.lostTwice {
		if gap := l.sacked.gapAt(s.left, s.right); gap.len() > 0 {
			return gap
		}
	}
	return span{}
}
