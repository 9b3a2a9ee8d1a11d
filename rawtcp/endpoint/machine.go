package endpoint

import (
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Machine is one connection as the endpoint moves it: segments and the time
// go in, segments and a next deadline come out. [*tcb.Conn] is one; TCP
// with TLS above it is another. The methods mean what they mean for
// tcb.Conn; the byte stream is that of the machine's top layer.
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

	TCP() *tcb.Conn    // the connection itself, to read; never nil
	MaxSegment() int   // the most that the path is known to take in one segment; 0: not known
	MayFragment() bool // whether our packets may be fragmented under way
}
