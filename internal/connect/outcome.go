// The result of a connection, from its error.

package connect

import (
	"strings"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// explain adds to a failure what preceded it and may be its reason.
func (r *run) explain(failure error) error {
	tls := r.machine.TLS()
	if tls == nil {
		return failure
	}
	state := tls.State()
	switch {
	case state.Verdict != nil && !r.TLS.AllowUnverified:
		return &goal.UnverifiedError{Verdict: state.Verdict, Then: failure}
	case state.CertificateRequested && state.Credential < 0 && tls.Stage() >= handshake.StageHelloDone:
		return &goal.CredentialWantedError{Err: failure}
	}
	return failure
}

// verdict is the error of a connection whose goal needs a verified certificate.
func (r *run) verdict() error {
	if r.Goal < goal.Certificate || r.TLS.AllowUnverified {
		return nil
	}
	if v := r.machine.TLS().State().Verdict; v != nil {
		return &goal.UnverifiedError{Verdict: v}
	}
	return nil
}

func resultOf(g goal.Goal, err error) transcript.Result {
	res := transcript.Result{OK: err == nil, Outcome: goal.Outcome(g, err)}
	if err != nil {
		res.Error = strings.ReplaceAll(err.Error(), "\n", "; ") // several joined errors
	}
	return res
}
