// The errors of a connection that did not reach its goal.

package goal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A TimeoutError says that the goal was not reached in time.
type TimeoutError struct {
	After     time.Duration
	Waiting   string // what it waited for
	Connected bool   // there was a TCP connection by then
	Preceding bool   // TLS had not begun: what precedes it was under way
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("timed out after %v, waiting for %s", e.After, e.Waiting)
}

// Is makes the error a tcb.ErrTimeout.
func (e *TimeoutError) Is(target error) bool { return target == tcb.ErrTimeout }

// An InterruptedError says that somebody ended the connection by hand.
type InterruptedError struct {
	Waiting string // what it waited for
}

func (e *InterruptedError) Error() string { return "interrupted while waiting for " + e.Waiting }

// Unwrap returns context.Canceled.
func (e *InterruptedError) Unwrap() error { return context.Canceled }

// An UnverifiedError says why the peer's certificate chain was not verified.
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

// Unwrap returns the verdict on the chain.
func (e *UnverifiedError) Unwrap() error { return e.Verdict }

// A CredentialWantedError says that the peer closed the connection after it
// asked for a client certificate and got none.
type CredentialWantedError struct{ Err error }

func (e *CredentialWantedError) Error() string {
	return e.Err.Error() + "; it had asked for a client certificate, and none was sent"
}

// Unwrap returns how the connection ended.
func (e *CredentialWantedError) Unwrap() error { return e.Err }

// ErrEndless says that the peer sends endlessly, and nothing of use.
var ErrEndless = errors.New("the peer sends without end")

// ErrNoReply says that the peer closed without any reply.
var ErrNoReply = errors.New("the peer ended the connection without a reply to the request")
