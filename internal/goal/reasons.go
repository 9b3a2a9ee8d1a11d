// Which reasons are looked for, and in which order.

package goal

import (
	"context"
	"errors"

	"github.com/rawshake/rawshake/internal/transcript"
)

// A diagnosis is under way: the rules below add what they find.
type diagnosis struct {
	*Story
	outcome string
	err     error // the error of a connection of ours; nil: it was somebody else's
	list    []transcript.Reason
}

// Reasons says why a connection had its outcome, the weightiest reason first;
// none if it reached its goal. The error is that of a connection of ours, and
// nil for somebody else's.
func (s *Story) Reasons(outcome string, err error) []transcript.Reason {
	d := &diagnosis{Story: s, outcome: outcome, err: err}
	switch {
	case errors.Is(err, context.Canceled), err == nil && !s.captured:
		return nil
	case err != nil && d.local():
		return d.list
	}
	d.certificates()
	if d.reply() {
		return d.list
	}
	switch outcome {
	case Closed:
		d.refused()
	case Unreachable:
		d.unreachable()
	case NotTLS:
		d.notTLS()
	case Preamble:
		failed := s.failedBefore
		if errors.As(err, &failed); failed != nil {
			d.preamble(failed)
		}
	case Reset:
		d.reset()
	case Alert:
		d.alert()
	case Timeout:
		d.silence()
	case Protocol:
		d.protocol()
	case Unverified:
		d.then()
	case Incomplete:
		d.incomplete()
	case Failed:
		d.add(transcript.Reason{Code: "failed", What: d.said()})
	}
	return d.list
}

// then says how a handshake failed after its certificate was not verified.
func (d *diagnosis) then() {
	var unverified *UnverifiedError
	if !errors.As(d.err, &unverified) || unverified.Then == nil {
		return
	}
	d.list = append(d.list, d.Story.endedBy(Outcome(Finished, unverified.Then), unverified.Then)...)
}

// endedBy says how the connection ended, apart from the certificate.
func (s *Story) endedBy(outcome string, err error) []transcript.Reason {
	without := *s
	without.verdict = nil
	return without.Reasons(outcome, err)
}

func (d *diagnosis) add(r transcript.Reason) { d.list = append(d.list, r) }

// said is what our own error, or the observer, says.
func (d *diagnosis) said() string {
	if d.err == nil {
		return d.told
	}
	return d.err.Error()
}
