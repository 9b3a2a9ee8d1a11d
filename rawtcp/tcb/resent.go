// Retransmissions that are lost too, found by SACK before they time out.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// A lost retransmission would cost a timeout, since RFC 6675 sends nothing a
// third time. SACK can tell earlier: if DupThresh segments that were sent later
// have arrived, the retransmission is lost. That is RFC 6675's reasoning, in
// the order of sending in place of the order of sequence numbers.

// maxResent bounds the retransmissions that are followed. Those beyond it are
// left to the timeout.
const maxResent = 128

// A resentRun is a retransmission whose fate is not known.
type resentRun struct {
	span
	mark  wire.Seq // sequence numbers from here on were sent later
	later int      // how many later retransmissions have arrived
}

// followResent remembers a retransmission that is about to be sent.
func (c *Conn) followResent(run span) {
	l := &c.snd.loss
	if c.sack && len(l.resent) < maxResent {
		l.resent = append(l.resent, resentRun{span: run, mark: later(c.snd.nxt, run.right)})
	}
}

// judgeResent finds out, after an acknowledgment, which retransmissions have
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
		for i := range open { // these were sent before r
			open[i].later++
		}
	}
	l.resent = open[:0]
	for _, r := range open {
		rest := span{later(r.left, c.snd.una), r.right} // part of it may have arrived
		if r.later+l.sacked.within(r.mark, c.snd.nxt)/c.reno.mss < dupThresh || !l.lostTwice.add(rest, maxOutOfOrder) {
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
// requires for a lost retransmission; only once for all that were sent before
// it was lowered.
func (c *Conn) lostTwice(r resentRun) {
	l := &c.snd.loss
	if r.mark.LessEq(l.lowered) {
		return
	}
	l.lowered = c.snd.nxt
	l.force = true // like the first retransmission of a recovery
	c.reno.halve(min(c.flight(), c.reno.cwnd))
}

// lostAgain returns the first run that was lost twice, empty if there is none.
func (l *lossState) lostAgain() span {
	for _, s := range l.lostTwice {
		if gap := l.sacked.gapAt(s.left, s.right); gap.len() > 0 {
			return gap
		}
	}
	return span{}
}
