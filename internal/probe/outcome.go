package probe

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

var (
	errEndless = endlessError(fmt.Sprintf("the peer sent more than %d bytes, or %d segments, and no end of them", maxBytes, maxSegments))
	errNoReply = goal.ErrNoReply
)

// An endlessError is a goal.ErrEndless that says how much came.
type endlessError string

func (e endlessError) Error() string { return string(e) }

func (e endlessError) Is(target error) bool { return target == goal.ErrEndless }

// done closes a target's slot: nothing more will be done about it.
func (l *loop) done(n uint64) {
	l.begun.done(n)
	delete(l.odd, n)
	delete(l.crossed, n)
	delete(l.soft, n)
}

// refused records a target whose SYN got an answer that ends it.
func (l *loop) refused(n uint64, s *slot, t *Target, outcome, why string, packet link.Packet) {
	r := l.results.blank(t)
	first := l.firstAt(s)
	r.Time = l.wall(first)
	r.Outcome, r.Error, r.SYNs = outcome, why, int(s.tries)
	if outcome == record.OutcomeUnreachable {
		r.Class = classICMP
	}
	r.Odd = s.odd.names()
	if s.tries == 1 {
		r.RTT = l.arrived.Sub(l.sentAt(s))
	}
	r.Evidence.Set(l.arrived.Sub(first), packet.Data)
	r.Reasons = l.results.codes(goal.Facts{Outcome: goalOutcome(outcome), ICMP: r.ICMP != nil}, nil)
	l.results.write(n, s, r)
	l.done(n)
}

// unanswered records a target that has not answered any SYN, or none rightly.
func (l *loop) unanswered(n uint64, s *slot) {
	t := l.begun.source.at(n)
	r := l.results.blank(&t)
	r.Time = l.wall(l.firstAt(s))
	r.Outcome, r.SYNs = record.OutcomeSilent, int(s.tries)
	r.Error = fmt.Sprintf("no answer to %d SYNs", s.tries)
	if s.flags&slotFiltered != 0 {
		r.Outcome, r.Class = record.OutcomeUnreachable, classFiltered
		r.Error = l.egress.filtered.Error()
	}
	if e := l.soft[n]; e != nil {
		r.Outcome, r.Class, r.ICMP = record.OutcomeUnreachable, classICMP, &e.icmp
		r.Error = fmt.Sprintf("%v said %s, and there was %s", e.icmp.From, e.icmp.Text, r.Error)
		r.Evidence = e.kept
	}
	if s.odd != 0 {
		r.Outcome, r.Class = record.OutcomeProtocol, "tcp"
		r.Error = "its SYN-ACK acknowledges what was never sent"
		if s.odd&oddWrongACK == 0 {
			r.Error = "it answers our SYN by a SYN, and our SYN-ACK by nothing"
		}
		r.Odd = s.odd.names()
		r.Evidence = l.odd[n]
	}
	facts := goal.Facts{Outcome: goal.Timeout, WrongAnswer: s.odd != 0, ICMP: r.ICMP != nil, KernelSent: s.flags&slotKernelRST != 0}
	if facts.KernelSent {
		r.Error += "; " + afterKernelRST
	}
	var why error
	switch {
	case s.odd != 0:
	case r.Class == classFiltered:
		why = l.egress.filtered
	case r.Outcome == record.OutcomeUnreachable:
		facts.Outcome = goal.Unreachable
	}
	r.Reasons = l.results.codes(facts, why)
	l.results.write(n, s, r)
	l.done(n)
}

// hopeless records a target to which nothing can be sent.
func (l *loop) hopeless(n uint64, s *slot, t *Target, outcome, class, why string) {
	r := l.results.blank(t)
	r.Time = l.wall(l.now)
	r.Outcome, r.Class, r.Error, r.SYNs = outcome, class, why, int(s.tries)
	r.Reasons = l.results.codes(goal.Facts{Outcome: goalOutcome(outcome)}, hopelessBecause[class])
	l.results.write(n, s, r)
	l.done(n)
}

// hopelessBecause are the errors that the classes of such targets stand for.
var hopelessBecause = map[string]error{classRoute: link.ErrNoRoute, classNeighbour: link.ErrNoNeighbour}

// begin makes the loop's record that of a connection.
func (l *loop) begin(c *connection) *record.Record {
	if c.greeted && c.session.TLS() == nil {
		l.wake(c) // it knows best what there is to say
	}
	r := l.results.blank(&c.target)
	r.Time = l.wall(c.begin)
	r.Local = netip.AddrPortFrom(c.path.Local, c.local)
	r.SYNs, r.RTT, r.Steps, r.TCP = int(c.syns), c.rtt, c.steps, &c.answer
	r.Evidence = c.last
	if c.reply != nil {
		r.Data, r.DataLen, r.DataEnd = c.reply.data, c.reply.dataLen, c.reply.end
	}
	if tls := c.session.TLS(); tls != nil {
		r.Stage = tls.Stage()
		l.state = tls.State()
		r.TLS = &l.state
		if l.state.Warning.Level != 0 {
			r.AlertIn = &l.state.Warning
		}
	}
	return r
}

