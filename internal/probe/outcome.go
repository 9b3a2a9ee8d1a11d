package probe

import (
	"fmt"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/link"
)

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
