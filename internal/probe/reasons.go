// The reasons of a target that did not reach the goal. Package goal finds them,
// as for connect, when the result is written; until then they cost nothing.

package probe

import (
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// why are the reasons why a target ended as it did. Most of a scan end in one of a few ways.
func (res *results) why(f goal.Facts, err error) []record.Reason {
	if err != nil {
		return written(f.Reasons(err))
	}
	known, ok := res.reasons[f]
	if !ok {
		known = written(f.Reasons(nil))
		if res.reasons == nil || len(res.reasons) >= maxReasons {
			res.reasons = make(map[goal.Facts][]record.Reason)
		}
		res.reasons[f] = known
	}
	return known
}

// written is what a result has of reasons.
func written(reasons []transcript.Reason) []record.Reason {
	list := make([]record.Reason, len(reasons))
	for i, r := range reasons {
		list[i] = record.Reason{Code: r.Code, Means: r.Means}
		if r.Means != "" {
			list[i].Sure = r.Sure.String()
		}
	}
	return list
}

// maxReasons bounds what is remembered; there are not so many combinations.
const maxReasons = 1 << 10

// told is what is known of a connection that ended, beside its error.
func (cs *connections) told(c *connection, r *record.Result) goal.Facts {
	f := goal.Facts{Outcome: goalOutcome(r.Outcome), Answered: true, Heard: c.answer.Bytes > 0,
		Replied: r.DataLen > 0, Stage: r.Stage, After: r.After, Blocked: c.session.TCP().Blocked(), Unacked: c.session.TCP().Unacked() > 0}
	f.KernelSent = c.kernelSent
	if f.Behind = c.doubt&doubtBehind != 0; c.doubt&doubtBare != 0 {
		f.Bare, f.Asked = goal.BareSYNACK(c.answer.Window, &c.answer.Options), c.nothingBehind()
	}
	c.toldPreamble(&f, cs.o.Preamble)
	if c.greeted {
		f.Stage = max(f.Stage, handshake.StageHelloSent)
	}
	if r.TLS != nil {
		f.Version, f.Requested = r.TLS.Version, r.TLS.CertificateRequested
	}
	if r.AlertIn != nil {
		f.Alert = *r.AlertIn
	}
	return f
}

// goalOutcome is what connect calls an outcome.
func goalOutcome(outcome string) string {
	if outcome == record.OutcomeSilent {
		return goal.Timeout
	}
	return outcome
}
