package probe

import (
	"time"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// settle does what follows from a change of a connection: work, the record,
// the end, what there is to send, and the next deadline.
func (l *loop) settle(c *connection) {
	l.advance(c, false)
	l.finishSettling(c)
}

func (l *loop) finishSettling(c *connection) {
	if all := l.transmit(c); all && c.reported && l.over(c) {
		l.release(c)
		return
	}
	at := c.limit
	if d, ok := c.session.Deadline(); ok && d.Before(at) {
		at = d
	}
	l.wheel.set(c, at)
}

// advance brings a connection to its goal, as far as it goes now: up to the
// next work, or working.
func (l *loop) advance(c *connection, working bool) {
	if c.reported {
		return
	}
	for {
		l.speak(c)
		c.note()
		switch err := c.session.Err(); {
		case c.at(l.o.Goal):
			l.reached(c)
			return
		case err != nil:
			l.failed(c, err)
			return
		case c.answer.Bytes > maxBytes, c.heard > maxSegments:
			c.odd |= oddEndless
			l.failed(c, errEndless)
			return
		case l.o.Goal == GoalData && c.stage() >= handshake.StageFinished:
			if l.exchange(c) {
				return
			}
		}
		work, ok := c.session.Work()
		switch {
		case !ok || c.waits:
			return
		case l.workers.isLong(work):
			l.handAway(c)
			return
		case !working:
			l.work = append(l.work, job{c, c.n, l.now})
			c.waits = true
			return
		}
		c.session.Resume(l.o.Worker.Do(work))
	}
}

// A job is a connection that waits for work. It may be over when its turn
// comes, and the conn another target's.
type job struct {
	c     *connection
	n     uint64
	since tcb.Instant
}

// still reports whether the connection waits for that work still.
func (j *job) still() bool { return j.c.n == j.n && j.c.session != nil && j.c.waits && !j.c.reported }

// resume has a connection wait for work no longer. The peer did not keep us waiting.
func (l *loop) resume(j *job) {
	j.c.waits = false
	j.c.limit = j.c.limit.Add(l.now.Sub(j.since))
}

// workTurn bounds the time that cryptography takes before what has arrived is
// looked at again: the receive ring must not run full meanwhile, and what comes
// of one turn shares a system call.
const workTurn = 2 * time.Millisecond

// maxWork is how much may wait before no more targets are begun; benchmarks
// hold more back.
var maxWork = 128

// labour does waiting work, the oldest first.
func (l *loop) labour() {
	end := l.now.Add(workTurn)
	for l.working < len(l.work) && l.now.Before(end) {
		j := l.work[l.working]
		l.working++
		if j.still() {
			l.resume(&j)
			l.advance(j.c, true)
			l.finishSettling(j.c)
		}
		l.now = l.instant()
	}
	if l.working == len(l.work) {
		l.work, l.working = l.work[:0], 0
	}
}

// ring is called when a connection's deadline has passed.
func (l *loop) ring(c *connection) {
	c.session.Advance(l.now)
	if !l.now.Before(c.limit) {
		switch {
		case c.waits && !c.reported && l.impatient(c):
			l.failed(c, errBusy)
		case c.waits && !c.reported: // for us, and not we for the peer
			c.limit = l.now.Add(closeTime)
		case c.reported:
			c.session.Abort()
			c.limit = l.now.Add(closeTime) // until when its RST has surely left
		case c.reply != nil && c.reply.dataLen > 0 && c.reply.follows == nil:
			c.reply.end = record.EndTimeout
			l.reached(c) // the reply that there is
		default:
			l.timedOut(c)
		}
	}
	l.settle(c)
}

// serves reports whether a segment that comes after the record serves the end of
// the connection. One that was judged is acknowledged nothing more; one that came
// to its goal may bring what was on its way. After that there is but our RST.
func (l *loop) serves(c *connection, s *wire.Segment) bool {
	if c.judged {
		return s.Len() == 0 || len(s.Payload) == 0 && s.Seq == c.tcp.ReceiveNext()
	}
	if c.heard > segmentsAfter {
		c.session.Abort()
	}
	return true
}

// segmentsAfter is how many segments may follow the record.
const segmentsAfter = 32

// closeTime is how long a peer may take over its half of the end.
const closeTime = time.Second

// reached records a target that came as far as the goal, and ends the
// connection: after Finished in good order, before it with a RST, which asks
// nothing more of the peer.
func (l *loop) reached(c *connection) {
	r := l.begin(c)
	r.OK, r.Outcome = true, l.o.Goal.Outcome()
	l.report(c, r)
	if l.o.Goal >= GoalFinished {
		c.session.CloseWrite()
		c.limit = l.now.Add(closeTime)
		return
	}
	c.session.Abort()
}

// over reports whether a connection has nothing more to say or to hear.
func (l *loop) over(c *connection) bool {
	state := c.session.State()
	return state == tcb.Closed || state == tcb.TimeWait || c.session.Err() != nil && state != tcb.LastAck && state != tcb.FinWait1 && state != tcb.Closing
}

// take gives a connection that is not in use.
func (l *loop) take() *connection {
	if n := len(l.free); n > 0 {
		c := l.free[n-1]
		l.free = l.free[:n-1]
		return c
	}
	chunk := make([]connection, connChunk)
	for i := range chunk {
		chunk[i].index = uint32(len(l.conns))
		l.conns, l.free = append(l.conns, &chunk[i]), append(l.free, &chunk[i])
	}
	return l.take()
}

// connChunk is how many connections are made at a time: so many that what Go adds to
// it is little.
const connChunk = 512

// release gives a connection back. Its slot is done.
func (l *loop) release(c *connection) {
	l.done(c.n)
	l.dismiss(c)
}

// dismiss gives a connection back, whatever becomes of its target.
func (l *loop) dismiss(c *connection) {
	l.wheel.stop(c)
	if tls := c.session.TLS(); tls != nil {
		l.clients.put(tls)
	}
	c.forget()
	l.free = append(l.free, c)
}
