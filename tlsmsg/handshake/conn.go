// What both sides of a connection are made of, and how a driver moves it.

package handshake

import (
	"fmt"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// conn is what both sides of a connection are made of: the record layer, the
// alerts, the walk through the table of states, the wait for work, the running
// hash. A side embeds it, sets self, isClient, events and table, and adds its
// own steps.
type conn[S side] struct {
	self     S
	isClient bool
	// refusedRenegotiation says that the peer asked for another handshake,
	// which was refused.
	refusedRenegotiation bool
	epochs               struct{ in, out Epoch } // of the keys in use
	events               func(Event)             // may be nil
	tamper               *Tamper                 // nil: no fault

	tls13 *tls13                // nil where TLS 1.3 is not offered, or not chosen
	table *[numPhases][]step[S] // of the version; nil: not started
	phase phase
	stage Stage
	state State
	fault error // why the connection is over
	last  lastMessage

	suite *suite.Suite   // nil until ServerHello, and after it for one that this side cannot finish
	ctx   tlsmsg.Context // what decoding a message depends on

	work   Work                  // outstanding
	ask    func(S) Work          // makes it, where nobody has asked yet
	resume func(S, Result) error // nil: there is none
	after  func(S) error         // what a step leaves to do once its message is in the transcript

	in         inbound
	out        outbound
	transcript suite.Transcript
	master     [suite.MasterSecretLen]byte
	pending    pendingStates
	scratch    []byte     // for a message being made; see takeScratch
	pool       *slab.Pool // of all buffers; may be nil

	finishedMessage tlsmsg.Finished // either side's, while it is made or checked
	verifyData      [suite.VerifyDataLen]byte
}

// side is what a conn asks of the machine that it is part of.
type side interface {
	// trusted reports whether the peer may be given what is only for it.
	trusted() bool
}

// init makes a conn ready: nothing has happened yet.
func (c *conn[S]) init(self S, isClient bool, events func(Event)) {
	c.self, c.isClient, c.events = self, isClient, events
	c.state.Credential = -1
}

// lendFrom has all buffers taken from a pool.
func (c *conn[S]) lendFrom(pool *slab.Pool) {
	c.pool, c.out.pool, c.in.pool, c.in.messages.Pool, c.transcript.Pool = pool, pool, pool, pool, pool
}

// release gives the memory of all buffers back.
func (c *conn[S]) release() {
	c.pool.Put(c.out.buf)
	c.out.buf = nil
	c.in.release()
	c.in.messages.Release()
	c.transcript.Reset()
}

// Receive takes bytes that the stream brought and moves the handshake on as far
// as they go. It neither keeps nor writes to p. What it holds is bounded: a
// driver must not pass more than Room bytes at once.
func (c *conn[S]) Receive(p []byte) {
	if c.fault != nil || c.in.closed {
		return // RFC 5246, section 7.2.1: what follows a closure alert is ignored
	}
	if len(p) > c.Room() {
		c.end(refuse(tlsmsg.AlertRecordOverflow, "",
			"%d bytes more than the %d that are held while the machine waits", len(p)-c.Room(), maxUnread))
		return
	}
	c.in.append(p)
	c.run()
	c.in.own()
}

// Room returns how many bytes Receive accepts now. It is below its maximum only
// while work is outstanding or application data waits to be read.
func (c *conn[S]) Room() int { return maxUnread - c.in.unread() }

// TransportEOF says that the stream has ended: the peer sends no more. Without
// a close_notify before it that is an error, as data may have been cut off
// (RFC 5246, section 7.2.1).
func (c *conn[S]) TransportEOF() {
	c.in.ended = true
	c.run()
}

// Next returns the bytes to send, whole flights at a time, or nil. They are
// valid until the next call of any other method: the caller must send or copy
// them before.
func (c *conn[S]) Next() []byte {
	b := c.out.take()
	if len(b) == 0 {
		return nil
	}
	return b
}

// AppendOutput appends the bytes to send to b, and counts them as sent.
func (c *conn[S]) AppendOutput(b []byte) []byte { return append(b, c.out.take()...) }

// Output is Next for a driver that may be unable to send everything: it reports
// by Sent how much it has sent. The bytes are valid until the next call of any
// other method.
func (c *conn[S]) Output() []byte {
	c.out.drop()
	return c.out.buf[:c.out.ready]
}

// Sent counts the first n bytes of Output as sent.
func (c *conn[S]) Sent(n int) { c.out.sent(min(max(n, 0), c.out.ready)) }

// Work returns the piece of work that the machine waits for, until Resume has
// its result.
func (c *conn[S]) Work() (w Work, ok bool) {
	if c.work == nil && c.ask != nil {
		c.work, c.ask = c.ask(c.self), nil
	}
	return c.work, c.work != nil
}

// Resume takes the result of the piece of work that Work returned.
func (c *conn[S]) Resume(r Result) {
	if !c.waits() || c.fault != nil {
		return
	}
	resume := c.resume
	c.work, c.ask, c.resume = nil, nil, nil
	c.end(resume(c.self, r))
	c.run()
}

// yield asks the driver for work; then is called with its result.
func (c *conn[S]) yield(w Work, then func(S, Result) error) { c.work, c.resume = w, then }

// yieldLater is yield for work that is only put together if the driver wants to
// know what it is.
func (c *conn[S]) yieldLater(ask func(S) Work, then func(S, Result) error) {
	c.ask, c.resume = ask, then
}

// waits reports whether the machine waits for work.
func (c *conn[S]) waits() bool { return c.resume != nil }

// wrongResult makes the error for a Resume that does not go with its Work.
func wrongResult(want, got Result) error {
	return &InternalError{What: fmt.Sprintf("the driver resumed with %T, expected %T", got, want)}
}

// signature returns what a SignWork made for a message.
func signature(r Result, message string) ([]byte, error) {
	result, ok := r.(SignResult)
	if !ok {
		return nil, wrongResult(result, r)
	}
	if result.Err != nil {
		return nil, &InternalError{What: "signing " + message, Err: result.Err}
	}
	return result.Signature, nil
}

// sendVerify sends CertificateVerify with the signature that work has made.
func (c *conn[S]) sendVerify(r Result, scheme tlsmsg.SignatureScheme) error {
	made, err := signature(r, "CertificateVerify")
	if err != nil {
		return err
	}
	return c.send(&tlsmsg.CertificateVerify{Scheme: scheme, Signature: made})
}

// Stage returns how far the handshake has come.
func (c *conn[S]) Stage() Stage { return c.stage }

// State returns what is known of the connection so far.
func (c *conn[S]) State() State { return c.state }

// Err returns why the connection is over, or nil while it is open and after
// both sides have closed it properly. It is a *NotTLSError, *AlertError,
// *ProtocolError, *ClosedError or *InternalError, or wraps ErrAborted.
func (c *conn[S]) Err() error { return c.fault }

// LastMessage names the last handshake message sent or received, for
// sentences: "the peer's ServerHello", "our ClientHello".
func (c *conn[S]) LastMessage() string { return c.last.String() }

// MidRecord reports whether a part of a record, or of a handshake message, has
// come, and the rest has not.
func (c *conn[S]) MidRecord() bool {
	return c.in.unread() > 0 || c.in.messages.Pending() || c.in.halfAlert
}

// inAnother reports whether a handshake after the first is going on.
func (c *conn[S]) inAnother() bool { return c.stage == StageFinished && c.phase != phaseConnected }

// reach raises the stage.
func (c *conn[S]) reach(s Stage) { c.stage = max(c.stage, s) }

// run handles what has arrived, until something is missing: bytes, the result
// of work, or a reader for application data.
func (c *conn[S]) run() {
	for c.fault == nil && !c.waits() && !c.in.closed && len(c.in.app) == 0 {
		raw, err := c.in.messages.Next()
		switch {
		case err != nil:
			c.end(c.tooLong(err))
		case raw != nil:
			c.end(c.handshakeMessage(raw))
		case !c.nextPart():
			return
		}
	}
}

// nextPart handles the next record, or reports that there is none. A message
// that is out of turn need not be whole to be refused.
func (c *conn[S]) nextPart() (more bool) {
	if typ, ok := c.in.messages.Type(); ok && !c.takes(kind(typ)) {
		c.end(c.outOfTurn(kind(typ)))
		return false
	}
	more, err := c.nextRecord()
	c.end(err)
	if !more {
		c.end(c.transportEnded())
	}
	return more
}

// transportEnded judges the stream's end, once all before it is handled.
func (c *conn[S]) transportEnded() error {
	if !c.in.ended || c.fault != nil || c.in.closed {
		return nil
	}
	if rest := c.in.buf[c.in.at:]; !c.in.any && len(rest) > 0 && (tlsmsg.ContentType(rest[0]) < tlsmsg.ContentChangeCipherSpec || tlsmsg.ContentType(rest[0]) > tlsmsg.ContentHeartbeat) {
		return NewNotTLSError(rest) // less than a header, which it could not have become
	}
	return &ClosedError{
		After:         c.last.String(),
		MidRecord:     c.MidRecord(),
		Handshaken:    c.phase == phaseConnected,
		Again:         c.inAnother(),
		Warning:       c.state.Warning,
		Renegotiation: c.refusedRenegotiation,
	}
}
