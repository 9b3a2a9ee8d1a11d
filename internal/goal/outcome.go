// One word for what came of a connection.

package goal

import (
	"context"
	"errors"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// The outcomes of a connection that did not reach its goal. The outcome of one
// that did is named for the goal: open, hello, certificate, finished, data.
const (
	Closed      = "closed"      // a RST answered the SYN
	Reset       = "reset"       // a RST ended an established connection
	Unreachable = "unreachable" // ICMP, no route, or a next hop that does not answer
	Timeout     = "timeout"
	NotTLS      = "not_tls"
	Preamble    = "preamble"   // what precedes TLS failed: STARTTLS, or a proxy
	Alert       = "alert"      // one of the two sides sent a fatal alert
	Protocol    = "protocol"   // the peer broke the protocol, or closed too early
	Unverified  = "unverified" // handshake done, certificate not verified
	NotAllowed  = "not_allowed"
	Interrupted = "interrupted"
	Incomplete  = "incomplete" // the capture does not hold enough to tell
	Failed      = "error"
)

// Outcome classifies the error of a connection with this goal; nil means that
// it was reached.
func Outcome(goal Goal, err error) string {
	var unverified *UnverifiedError
	var alert *handshake.AlertError
	var notTLS *handshake.NotTLSError
	var protocol *handshake.ProtocolError
	var closed *handshake.ClosedError
	var name *NameError
	switch {
	case err == nil:
		return goal.Outcome()
	case errors.As(err, &name):
		return Unresolved
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &unverified):
		return Unverified
	case errors.As(err, new(*starttls.Error)):
		return Preamble
	case errors.As(err, &notTLS):
		return NotTLS
	case errors.As(err, &alert):
		return Alert
	case errors.Is(err, tcb.ErrRefused):
		return Closed
	case errors.Is(err, tcb.ErrReset):
		return Reset
	case errors.Is(err, tcb.ErrUnreachable), errors.Is(err, errNoRoute), errors.Is(err, errNoNeighbour):
		return Unreachable
	case errors.Is(err, tcb.ErrTimeout):
		return Timeout
	case errors.As(err, &protocol), errors.As(err, &closed), errors.Is(err, ErrNoReply), errors.Is(err, handshake.ErrECHRejected):
		return Protocol
	case errors.Is(err, errPermission):
		return NotAllowed
	}
	return Failed
}
