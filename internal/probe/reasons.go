// The reasons of a target that did not reach the goal. Package goal finds them,
// as for connect, when the result is written; until then they cost nothing.

package probe

import (
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// codes are the reasons' codes. Most targets of a scan end in one of a few ways.
func (res *results) codes(f goal.Facts, err error) []string {
	if err != nil {
		return f.Codes(err)
	}
	known, ok := res.reasons[f]
	if !ok {
		known = f.Codes(nil)
		if res.reasons == nil || len(res.reasons) >= maxReasons {
			res.reasons = make(map[goal.Facts][]string)
		}
		res.reasons[f] = known
	}
	return known
}

// maxReasons bounds what is remembered; there are not so many combinations.
const maxReasons = 1 << 10

// told is what is known of a connection that ended, beside its error.
func (c *connection) told(r *record.Result) goal.Facts {
	f := goal.Facts{Outcome: goalOutcome(r.Outcome), Answered: true, Heard: c.answer.Bytes > 0,
		Replied: r.DataLen > 0, Stage: r.Stage, After: r.After, Blocked: c.session.TCP().Blocked(), Unacked: c.session.TCP().Unacked() > 0}
	f.KernelSent = c.kernelSent
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
