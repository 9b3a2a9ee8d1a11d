// Package conn joins one TCP connection and the TLS client above it into a
// single machine without I/O: segments and the time go in, segments, work for
// the driver and decrypted bytes come out.
//
// A [Conn] is an endpoint.Machine, so an endpoint moves it like any connection.
// The blocking driver of `connect` and the event loop of `probe` use the same
// one.
package conn

import (
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A Conn is a TCP connection with, above it, a TLS client or nothing.
type Conn struct {
	tcp *tcb.Conn
	tls *handshake.Client // nil: TCP alone, and the byte stream is TCP's
	pre *starttls.Machine // what precedes TLS; nil: nothing does

	started  bool // the ClientHello was asked for
	eofGiven bool // TLS knows that the peer's TCP stream has ended
	spoke    bool // the driver has written to TCP's stream itself
	closing  bool // our FIN follows once TCP has taken all that TLS has to send
}

// New joins a TCP connection that is not open yet and a TLS client that has
// not started, and owns both. A nil client makes a connection of TCP alone.
func New(tcp *tcb.Conn, tls *handshake.Client) *Conn {
	return &Conn{tcp: tcp, tls: tls}
}

// Reset makes s what New returns, in place.
func (s *Conn) Reset(tcp *tcb.Conn, tls *handshake.Client) { *s = Conn{tcp: tcp, tls: tls} }

// Adopt puts a TLS client above a connection of TCP alone, to whose stream the
// client's ClientHello was written before. It starts a client that has not
// started, and treats its output as sent. So no client needs to be kept while
// the peer is silent, since an identical one can be made again.
func (s *Conn) Adopt(tls *handshake.Client) {
	s.tls, s.started = tls, true
	tls.Start()
	if tls.Err() == nil {
		tls.Sent(len(tls.Output()))
	}
	s.pump()
}

// TLS returns the TLS client, or nil. It may be read between calls, but only s
// moves it.
func (s *Conn) TLS() *handshake.Client { return s.tls }

// TCP returns the TCP connection. It may be read between calls.
func (s *Conn) TCP() *tcb.Conn { return s.tcp }

// Open starts the connection: a SYN becomes due.
func (s *Conn) Open(now tcb.Instant) { s.tcp.Open(now) }

// Receive takes one arrived segment through both layers, and reports whether
// TCP accepted it.
func (s *Conn) Receive(now tcb.Instant, seg *wire.Segment) (accepted bool) {
	accepted = s.tcp.Receive(now, seg)
	s.pump()
	return accepted
}

// Unreachable takes an ICMP error that quotes a segment of ours.
func (s *Conn) Unreachable(now tcb.Instant, m *wire.ICMP) { s.tcp.Unreachable(now, m) }

// Advance moves the machine when its deadline has passed.
func (s *Conn) Advance(now tcb.Instant) {
	s.tcp.Advance(now)
	s.pump()
}

// Deadline is when Advance is next owed. It may change after any other call.
func (s *Conn) Deadline() (tcb.Instant, bool) { return s.tcp.Deadline() }

// Next gives the next segment to send, if there is one.
func (s *Conn) Next(now tcb.Instant, seg *wire.Segment) bool { return s.tcp.Next(now, seg) }

// MaxSegment is the largest segment that the path is known to carry, in bytes.
func (s *Conn) MaxSegment() int { return s.tcp.MaxSegment() }

// MayFragment reports whether our packets may be fragmented under way.
func (s *Conn) MayFragment() bool { return s.tcp.MayFragment() }

// State is the TCP connection's state.
func (s *Conn) State() tcb.State { return s.tcp.State() }

// Work returns what the TLS client waits for its driver to do.
func (s *Conn) Work() (handshake.Work, bool) {
	if s.tls == nil {
		return nil, false
	}
	return s.tls.Work()
}

// Resume hands back the outcome of the work that Work returned.
func (s *Conn) Resume(r handshake.Result) {
	s.tls.Resume(r)
	s.pump()
}

// UpdateKeys has both sides of a connection of TLS 1.3 change their keys.
func (s *Conn) UpdateKeys() {
	s.tls.UpdateKeys(true)
	s.pump()
}

// Renegotiate has the client begin another handshake inside a connection of TLS 1.2 or
// before. It reports whether that could be.
func (s *Conn) Renegotiate() bool {
	ok := s.tls.Renegotiate()
	s.pump()
	return ok
}

// Err says why the connection failed, or is nil. A TLS failure takes precedence
// over what TCP says of the same end. A TCP failure under TLS is a
// [TransportError].
func (s *Conn) Err() error {
	if s.pre != nil && !s.begun() {
		return s.precedingErr()
	}
	if s.tls == nil {
		return s.tcp.Err()
	}
	if err := s.tls.Err(); err != nil {
		return err
	}
	if err := s.tcp.Err(); err != nil && s.started {
		return &TransportError{Err: err, After: s.tls.LastMessage()}
	}
	return s.tcp.Err()
}

// A TransportError says that TCP failed under TLS.
type TransportError struct {
	Err   error
	After string // the last message before it: "our ClientHello"
}

func (e *TransportError) Error() string { return e.Err.Error() + ", after " + e.After }

// Unwrap returns the TCP connection's error.
func (e *TransportError) Unwrap() error { return e.Err }

// pump moves bytes between the layers until neither has any for the other.
func (s *Conn) pump() {
	if s.tls == nil && s.pre == nil || s.tcp.State() < tcb.Established && s.tcp.Err() == nil {
		return
	}
	if s.pre != nil && !s.precede() || s.tls == nil {
		return
	}
	if !s.started && s.tcp.Err() == nil {
		s.started = true
		s.tls.Start()
	}
	s.flush()
	for {
		n := min(len(s.tcp.Peek()), s.tls.Room())
		if n <= 0 {
			break
		}
		s.tls.Receive(s.tcp.Peek()[:n])
		s.tcp.Discard(n)
		s.flush()
	}
	if s.tcp.EOF() && !s.eofGiven {
		s.eofGiven = true
		s.tls.TransportEOF()
		s.flush()
	}
}

// flush gives TLS output to TCP, and our FIN once TCP has taken all of it.
func (s *Conn) flush() {
	for out := s.tls.Output(); len(out) > 0; out = s.tls.Output() {
		n := s.tcp.Write(out)
		if n == 0 {
			return
		}
		s.tls.Sent(n)
	}
	// After a fatal alert, or our close_notify, there is nothing more to say.
	if s.closing || s.tls.Err() != nil {
		s.tcp.CloseWrite()
	}
}
