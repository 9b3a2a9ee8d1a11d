// Audits a target: one connection after the other, each with a question that follows
// from the answers before it.

package probe

import (
	"errors"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// What a server that says nothing is said to have done.
var (
	errClosedUnanswered = errors.New("the server closed the connection without an answer")
	errUnanswered       = errors.New("no answer came in time")
)

// longestAudit is how long one may take, so that a host that is slow on purpose does not
// hold up the end of a scan; less in tests.
var longestAudit = audit.DefaultLimit

// An auditing is the audit of one target.
type auditing struct {
	machine *audit.Audit
	turn    audit.Turn
	flight  *audit.Flight // of a question with a hello
	finish  *audit.Finish // of one with a handshake
	hello   []byte        // that is not written yet
	stage   auditStage
	iss     wire.Seq // of the connection, where it is not the target's first
}

// An auditStage says what the connection of an audit is doing.
type auditStage uint8

const (
	auditAsks        auditStage = iota // its question is under way
	auditRenegotiate                   // another handshake was begun
	auditListens                       // the handshake is done: tickets may come
	auditEnds                          // the answer is taken: the connection ends
	auditWaits                         // it is over, and the next begins after a pause
)

// beginAudit makes the audit of a target, and takes its first question.
func (cs *connections) beginAudit(c *connection) {
	o := audit.Options{ServerName: c.target.Name, MaxConnections: min(cs.o.AuditConnections, int(cs.ports.count)), Random: func(b []byte) { cs.random.Read(b) }, Short: true, Time: cs.wall(c.begin)}
	c.audit = &auditing{machine: audit.New(o)}
	cs.nextQuestion(c)
}

// nextQuestion prepares the next question, if there is one.
func (cs *connections) nextQuestion(c *connection) bool {
	a := c.audit
	turn, ok := a.machine.Next()
	if !ok {
		return false
	}
	a.turn, a.flight, a.finish, a.hello, a.stage = turn, nil, nil, nil, auditAsks
	if q := turn.Question; q.Config == nil {
		a.flight, a.hello = &audit.Flight{V2: q.V2}, a.machine.Encode(q)
		return true
	}
	var random [32]byte
	cs.random.Read(random[:])
	a.finish = audit.NewFinish(turn.Question, random, func() time.Duration { return time.Duration(cs.now) })
	return true
}

// client is the TLS client of a question, or nil.
func (a *auditing) client() *handshake.Client {
	if a == nil || a.finish == nil {
		return nil
	}
	return a.finish.Client
}

// advanceAudit takes the question as far as it goes now: up to the next work, or
// through that work.
func (cs *connections) advanceAudit(c *connection, working bool) {
	a := c.audit
	switch {
	case a.stage >= auditEnds:
	case c.heard > maxSegments:
		cs.answered(c, &audit.Answer{Outcome: audit.Strange, Err: errEndless})
	case a.flight != nil:
		cs.advanceFlight(c)
	default:
		cs.advanceFinish(c, working)
	}
}

// advanceFlight sends a hello, and reads what answers it.
func (cs *connections) advanceFlight(c *connection) {
	a, s := c.audit, c.session
	if s.Preceding() && s.Err() != nil {
		cs.answered(c, audit.Unopened(s.Err()))
		return
	}
	if !s.Preceding() && len(a.hello) > 0 && s.State() >= tcb.Established {
		a.hello = a.hello[s.Write(a.hello):]
	}
	done := false
	for b := s.Peek(); len(b) > 0 && !done && !s.Preceding(); b = s.Peek() {
		done = a.flight.Receive(b)
		s.Discard(len(b))
	}
	switch err := s.Err(); {
	case done:
	case err != nil:
		a.flight.End(audit.OutcomeOf(err))
	case s.EOF() && !s.Preceding():
		a.flight.End(audit.Closed, errClosedUnanswered)
	default:
		return
	}
	cs.answered(c, a.flight.Answer())
}

// advanceFinish takes a handshake to its end, and what is asked for after it.
func (cs *connections) advanceFinish(c *connection, working bool) {
	a, s := c.audit, c.session
	for {
		err := s.Err()
		switch {
		case err != nil && s.Preceding():
			cs.answered(c, audit.Unopened(err))
			return
		case a.stage == auditAsks && s.TLS().Stage() >= handshake.StageFinished:
			cs.finished(c)
			return
		case a.stage == auditRenegotiate && (a.finish.Renegotiated() || err != nil):
			cs.renegotiated(c)
			return
		case a.stage == auditListens && (s.TLS().EOF() || err != nil):
			a.finish.Take(nil)
			cs.answered(c, a.finish.Answer())
			return
		case err != nil:
			a.finish.Take(err)
			cs.answered(c, a.finish.Answer())
			return
		}
		if !cs.workOn(c, working) {
			return
		}
	}
}

// finished goes on after a handshake.
func (cs *connections) finished(c *connection) {
	a := c.audit
	a.finish.Take(nil)
	c.limit = cs.now.Add(audit.Afterwards)
	if a.turn.Question.Renegotiate && c.session.Renegotiate() {
		a.stage = auditRenegotiate
		cs.advanceFinish(c, true)
		return
	}
	cs.listen(c)
}

// renegotiated ends a connection in whose middle another handshake was begun.
func (cs *connections) renegotiated(c *connection) {
	c.audit.finish.NoteRenegotiation()
	cs.answered(c, c.audit.finish.Answer())
	c.session.Abort()
}

// listen waits for what a server says behind a handshake, if that is asked for.
func (cs *connections) listen(c *connection) {
	a := c.audit
	c.session.CloseWrite()
	if !a.turn.Question.Tickets {
		cs.answered(c, a.finish.Answer())
		return
	}
	a.stage = auditListens
}

// lateAudit takes what there is when time runs out.
func (cs *connections) lateAudit(c *connection) {
	a := c.audit
	switch a.stage {
	case auditRenegotiate:
		cs.renegotiated(c)
	case auditListens:
		a.finish.Take(nil)
		cs.answered(c, a.finish.Answer())
	case auditEnds:
		c.session.Abort()
		c.limit = cs.now.Add(closeTime)
	case auditWaits:
		cs.openNext(c)
	default:
		cs.answered(c, &audit.Answer{Outcome: audit.Silent, Err: errUnanswered})
	}
}

// answered hands an answer to the audit, and ends the connection: with a RST, which
// asks nothing more of the peer, or in good order after a handshake.
func (cs *connections) answered(c *connection, answer *audit.Answer) {
	a := c.audit
	a.machine.Answer(a.turn, answer)
	a.stage = auditEnds
	c.waits, c.nth = false, c.nth+1 // the work that it waits for, if any, is nobody's now
	c.limit = cs.now.Add(closeTime)
	if !answer.Finished {
		c.session.Abort()
	}
}

// goOnAudit begins the next connection of an audit when one is over, or makes the
// result.
func (cs *connections) goOnAudit(c *connection) {
	a := c.audit
	switch {
	case a.machine.Done():
	case cs.closing:
		return
	case cs.now.Sub(c.begin) > longestAudit:
		a.machine.Stop("the audit has taken as long as it may")
	}
	if a.machine.Done() || !cs.nextQuestion(c) {
		cs.reportAudit(c)
		cs.release(c)
		return
	}
	cs.endFlow(c)
	if pause := a.machine.Pause(); pause > 0 {
		a.stage = auditWaits
		c.limit = cs.now.Add(pause)
		cs.wheel.set(c, c.limit)
		return
	}
	cs.openNext(c)
}
