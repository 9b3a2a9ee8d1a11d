package connect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// The outcomes of a connection that did not reach its goal. One that did is
// named for the goal: open, hello, certificate, finished, data.
const (
	OutcomeClosed      = "closed"      // a RST answered the SYN
	OutcomeReset       = "reset"       // a RST ended an established connection
	OutcomeUnreachable = "unreachable" // ICMP, no route, or a next hop that does not answer
	OutcomeTimeout     = "timeout"
	OutcomeNotTLS      = "not_tls"
	OutcomeAlert       = "alert"      // from the peer
	OutcomeProtocol    = "protocol"   // the peer broke TLS, or ended it too early
	OutcomeUnverified  = "unverified" // handshake done, certificate not verified
	OutcomeNotAllowed  = "not_allowed"
	OutcomeInterrupted = "interrupted"
	OutcomeError       = "error"
)

// A TimeoutError says that the goal was not reached in time.
type TimeoutError struct {
	After     time.Duration
	Waiting   string // for what
	Connected bool   // there was a TCP connection by then
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("timed out after %v, waiting for %s", e.After, e.Waiting)
}

// Is makes the error an rawtcp.ErrTimeout.
func (e *TimeoutError) Is(target error) bool { return target == rawtcp.ErrTimeout }

// An InterruptedError says that somebody ended the connection by hand.
type InterruptedError struct {
	Waiting string // for what
}

func (e *InterruptedError) Error() string { return "interrupted while waiting for " + e.Waiting }

func (e *InterruptedError) Unwrap() error { return context.Canceled }

// An UnverifiedError says why the peer's certificate chain is not trusted.
type UnverifiedError struct {
	Verdict error
	Then    error // how the handshake failed after that, or nil
}

func (e *UnverifiedError) Error() string {
	s := fmt.Sprintf("certificate not verified: %v. No application data and no client credential was sent", e.Verdict)
	if e.Then != nil {
		s += fmt.Sprintf(", and then: %v", e.Then)
	}
	return s
}

func (e *UnverifiedError) Unwrap() error { return e.Verdict }

// A CredentialWantedError says that the peer ended the connection after it had
// asked for a client certificate and got none.
type CredentialWantedError struct{ Err error }

func (e *CredentialWantedError) Error() string {
	return e.Err.Error() + "; it had asked for a client certificate, and none was sent"
}

func (e *CredentialWantedError) Unwrap() error { return e.Err }

// explain adds to a failure what went before it and may be its reason.
func (r *run) explain(failure error) error {
	tls := r.machine.TLS()
	if tls == nil {
		return failure
	}
	state := tls.State()
	switch {
	case state.Verdict != nil && !r.TLS.AllowUnverified:
		return &UnverifiedError{state.Verdict, failure}
	case state.CertificateRequested && state.Credential < 0 && tls.Stage() >= handshake.StageHelloDone:
		return &CredentialWantedError{failure}
	}
	return failure
}

// verdict is the error of a session whose goal needs a verified certificate.
func (r *run) verdict() error {
	if r.Goal < GoalCertificate || r.TLS.AllowUnverified {
		return nil
	}
	if v := r.machine.TLS().State().Verdict; v != nil {
		return &UnverifiedError{Verdict: v}
	}
	return nil
}

// Outcome classifies the error of a connection.
func Outcome(goal Goal, err error) string {
	var unverified *UnverifiedError
	var alert *handshake.AlertError
	var notTLS *handshake.NotTLSError
	var protocol *handshake.ProtocolError
	var closed *handshake.ClosedError
	switch {
	case err == nil && goal == GoalTCP:
		return "open"
	case err == nil:
		return goal.String()
	case errors.Is(err, context.Canceled):
		return OutcomeInterrupted
	case errors.As(err, &unverified):
		return OutcomeUnverified
	case errors.As(err, &notTLS):
		return OutcomeNotTLS
	case errors.As(err, &alert):
		return OutcomeAlert
	case errors.Is(err, rawtcp.ErrRefused):
		return OutcomeClosed
	case errors.Is(err, rawtcp.ErrReset):
		return OutcomeReset
	case errors.Is(err, rawtcp.ErrUnreachable), errors.Is(err, link.ErrNoRoute), errors.Is(err, link.ErrNoNeighbour):
		return OutcomeUnreachable
	case errors.Is(err, rawtcp.ErrTimeout):
		return OutcomeTimeout
	case errors.As(err, &protocol), errors.As(err, &closed), errors.Is(err, ErrNoReply):
		return OutcomeProtocol
	case errors.Is(err, link.ErrPermission), errors.Is(err, guard.ErrPermission):
		return OutcomeNotAllowed
	}
	return OutcomeError
}

func resultOf(goal Goal, err error) transcript.Result {
	res := transcript.Result{OK: err == nil, Outcome: Outcome(goal, err)}
	if err != nil {
		res.Error = err.Error()
	}
	return res
}
