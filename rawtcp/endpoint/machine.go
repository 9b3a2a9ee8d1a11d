// What the endpoint needs of a connection: the Machine interface.

package endpoint

import (
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Machine is one connection as the endpoint drives it: segments and the time
// go in, segments and a next deadline come out. [*tcb.Conn] is one; TCP with
// TLS above it is another. The methods mean the same as tcb.Conn's, but the
// byte stream is that of the machine's top layer.
type Machine interface {
	Open(now tcb.Instant)
	Receive(now tcb.Instant, s *wire.Segment) (accepted bool)
	Unreachable(now tcb.Instant, m *wire.ICMP)
	Advance(now tcb.Instant)
	Deadline() (at tcb.Instant, ok bool)
	Next(now tcb.Instant, s *wire.Segment) bool

	Peek() []byte
	Discard(n int)
	EOF() bool
	Write(p []byte) int
	CloseWrite()
	Close()
	Abort()
	State() tcb.State
	Err() error

	TCP() *tcb.Conn    // the TCP connection, to be read only; never nil
	MaxSegment() int   // what the path takes in one segment, as far as known; 0: not known
	MayFragment() bool // whether our packets may be fragmented under way
}
