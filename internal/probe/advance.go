// Moves a connection on after a change: work, result, end, deadline.

package probe

import (
	"errors"
	"time"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// follow does what follows from a change of a connection: work, the result,
// the end, what there is to send, and the next deadline.
func (cs *connections) follow(c *connection) {
	cs.advance(c, false)
	cs.sendOn(c)
}

func (cs *connections) sendOn(c *connection) {
	switch all := cs.transmit(c); {
	case !all:
	case c.audit != nil:
		if c.audit.stage == auditEnds && cs.over(c) {
			cs.goOnAudit(c)
			return
		}
	case c.reported && cs.over(c):
		cs.release(c)
		return
	}
	at := c.limit
	if d, ok := c.session.Deadline(); ok && d.Before(at) {
		at = d
	}
	cs.wheel.set(c, at)
}

// advance takes a connection as far towards its goal as it goes now: up to the next
// work, or through that work.
func (cs *connections) advance(c *connection, working bool) {
	if c.audit != nil {
		cs.advanceAudit(c, working)
		return
	}
	if c.reported {
		return
	}
	for {
		switch {
		case working || !cs.needsKeys(c):
			cs.speak(c)
		case !c.waits:
			cs.handOver(c)
		}
		c.note()
		switch err := c.session.Err(); {
		case c.at(cs.o.Goal):
			cs.conclude(c)
			return
		case err != nil:
			cs.failed(c, err)
			return
		case c.answer.Bytes > maxBytes, c.heard > maxSegments:
			c.anomalies |= anomalyEndless
			cs.failed(c, errEndless)
			return
		case cs.o.Goal == GoalTCP && c.session.EOF():
			cs.failed(c, errGaveUp)
			return
		case cs.o.Goal == GoalData && c.stage() >= handshake.StageFinished:
			if cs.exchange(c) {
				return
			}
		}
		if !cs.workOn(c, working) {
			return
		}
	}
}

// workOn does the work for which a connection waits, or sees to it that it is done,
// and reports whether it was.
func (cs *connections) workOn(c *connection, working bool) (done bool) {
	work, ok := c.session.Work()
	switch {
	case !ok || c.waits:
		return false
	case cs.queue.workers.isLong(work):
		cs.handAway(c)
		return false
	case !working:
		cs.handOver(c)
		return false
	}
	c.session.Resume(cs.o.Worker.Do(work))
	return true
}

// ring is called when a connection's deadline has passed.
func (cs *connections) ring(c *connection) {
	c.session.Advance(cs.now)
	if !cs.now.Before(c.limit) {
		switch {
		case c.audit != nil && !c.waits:
			cs.lateAudit(c)
			if c.audit == nil || c.audit.stage == auditAsks {
				return
			}
		case c.waits && !c.reported && c.audit == nil && cs.impatient(c):
			cs.failed(c, errBusy)
		case c.waits && !c.reported: // the peer waits for us, not we for it
			c.limit = cs.now.Add(closeTime)
		case c.reported:
			c.session.Abort()
			c.limit = cs.now.Add(closeTime) // until when its RST has surely left
		case c.reply != nil && c.reply.dataLen > 0 && c.reply.follows == nil:
			c.reply.end = record.EndTimeout
			cs.reached(c) // with as much of the reply as there is
		case cs.o.Goal == GoalTCP && c.inDoubt() && cs.ask(c):
		case c.at(cs.o.Goal):
			cs.reached(c) // with the tickets that there are
		default:
			cs.timedOut(c)
		}
	}
	cs.follow(c)
}

// serves reports whether a segment that comes after the result serves the end of the
// connection. On one that has failed nothing more is acknowledged; on one that reached
// its goal what was on its way may still arrive. After that there is only our RST.
func (cs *connections) serves(c *connection, s *wire.Segment) bool {
	if c.judged {
		return s.Len() == 0 || len(s.Payload) == 0 && s.Seq == c.tcp.ReceiveNext()
	}
	if c.heard > segmentsAfter {
		c.session.Abort()
	}
	return true
}

// segmentsAfter is how many segments may follow the result.
const segmentsAfter = 32

// closeTime is how long a peer may take over its half of the end.
const closeTime = time.Second

// reached makes the result of a target that reached the goal, and ends the connection:
// with close_notify and FIN after Finished, with a RST before it, which asks nothing more
// of the peer.
func (cs *connections) reached(c *connection) {
	r := cs.resultOf(c)
	r.OK, r.Outcome = true, cs.o.Goal.Outcome()
	cs.report(c, r)
	if cs.o.Goal >= GoalFinished {
		c.session.CloseWrite()
		c.limit = cs.now.Add(closeTime)
		return
	}
	c.session.Abort()
}

// conclude makes the result of a connection at its goal, unless the server may still
// refuse our last flight, or has: in TLS 1.3 it looks at that after we are done.
func (cs *connections) conclude(c *connection) {
	switch {
	case cs.awaitsTickets(c):
	case cs.o.Goal == GoalFinished && errors.As(c.session.Err(), new(*handshake.AlertError)):
		cs.failed(c, c.session.Err())
	default:
		cs.reached(c)
	}
}

// awaitsTickets has a server of TLS 1.3 say what it says once it has our Finished, until
// it ends the connection, which we end at once, or its time for that is over. It
// reports whether that goes on.
func (cs *connections) awaitsTickets(c *connection) bool {
	if cs.o.Goal != GoalFinished || c.session.TLS().State().Version < tlsmsg.VersionTLS13 {
		return false
	}
	if !c.session.Closing() {
		c.session.CloseWrite()
		if at := cs.now.Add(closeTime); at.Before(c.limit) {
			c.limit = at
		}
	}
	if c.answer.Bytes > maxBytes || c.heard > maxSegments || errors.As(c.session.Err(), new(*handshake.ProtocolError)) {
		c.anomalies |= anomalyEndless
		return false
	}
	return c.session.Err() == nil && !c.session.EOF()
}

// over reports whether a connection has nothing more to send or to receive.
func (cs *connections) over(c *connection) bool {
	state := c.session.State()
	return state == tcb.Closed || state == tcb.TimeWait || c.session.Err() != nil && state != tcb.LastAck && state != tcb.FinWait1 && state != tcb.Closing
}
