// The result of a connection, from its error.

package connect

import (
	"errors"
	"strings"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// explain adds to a failure what preceded it and may be its reason.
func (r *run) explain(failure error) error {
	tls := r.machine.TLS()
	if tls == nil {
		return failure
	}
	state := tls.State()
	if errors.Is(failure, handshake.ErrECHRejected) && (state.Verdict == nil || r.TLS.AllowUnverified) {
		return failure
	}
	switch {
	case state.Verdict != nil && !r.TLS.AllowUnverified:
		return &goal.UnverifiedError{Verdict: state.Verdict, Then: failure}
	case state.CertificateRequested && state.Credential < 0 && tls.Stage() >= handshake.StageHelloDone:
		return &goal.CredentialWantedError{Err: failure}
	}
	return failure
}

// refused is the alert of a server of TLS 1.3 that refuses what came with the
// client's Finished, such as no certificate: for the client the handshake was
// complete before the server had read it (RFC 9846, section 4.5.2).
func (r *run) refused() error {
	var err error
	r.conn.Do(func(tcb.Instant) {
		if r.machine.TLS().State().Version >= tlsmsg.VersionTLS13 {
			err = r.machine.Err()
		}
	})
	var alert *handshake.AlertError
	if !errors.As(err, &alert) {
		return nil
	}
	return r.explain(err)
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
