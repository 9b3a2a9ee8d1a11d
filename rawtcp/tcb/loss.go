// What is known about octets in flight, in the terms of RFC 6675.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// lossState is what is known about octets in flight.
type lossState struct {
	// lost: octets in flight before it that are not in sacked are presumed lost
	// (IsLost).
	lost wire.Seq
	// highRxt: of those, the octets before it have been retransmitted (HighRxt).
	highRxt wire.Seq
	// sacked are the runs that the peer has selectively acknowledged.
	sacked spans

	// resent are the retransmissions of unknown fate, in the order of sending;
	// lostTwice are the runs before highRxt whose retransmission was lost too.
	resent    []resentRun
	lostTwice spans

	dupAcks int // duplicate ACKs since SND.UNA last moved, in or before recovery
	// inflation is how many octets have left the network by the count of
	// duplicate ACKs, where there is no SACK. RFC 5681 inflates cwnd by it;
	// here it is subtracted from the pipe.
	inflation     int
	lowered       wire.Seq // SND.NXT when the loss of a retransmission last lowered cwnd
	recoveryPoint wire.Seq // SND.NXT when recovery, or the last timeout, began
	recovering    bool     // in fast recovery, until recoveryPoint is acknowledged
	force         bool     // one segment goes out whatever cwnd says
	why           cause    // why we retransmit
}

// pipe estimates how many of the octets from una to nxt are in the network (RFC
// 6675, section 4, SetPipe).
func (l *lossState) pipe(una, nxt wire.Seq) int {
	n := nxt.Minus(l.lost) - l.sacked.within(l.lost, nxt)
	n += l.highRxt.Minus(una) - l.sacked.within(una, l.highRxt)
	for _, s := range l.lostTwice {
		n -= s.len() - l.sacked.within(s.left, s.right)
	}
	return max(0, n-l.inflation)
}

// advance follows SND.UNA.
func (l *lossState) advance(una wire.Seq) {
	l.lost, l.highRxt = later(l.lost, una), later(l.highRxt, una)
	l.force = false
	l.sacked.cut(una)
	l.lostTwice.cut(una)
}

// all presumes that everything in flight is lost, and forgets what was
// selectively acknowledged: the peer may have discarded it (RFC 2018, section
// 8).
func (l *lossState) all(una, nxt wire.Seq, why cause) {
	*l = lossState{lost: nxt, highRxt: una, sacked: l.sacked[:0], recoveryPoint: nxt, why: why,
		resent: l.resent[:0], lostTwice: l.lostTwice[:0], lowered: nxt}
}

// hole returns the next run to retransmit, empty if there is none.
func (l *lossState) hole() span {
	if run := l.lostAgain(); run.len() > 0 {
		return run
	}
	return l.sacked.gapAt(l.highRxt, l.lost)
}
