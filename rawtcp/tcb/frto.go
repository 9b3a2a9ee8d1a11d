// Spurious timeouts: F-RTO (RFC 5682, section 3), and the response to them (RFC
// 4015).

package tcb

// An frtoStep is how far F-RTO has come.
type frtoStep uint8

const (
	frtoOff     frtoStep = iota
	frtoResent           // the first segment was retransmitted: step 1
	frtoProbing          // it is acknowledged, and new octets ask about the rest: step 2
)

// frto is what F-RTO keeps. Before the timeout has proved to be genuine, only
// one segment is retransmitted.
type frto struct {
	step     frtoStep
	fresh    uint8 // how many new segments may still be sent in step 2
	original bool  // something that was sent once, before the timeout, has just arrived
	cwnd     int32 // before the timeout, in octets
	ssthresh int32
}

// begin remembers the congestion window before the first timeout of a flight. A
// later one, or one in a recovery, is not examined.
func (f *frto) begin(r *reno, flight int, examined bool) {
	*f = frto{}
	if examined {
		*f = frto{step: frtoResent, cwnd: int32(r.cwnd), ssthresh: int32(max(min(flight, r.cwnd), r.ssthresh))}
	}
}

// marked halves what an undo would go back to.
func (f *frto) marked(mss int) {
	half := max(f.cwnd/2, int32(2*mss))
	f.cwnd, f.ssthresh = min(f.cwnd, half), half
}

// examineTimeout takes an acknowledgment after a timeout. The first that moves
// SND.UNA lets two new segments out, and nothing else. If what is acknowledged
// next was sent once only, before the timeout, then that was not lost, and the
// timeout came too early.
func (c *Conn) examineTimeout(advances, arrived bool) {
	f := &c.snd.loss.frto
	switch {
	case f.step == frtoOff:
	case !c.repairing():
		f.step = frtoOff
	case f.step == frtoResent && advances:
		f.step, f.fresh = frtoOff, 2
		if c.freshRun().len() > 0 {
			f.step = frtoProbing
		}
	case f.step == frtoProbing && f.original:
		c.undoTimeout()
	case f.step == frtoProbing && arrived:
		f.step = frtoOff
	}
	f.original = false
}

// undoTimeout goes on as if there had been no timeout, but without a burst: RFC
// 4015, section 3.2.
func (c *Conn) undoTimeout() {
	l := &c.snd.loss
	for i, s := range l.board.list() {
		if !s.is(isResent) {
			l.board.mark(i, s.marks&^(isLost|isLate))
		}
	}
	l.recoveryPoint = c.snd.una
	initial := newReno(c.reno.mss).cwnd
	c.reno.ssthresh = int(l.frto.ssthresh)
	c.reno.cwnd = max(c.reno.cwnd, min(int(l.frto.cwnd), c.inNetwork()+initial))
	l.frto.step = frtoOff
	emit(c, SpuriousTimeout{Cwnd: c.reno.cwnd})
}

// freshRun returns the new octets that one segment could carry whatever cwnd is.
func (c *Conn) freshRun() span {
	if len(c.snd.loss.board.list()) >= c.cfg.boardLimit() {
		return span{}
	}
	run := span{c.snd.nxt, earlier(c.sendEnd(), c.snd.una.Add(int(c.snd.wnd)))}
	return c.atMost(run, c.segmentSize())
}

// probeRun returns the new octets of F-RTO's second step.
func (c *Conn) probeRun() span {
	if f := &c.snd.loss.frto; f.step == frtoProbing && f.fresh > 0 {
		return c.freshRun()
	}
	return span{}
}
