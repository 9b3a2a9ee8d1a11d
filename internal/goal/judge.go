// Completes the result of somebody else's connection.

package goal

import (
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
)

// Judge adds to the result of somebody else's connection the outcome that
// `connect` would have had in its client's place, and the reasons.
func (s *Story) Judge(r transcript.Result) transcript.Result {
	_, silent := s.silent()
	switch {
	case r.OK && len(s.chainFaults()) > 0:
		r.OK, r.Outcome = false, Unverified
	case r.Outcome == Reset && s.endedBefore():
		r.Outcome = Protocol
	}
	switch {
	case (silent || s.nothingBehind()) && (r.Outcome == Protocol || r.Outcome == Reset || r.Outcome == Incomplete) && s.opened.set:
		r.OK, r.Outcome = false, Timeout
	}
	if r.OK {
		return r
	}
	s.told = r.Error
	if r.Reasons = s.Reasons(r.Outcome, nil); len(r.Reasons) > 0 {
		var all []string
		for _, reason := range r.Reasons {
			all = append(all, reason.What)
		}
		r.Error = strings.Join(all, "; ")
	}
	return r
}

// endedBefore reports whether the side that sent the RST had already closed by
// close_notify or FIN. Then the RST only answers what came afterwards.
func (s *Story) endedBefore() bool {
	for dir, rst := range s.rst {
		if first := s.firstEnd(transcript.Dir(dir)); rst.set && first.set && first.at < rst.at {
			return true
		}
	}
	return false
}
