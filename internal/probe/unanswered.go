// The results of targets that never get a connection.

package probe

import (
	"fmt"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// done closes a target's slot: nothing more will be done about it.
func (sy *syns) done(n uint64) {
	sy.begun.done(n)
	sy.drop(n)
}

// refused makes the result of a target whose answer to our SYN ends it.
func (sy *syns) refused(n uint64, s *slot, t *Target, outcome, why string, packet link.Packet) {
	r := sy.results.blank(t)
	first := sy.firstAt(s)
	r.Time = sy.wall(first)
	r.Outcome, r.Error, r.SYNs = outcome, why, int(s.tries)
	if outcome == record.OutcomeUnreachable {
		r.Class = classICMP
	}
	r.Anomalies = s.anomalies.names()
	if s.tries == 1 {
		r.RTT = sy.arrived.Sub(sy.sentAt(s))
	}
	r.Evidence.Set(sy.arrived.Sub(first), packet.Data)
	r.Reasons = sy.results.why(goal.Facts{Outcome: goalOutcome(outcome), ICMP: r.ICMP != nil}, nil)
	r.Repeat = s.repeat()
	sy.results.write(n, r)
	sy.done(n)
}

// unanswered makes the result of a target that has answered no SYN, or none rightly.
func (sy *syns) unanswered(n uint64, s *slot) {
	t := sy.begun.source.At(n)
	r := sy.results.blank(&t)
	r.Time = sy.wall(sy.firstAt(s))
	r.Outcome, r.SYNs = record.OutcomeSilent, int(s.tries)
	r.Error = fmt.Sprintf("no answer to %d SYNs", s.tries)
	if s.flags&slotFiltered != 0 {
		r.Outcome, r.Class = record.OutcomeUnreachable, classFiltered
		r.Error = sy.egress.filtered.Error()
	}
	if e := sy.soft[n]; e != nil {
		r.Outcome, r.Class, r.ICMP = record.OutcomeUnreachable, classICMP, &e.icmp
		r.Error = fmt.Sprintf("%v said %s, and there was %s", e.icmp.From, e.icmp.Text, r.Error)
		r.Evidence = e.kept
	}
	if s.anomalies != 0 {
		r.Outcome, r.Class = record.OutcomeProtocol, "tcp"
		r.Error = "its SYN-ACK acknowledges what was never sent"
		if s.anomalies&anomalyWrongACK == 0 {
			r.Error = "it answers our SYN by a SYN, and our SYN-ACK by nothing"
		}
		r.Anomalies = s.anomalies.names()
		r.Evidence = sy.evidence[n]
	}
	facts := goal.Facts{Outcome: goal.Timeout, WrongAnswer: s.anomalies != 0, ICMP: r.ICMP != nil, KernelSent: s.flags&slotKernelRST != 0}
	if facts.KernelSent {
		r.Error += "; " + afterKernelRST
	}
	var why error
	switch {
	case s.anomalies != 0:
	case r.Class == classFiltered:
		why = sy.egress.filtered
	case r.Outcome == record.OutcomeUnreachable:
		facts.Outcome = goal.Unreachable
	}
	r.Reasons = sy.results.why(facts, why)
	r.Repeat = s.repeat()
	sy.results.write(n, r)
	sy.done(n)
}

// hopeless makes the result of a target to which nothing can be sent.
func (sy *syns) hopeless(n uint64, s *slot, t *Target, outcome, class, why string) {
	r := sy.results.blank(t)
	r.Time = sy.wall(sy.now)
	r.Outcome, r.Class, r.Error, r.SYNs = outcome, class, why, int(s.tries)
	r.Reasons = sy.results.why(goal.Facts{Outcome: goalOutcome(outcome)}, hopelessBecause[class])
	r.Repeat = s.repeat()
	sy.results.write(n, r)
	sy.done(n)
}

// hopelessBecause are the errors that the classes of such targets stand for.
var hopelessBecause = map[string]error{classRoute: route.ErrNoRoute, classNeighbour: link.ErrNoNeighbour}
