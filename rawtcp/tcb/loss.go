// What is known about losses in flight, and what is presumed to be in the
// network.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// lossState is what is known about octets in flight.
type lossState struct {
	board scoreboard
	rack  rack
	probe tailProbe

	dupAcks int32 // duplicate ACKs since SND.UNA last moved, in or before recovery, where there is no SACK
	// inflation is how many octets have left the network by the count of
	// duplicate ACKs, where there is no SACK. RFC 5681 inflates cwnd by it;
	// here it is subtracted from the pipe.
	inflation     int32
	prr           prr
	frto          frto
	reduced       Instant  // when cwnd was last reduced
	recoveryPoint wire.Seq // SND.NXT when recovery, or the last timeout, began
	recovering    bool     // in fast recovery, until recoveryPoint is acknowledged
	force         bool     // one segment goes out whatever cwnd says
	why           cause    // why we retransmit
}

// clear forgets everything, and keeps the memory.
func (l *lossState) clear(una wire.Seq) {
	l.board.clear(una)
	*l = lossState{board: l.board, recoveryPoint: una}
}

// release is clear for a connection that is over: with a pool, little memory is
// kept.
func (l *lossState) release(pooled bool) {
	if pooled && cap(l.board.segs) > keptSegments {
		l.board.segs = nil
	}
	l.clear(0)
}

// keptSegments is how many segments a scoreboard has room for that a connection
// keeps for the next in its place.
const keptSegments = 8

// pipe estimates how many of the octets from una to nxt are in the network:
// those neither acknowledged nor lost (RFC 6675, section 4, SetPipe, with the
// losses of RFC 8985).
func (l *lossState) pipe(una, nxt wire.Seq) int {
	return max(0, nxt.Minus(una)-int(l.board.sacked+l.board.lost+l.inflation))
}

// repairing reports whether what was in flight at the last timeout, or when it
// all had to be sent again for another reason, is not acknowledged yet.
func (c *Conn) repairing() bool {
	return !c.snd.loss.recovering && c.snd.una.Less(c.snd.loss.recoveryPoint)
}

// loseAll presumes that everything in flight is lost.
func (c *Conn) loseAll(why cause) {
	l := &c.snd.loss
	l.board.loseAll()
	l.frto.step = frtoOff // it would hold back what is lost for certain
	c.repair(why)
}

// repair begins to retransmit what is lost, not by fast recovery.
func (c *Conn) repair(why cause) {
	l := &c.snd.loss
	l.recovering, l.dupAcks, l.inflation = false, 0, 0
	c.stopProbe()
	c.timers.stop(timerRACK)
	l.recoveryPoint, l.force, l.why = c.snd.nxt, false, why
	c.snd.timing = false // its acknowledgment would measure how long the hole lasted
}

// flight returns FlightSize: how many octets are sent and not acknowledged.
func (c *Conn) flight() int { return c.snd.nxt.Minus(c.snd.una) }

// inNetwork returns how many of those are presumed to be still in the network
// (Pipe).
func (c *Conn) inNetwork() int { return c.snd.loss.pipe(c.snd.una, c.snd.nxt) }
