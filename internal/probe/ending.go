// The end of a connection, and its result.

package probe

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

var (
	errEndless = endlessError(fmt.Sprintf("the peer sent more than %d bytes, or %d segments, and no end of them", maxBytes, maxSegments))
	errNoReply = goal.ErrNoReply
	errGaveUp  = errors.New("the peer ended the connection behind its SYN-ACK, and said nothing")
)

// An endlessError is a goal.ErrEndless that says how much came.
type endlessError string

func (e endlessError) Error() string { return string(e) }

func (e endlessError) Is(target error) bool { return target == goal.ErrEndless }

// resultOf begins a connection's result.
func (cs *connections) resultOf(c *connection) *record.Result {
	if c.greeted && c.session.TLS() == nil {
		cs.wake(c) // it knows best what happened
	}
	r := cs.results.blank(&c.target)
	r.Time = cs.wall(c.begin)
	r.Local = netip.AddrPortFrom(c.path.Local, c.local)
	r.SYNs, r.RTT, r.Steps, r.TCP = int(c.syns), c.rtt, c.steps, &c.answer
	r.Evidence = c.last
	if c.reply != nil {
		r.Data, r.DataLen, r.DataEnd = c.reply.data, c.reply.dataLen, c.reply.end
	}
	if m := c.session.Preamble(); m != nil {
		r.Preamble = m.Lines()
	}
	if tls := c.session.TLS(); tls != nil {
		r.Stage = tls.Stage()
		cs.state = tls.State()
		r.TLS = &cs.state
		if d, ok := tls.Details13(); ok {
			cs.more, r.TLS13 = d, &cs.more
		}
		if cs.state.Warning.Level != 0 {
			r.AlertIn = &cs.state.Warning
		}
	}
	return r
}

// report writes a connection's result.
func (cs *connections) report(c *connection, r *record.Result) {
	r.Anomalies = c.anomalies.names()
	r.Repeat = cs.begun.window.at(c.n).repeat()
	cs.results.write(c.n, r)
	c.reported, c.heard = true, 0
	cs.live--
}

// after names the last message of a connection, for a failure.
func (c *connection) after() string {
	tls := c.session.TLS()
	switch {
	case c.session.State() < tcb.Established && c.session.Err() == nil:
		return "our SYN"
	case tls == nil && c.session.Preamble() != nil && c.session.Preamble().After() != "":
		return c.session.Preamble().After()
	case tls == nil || tls.LastMessage() == "nothing":
		return "the SYN-ACK"
	}
	return tls.LastMessage()
}

// failed makes the result of a connection that ended before the goal. Its machine sends
// what such an end requires.
func (cs *connections) failed(c *connection, err error) {
	r := cs.resultOf(c)
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
	var preamble *starttls.Error
	switch {
	case errors.As(err, &preamble):
		r.Outcome, r.Class = record.OutcomePreamble, string(preamble.Kind)
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
	case errors.Is(err, errGaveUp):
		r.Outcome, r.Class = record.OutcomeProtocol, "closed_early"
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
		cs.noteNothing(c)
	default:
		r.Outcome = record.OutcomeFailed
	}
	r.Reasons = cs.results.why(cs.told(c, r), err)
	cs.report(c, r)
	c.judged = true
	switch {
	case errors.Is(err, errNoReply), cut != nil, choice != nil:
		c.session.CloseWrite()
	case preamble != nil && preamble.Kind != starttls.TooMuch: // its FIN is on the way
	case errors.Is(err, errEndless), errors.Is(err, errGaveUp), r.Outcome != record.OutcomeNotTLS && r.Outcome != record.OutcomeProtocol:
		c.session.Abort()
	}
	c.limit = cs.now.Add(closeTime)
}

// class is the kind of a protocol failure, named by the alert that answered it.
func class(e *handshake.ProtocolError) string { return e.Alert.String() }

// timedOut makes the result of a connection that did not reach its goal in time.
func (cs *connections) timedOut(c *connection) {
	r := cs.resultOf(c)
	r.Outcome, r.After = record.OutcomeTimeout, c.after()
	if r.DataLen > 0 {
		r.DataEnd = record.EndTimeout
	}
	cs.noteNothing(c)
	if c.stuck() {
		c.anomalies |= anomalyTarpit
	}
	r.Error = fmt.Sprintf("timed out %v after the SYN-ACK, waiting for %s", cs.o.Timeout, c.waiting(r.After))
	if cs.o.Goal == GoalTCP && c.inDoubt() {
		r.Error = fmt.Sprintf("nothing came behind the ACK of its SYN-ACK, nor an answer to %d keep-alive probes", c.doubt&doubtAsked)
	}
	if c.kernelSent {
		r.Error += "; " + afterKernelRST
	}
	r.Reasons = cs.results.why(cs.told(c, r), nil)
	cs.report(c, r)
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
