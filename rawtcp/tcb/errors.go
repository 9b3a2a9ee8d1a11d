// How a connection can end other than by both sides' FIN.

package tcb

import "errors"

// Conn.Err wraps one of these with what happened; test with errors.Is.
var (
	// ErrRefused says that a RST answered our SYN.
	ErrRefused = errors.New("connection refused")
	// ErrReset says that a RST ended a connection that had been established.
	ErrReset = errors.New("connection reset by peer")
	// ErrTimeout says that the peer was silent for longer than we retransmit.
	ErrTimeout = errors.New("timed out")
	// ErrUnreachable says that an ICMP error reported the peer as unreachable.
	ErrUnreachable = errors.New("unreachable")
	// ErrAborted says that this side ended the connection with Abort.
	ErrAborted = errors.New("connection aborted")
)

// abortedIn is the error of Abort in a state. It allocates nothing.
type abortedIn State

func (e abortedIn) Error() string {
	return ErrAborted.Error() + " by this side in " + State(e).String()
}

// Unwrap returns ErrAborted.
func (e abortedIn) Unwrap() error { return ErrAborted }
