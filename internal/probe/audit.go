// Audits a target: one connection after the other, each with a question that follows
// from the answers before it.

package probe

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/starttls"
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

// A flow is a connection of an audit that is not its target's first.
type flow struct {
	remote netip.AddrPort
	local  uint16
}

func (c *connection) flow() flow {
	return flow{netip.AddrPortFrom(c.target.Addr, c.target.Port), c.local}
}

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
		work, ok := s.Work()
		switch {
		case !ok || c.waits:
			return
		case cs.queue.workers.isLong(work):
			cs.handAway(c)
			return
		case !working:
			cs.handOver(c)
			return
		}
		s.Resume(cs.o.Worker.Do(work))
	}
}

// finished goes on after a handshake.
func (cs *connections) finished(c *connection) {
	a := c.audit
	a.finish.Take(nil)
	c.limit = cs.now.Add(audit.Afterwards)
	if a.turn.Question.Renegotiate && c.session.Renegotiate(a.finish.Renegotiate) {
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

// nextPort goes on to the next of our ports from which nothing else is under way to the
// same address and port: it may be listed under several names.
func (cs *connections) nextPort(c *connection) {
	for range cs.ports.count {
		c.local = c.path.First + (c.local-c.path.First+1)%cs.ports.count
		n, begun := cs.begun.source.Find(c.target.Addr, c.target.Port, c.local-c.path.First)
		other := begun && n != c.n && cs.begun.window.holds(n) && cs.begun.window.at(n).state != slotDone
		if !other && cs.flows[c.flow()] == nil {
			return
		}
	}
}

// openNext opens the next connection, from the next of our ports.
func (cs *connections) openNext(c *connection) {
	c.audit.stage = auditAsks
	cs.nextPort(c)
	cs.flows[c.flow()] = c
	c.tcp.Release()
	var iss [8]byte
	cs.random.Read(iss[:])
	c.tcp.Reset(c.path.Opening(cs.o.Timeout, &cs.pool), tcb.Identity{LocalPort: c.local, RemotePort: c.target.Port,
		ISS: wire.Seq(binary.BigEndian.Uint32(iss[:])), TimestampOffset: binary.BigEndian.Uint32(iss[4:])})
	cs.giveBack(c.session.Preamble())
	c.machine.Reset(&c.tcp, c.audit.client())
	if cs.o.Preamble != nil {
		c.machine.Precede(cs.preamble(c))
	}
	c.allowance, c.heard, c.wasReset = firstAllowance, 0, false
	c.earned, c.peerEnd = c.tcp.ReceiveNext(), c.tcp.ReceiveNext()
	c.limit = cs.now.Add(cs.o.Timeout)
	c.session.Open(cs.now)
	cs.follow(c)
}

// endFlow forgets a connection's ports.
func (cs *connections) endFlow(c *connection) {
	if cs.flows[c.flow()] == c {
		delete(cs.flows, c.flow())
	}
}

// endAudits gives up what is left at the end of a scan.
func (cs *connections) endAudits() {
	for _, c := range cs.all {
		cs.endAudit(c)
	}
}

// endAudit gives up what an audit has.
func (cs *connections) endAudit(c *connection) {
	if c.audit != nil {
		cs.endFlow(c)
		c.audit.machine.Stop("the scan has ended")
	}
}

// flowOf finds the connection of an audit that a packet of a path belongs to, or is
// about; or nil. The address gets the zone that the target has, as begun.find has it.
func (cs *connections) flowOf(p *routes.Path, peer netip.Addr, remote, local uint16) *connection {
	if len(cs.flows) == 0 {
		return nil
	}
	c := cs.flows[flow{netip.AddrPortFrom(peer, remote), local}]
	if c == nil && peer.Is6() && cs.begun.source.Zoned() {
		c = cs.flows[flow{netip.AddrPortFrom(peer.WithZone(p.Route.Interface), remote), local}]
	}
	if c == nil || c.path != p {
		return nil
	}
	return c
}

// portInUse reports whether an audit uses a port of ours to an address and port.
func (cs *connections) portInUse(a netip.Addr, remote, local uint16) bool {
	return cs.flows[flow{netip.AddrPortFrom(a, remote), cs.ports.first + local}] != nil
}

// reportAudit makes the result.
func (cs *connections) reportAudit(c *connection) {
	r := cs.resultOf(c)
	r.TLS, r.TLS13 = nil, nil
	report := c.audit.machine.Report(cs.o.Worker)
	report.Host, report.Port = c.target.Name, c.target.Port
	report.Address = netip.AddrPortFrom(c.target.Addr, c.target.Port).String()
	report.Time, report.DurationMS = r.Time, float64(cs.now.Sub(c.begin).Microseconds())/1000
	if report.Host == "" {
		report.Host = c.target.Addr.String()
	}
	for i := range report.Certificates {
		report.Certificates[i].Facts = nil // which are long
	}
	r.Audit, _ = json.Marshal(report)
	r.OK, r.Outcome = report.TLS, record.OutcomeAudited
	if !report.TLS {
		unaudited(r, report)
	}
	cs.report(c, r)
}

// unaudited says why a target has agreed to nothing.
func unaudited(r *record.Result, report *audit.Report) {
	r.Error, r.After = report.Error, "our ClientHello"
	var preamble *starttls.Error
	var notTLS *handshake.NotTLSError
	switch {
	case errors.As(report.Cause, &preamble):
		r.Outcome, r.Class, r.After = record.OutcomePreamble, string(preamble.Kind), ""
	case errors.As(report.Cause, &notTLS):
		r.Outcome, r.First = record.OutcomeNotTLS, notTLS.First
	case report.Failure == audit.Refused:
		r.Outcome, r.AlertIn = record.OutcomeAlert, &report.Alert
	case report.Failure == audit.Reset:
		r.Outcome = record.OutcomeReset
	case report.Failure == audit.Silent:
		r.Outcome = record.OutcomeTimeout
	default:
		r.Outcome, r.Class = record.OutcomeProtocol, "closed_early"
	}
}
