package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// lossState is what is known about octets in flight, in the terms of RFC 6675.
type lossState struct {
	// lost: what is in flight before it, and not in sacked, is held to be lost.
	lost wire.Seq
	// again: of that, what stands before it has been sent again (HighRxt).
	again wire.Seq
	// sacked are the runs that the peer has acknowledged selectively.
	sacked spans

	// resent are the retransmissions of unknown fate, in the order of sending;
	// lostTwice, of what stands before again, is lost once more.
	resent    []resentRun
	lostTwice spans

	dupAcks int // signs of loss since SND.UNA last moved, in or before recovery
	// drained is how much duplicate ACKs say has left the network, where there
	// is no SACK to tell: what RFC 5681 adds to cwnd is taken from the pipe.
	drained    int
	lowered    wire.Seq // SND.NXT when the loss of a retransmission last lowered cwnd
	point      wire.Seq // SND.NXT when recovery, or the last timeout, began
	recovering bool     // fast recovery, until point is acknowledged
	force      bool     // one segment goes out whatever cwnd says
	why        cause    // what made us send again
}

// pipe estimates how many octets are in the network, of those from una to nxt
// (RFC 6675, section 4, SetPipe).
func (l *lossState) pipe(una, nxt wire.Seq) int {
	n := nxt.Minus(l.lost) - l.sacked.within(l.lost, nxt)
	n += l.again.Minus(una) - l.sacked.within(una, l.again)
	for _, s := range l.lostTwice {
		n -= s.len() - l.sacked.within(s.left, s.right)
	}
	return max(0, n-l.drained)
}

// advance follows SND.UNA.
func (l *lossState) advance(una wire.Seq) {
	l.lost, l.again = later(l.lost, una), later(l.again, una)
	l.force = false
	l.sacked.cut(una)
	l.lostTwice.cut(una)
}

// all holds everything in flight to be lost, and forgets what was selectively
// acknowledged: the peer may have given it up (RFC 2018, section 8).
func (l *lossState) all(una, nxt wire.Seq, why cause) {
	*l = lossState{lost: nxt, again: una, sacked: l.sacked[:0], point: nxt, why: why,
		resent: l.resent[:0], lostTwice: l.lostTwice[:0], lowered: nxt}
}

// hole is the next run to send again, empty if there is none.
func (l *lossState) hole() span {
	if run := l.lostAgain(); run.len() > 0 {
		return run
	}
	return l.sacked.gapAt(l.again, l.lost)
}
