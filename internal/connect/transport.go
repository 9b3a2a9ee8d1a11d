// What the driver needs from a connection, whether the TCP is ours or the
// kernel's.

package connect

import (
	"context"
	"io"
	"time"

	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A transport carries the connection's bytes: a connection of rawtcp, or one of
// the kernel's. Its stream is above TLS, if there is TLS.
type transport interface {
	io.ReadWriter
	CloseWrite() error
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	// Wait returns once f, called after each change, reports true.
	Wait(ctx context.Context, f func() bool) error
	// Do runs f while nothing else moves the machine.
	Do(f func(now tcb.Instant))
	Shutdown(ctx context.Context)
	Abort()
}

// A machine is the part of the transport's state machine that the driver uses.
type machine interface {
	TLS() *handshake.Client // nil with TCP alone
	Work() (handshake.Work, bool)
	Resume(handshake.Result)
	Err() error
	UpdateKeys()
}

var _ transport = (*rawtcp.Conn)(nil)
