// RACK: losses found by when segments were sent (RFC 8985, section 6).

package tcb

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// rack is what RFC 8985, section 5.3, keeps for a connection.
type rack struct {
	sent   Instant       // RACK.xmit_ts: when the latest segment that arrived was sent
	rtt    time.Duration // RACK.rtt: its round trip
	minRTT time.Duration // RACK.min_RTT: of all round trips; 0: none
	end    wire.Seq      // RACK.end_seq: where it ends
	fack   wire.Seq      // RACK.fack: the end of what has arrived

	dsackRound wire.Seq // RACK.dsack_round: SND.NXT when the window last grew
	inRound    bool     // SND.UNA has not reached it
	mult       uint8    // RACK.reo_wnd_mult, less one
	persist    uint8    // RACK.reo_wnd_persist: recoveries until mult is 0 again
	known      bool     // something has arrived: sent, rtt, end and fack are set
	reordered  bool     // RACK.reordering_seen
}

// reoPersist is how many recoveries without a DSACK it takes to make the
// reordering window small again (RFC 8985, section 6.2, step 4).
const reoPersist = 16

// later reports whether a segment was sent before the latest that arrived
// (RACK_sent_after).
func (r *rack) later(s *segment) bool {
	return r.known && s.sent < r.sent
}

// delivered takes a segment that an acknowledgment says has arrived, where none
// did before: RFC 8985, section 6.2, steps 1 to 3.
func (c *Conn) delivered(now Instant, s *wire.Segment, seg *segment) {
	r := &c.snd.loss.rack
	if seg.is(isOld) {
		return // it arrived long ago, before the timeout that forgot it
	}
	rtt := now.Sub(seg.sent)
	switch {
	case !seg.is(isResent):
		c.shortestRTT(rtt)
	case c.echoesEarlier(s, seg.sent), rtt < r.minRTT:
		return // the original has arrived, not what was sent again
	}
	switch {
	case !r.known || r.fack.Less(seg.right):
		r.fack = seg.right
	case seg.right.Less(r.fack) && !seg.is(isResent):
		r.reordered = true
	}
	r.rtt = rtt
	if !r.known || r.sent < seg.sent || r.sent == seg.sent && r.end.Less(seg.right) {
		r.known, r.sent, r.end = true, seg.sent, seg.right
	}
}

// shortestRTT keeps the shortest round trip.
func (c *Conn) shortestRTT(rtt time.Duration) {
	r := &c.snd.loss.rack
	if r.minRTT == 0 || rtt < r.minRTT {
		r.minRTT = max(rtt, 1)
	}
}

// echoesEarlier reports whether a segment's TSecr is of a time before sent, and
// so answers an earlier transmission.
func (c *Conn) echoesEarlier(s *wire.Segment, sent Instant) bool {
	if !c.ts.on {
		return false
	}
	_, ecr, ok := s.Options.Timestamps()
	return ok && int32(ecr-c.tsVal(sent)) < 0
}

// reorderWindow returns RACK.reo_wnd: how much later than the latest that
// arrived a segment may still arrive (RFC 8985, section 6.2, step 4).
func (c *Conn) reorderWindow() time.Duration {
	r := &c.snd.loss.rack
	if !r.reordered && (c.snd.loss.recovering || c.repairing() || c.snd.loss.board.manySacked()) {
		return 0
	}
	return min(time.Duration(1+int(r.mult))*r.minRTT/4, c.rtt.srtt)
}

// manySacked reports whether DupThresh segments were selectively acknowledged.
func (b *scoreboard) manySacked() bool {
	n := 0
	if b.sacked > 0 {
		for _, s := range b.list() {
			if s.is(isSacked) {
				n++
			}
			if n == dupThresh {
				return true
			}
		}
	}
	return false
}

// sawDSACK widens the reordering window, once a round trip: something was sent
// again that had arrived (RFC 8985, section 6.2, step 4).
func (c *Conn) sawDSACK() {
	r := &c.snd.loss.rack
	if r.inRound && c.snd.una.Less(r.dsackRound) {
		return
	}
	r.inRound, r.dsackRound = true, c.snd.nxt
	r.mult, r.persist = min(r.mult, 254)+1, reoPersist
}

// recovered counts the recoveries after which the reordering window becomes
// small again.
func (r *rack) recovered() {
	if r.persist > 0 {
		r.persist--
	}
	if r.persist == 0 {
		r.mult = 0
	}
}

// detectLosses is RACK_detect_loss (RFC 8985, section 6.2, step 5): what was
// sent earlier than the latest segment that arrived, by more than the
// reordering window, is lost. For what may still arrive, the timer asks again. It
// reports whether anything was found lost.
func (c *Conn) detectLosses(now Instant) (found bool) {
	b, r := &c.snd.loss.board, &c.snd.loss.rack
	var wait time.Duration
	var newest Instant // when the latest of the lost ones was sent
	window := c.reorderWindow()
	for i, s := range b.list() {
		if s.is(isSacked | isLost) {
			continue
		}
		if !r.later(&s) {
			if !s.is(isResent) {
				break // neither was any original after it
			}
			continue
		}
		if remaining := s.sent.Add(r.rtt + window).Sub(now); remaining > 0 {
			wait = max(wait, remaining)
			continue
		}
		b.mark(i, s.marks|isLost|isLate)
		found, newest = true, max(newest, s.sent)
	}
	if p := &c.snd.loss.probe; !p.armed || b.sacked > 0 || c.snd.una == c.snd.nxt {
		c.timers.stop(timerRACK)
		p.armed = false
	}
	if wait > 0 {
		c.timers.set(timerRACK, now.Add(wait))
	}
	if found {
		c.lost(now, newest)
	}
	return found
}

// lost reacts to losses, of which the latest was sent at newest: they are a sign
// of congestion if it was sent since cwnd was last reduced. The loss of a
// retransmission is one more (RFC 5681, section 4.3).
func (c *Conn) lost(now, newest Instant) {
	l := &c.snd.loss
	if !l.recovering && !c.repairing() || newest >= l.reduced {
		c.fastRetransmit(now)
	}
}