// report writes a connection's record.
func (l *loop) report(c *connection, r *record.Record) {
	r.Odd = c.odd.names()
	l.results.write(c.n, l.begun.window.at(c.n), r)
	c.reported, c.heard = true, 0
	l.live--
}

// after names the last message of a connection, for a failure.
func (c *connection) after() string {
	tls := c.session.TLS()
	switch {
	case c.session.State() < tcb.Established && c.session.Err() == nil:
		return "our SYN"
	case tls == nil || tls.LastMessage() == "nothing":
		return "the SYN-ACK"
	}
	return tls.LastMessage()
}

// failed records a connection that came to an end before the goal. Its machine
// sends what such an end calls for.
func (l *loop) failed(c *connection, err error) {
	r := l.begin(c)
	r.Error, r.After = err.Error(), c.after()
	if r.DataLen > 0 && r.DataEnd == "" {
		r.DataEnd = record.EndClosed
	}
	var notTLS *handshake.NotTLSError
	var alert *handshake.AlertError
	var protocol *handshake.ProtocolError
	var closed *handshake.ClosedError
	var cut *goal.ReplyCutError
	var choice *goal.ProtocolChoiceError
	switch {
	case errors.As(err, &notTLS):
		r.Outcome, r.First = record.OutcomeNotTLS, notTLS.First
	case errors.As(err, &alert):
		r.Outcome, r.AlertIn, r.After = record.OutcomeAlert, &alert.Alert, alert.After
	case errors.As(err, &protocol):
		r.Outcome, r.Class = record.OutcomeProtocol, class(protocol)
		r.AlertOut, r.AlertSent = protocol.Alert, true
	case errors.As(err, &closed):
		r.Outcome, r.Class, r.After = record.OutcomeProtocol, "closed_early", closed.After
	case errors.Is(err, errEndless):
		r.Outcome, r.Class = record.OutcomeProtocol, "endless_data"
	case errors.As(err, &cut):
		r.Outcome, r.Class = record.OutcomeProtocol, "reply_cut"
	case errors.As(err, &choice):
		r.Outcome, r.Class = record.OutcomeFailed, "alpn"
	case errors.Is(err, errNoReply):
		r.Outcome, r.Class = record.OutcomeProtocol, "no_reply"
	case errors.Is(err, tcb.ErrReset), errors.Is(err, tcb.ErrRefused):
		r.Outcome = record.OutcomeReset
		if c.wasReset {
			r.Reset = &c.reset
		}
		if c.kernelSent {
			r.Error += "; " + afterKernelRST
		}
	case errors.Is(err, tcb.ErrUnreachable):
		r.Outcome, r.Class = record.OutcomeUnreachable, classICMP
	case errors.Is(err, tcb.ErrTimeout):
		r.Outcome = record.OutcomeTimeout
	default:
		r.Outcome = record.OutcomeFailed
	}
	r.Reasons = l.results.codes(c.told(r), err)
	l.report(c, r)
	c.judged = true
	switch {
	case errors.Is(err, errNoReply), cut != nil, choice != nil:
		c.session.CloseWrite()
	case errors.Is(err, errEndless), r.Outcome != record.OutcomeNotTLS && r.Outcome != record.OutcomeProtocol:
		c.session.Abort()
	}
	c.limit = l.now.Add(closeTime)
}

// class is the kind of a protocol failure: by the alert that answered it.
func class(e *handshake.ProtocolError) string { return e.Alert.String() }

// timedOut records a connection that did not come to its goal in time.
func (l *loop) timedOut(c *connection) {
	r := l.begin(c)
	r.Outcome, r.After = record.OutcomeTimeout, c.after()
	if r.DataLen > 0 {
		r.DataEnd = record.EndTimeout
	}
	if c.stuck() {
		c.odd |= oddTarpit
	}
	r.Error = fmt.Sprintf("timed out %v after the SYN-ACK, waiting for an answer to %s", l.o.Timeout, r.After)
	if c.kernelSent {
		r.Error += "; " + afterKernelRST
	}
	r.Reasons = l.results.codes(c.told(r), nil)
	l.report(c, r)
	c.session.Abort()
}

// stuck reports whether a peer holds the connection and lets nothing through:
// its window is closed, or it has begun a record and does not end it.
func (c *connection) stuck() bool {
	tls := c.session.TLS()
	if c.session.TCP().Blocked() || tls == nil {
		return tls != nil
	}
	tls.TransportEOF() // the machine says where the stream stopped; this one's is over
	var closed *handshake.ClosedError
	return errors.As(tls.Err(), &closed) && closed.MidRecord
}
