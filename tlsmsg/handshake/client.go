package handshake

import (
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A Client is the client's side of one TLS 1.2 connection (RFC 5246) over any
// byte stream. It does no I/O: the driver hands it what the stream brought
// (Receive, TransportEOF), sends what it made (Next), and does its slow or
// outside work (Work, Resume). After each of these calls, and after those that
// carry application data, the driver asks for output and for work again.
//
//	c.Start()
//	for {
//		for w, ok := c.Work(); ok; w, ok = c.Work() {
//			c.Resume(worker.Do(w))
//		}
//		stream.Write(c.Next())
//		…
//		c.Receive(bytes)
//	}
//
// A Client is not safe for concurrent use.
type Client struct {
	cfg   Config
	table *[numPhases][]step // of the negotiated version
	phase phase
	stage Stage
	state State
	fault error // why the connection is over
	last  lastMessage

	suite *suite.Suite   // nil until ServerHello, and after it for one that we cannot finish
	ctx   tlsmsg.Context // what decoding a message depends on

	work   Work
	resume func(*Client, Result) error

	in         inbound
	out        outbound
	transcript suite.Transcript
	offered    extensionSet
	exchange   exchange
	master     [suite.MasterSecretLen]byte
	scratch    []byte // for a message being made
}

// NewClient returns a client that has not begun. Where cfg leaves suites,
// groups or signature schemes empty, [Defaults] are offered.
func NewClient(cfg Config) *Client {
	c := &Client{cfg: cfg}
	c.cfg.setDefaults()
	c.state.Credential = -1
	return c
}

// Start makes the ClientHello. It does nothing the second time.
func (c *Client) Start() {
	if c.phase != phaseStart || c.fault != nil {
		return
	}
	c.table = &client12
	c.end(c.sendClientHello())
}

// Receive takes bytes that the stream brought and moves the handshake on as
// far as they go. It neither keeps nor writes to p. What it holds is bounded: a driver hands
// over no more than Room at once.
func (c *Client) Receive(p []byte) {
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

// Room returns how many bytes Receive takes now. It is less than its most only
// while work is outstanding or application data waits to be read.
func (c *Client) Room() int { return maxUnread - c.in.unread() }

// TransportEOF says that the stream has ended: the peer sends no more. Without
// a close_notify before it that is an error, as data may have been cut off
// (RFC 5246, section 7.2.1).
func (c *Client) TransportEOF() {
	c.in.ended = true
	c.run()
}

// Next returns the bytes to send, whole flights at a time, or nil. They are
// valid until the next call of any other method; the caller has sent, or
// copied, them by then.
func (c *Client) Next() []byte {
	b := c.out.take()
	if len(b) == 0 {
		return nil
	}
	return b
}

// AppendOutput appends the bytes to send to b, and counts them as sent.
func (c *Client) AppendOutput(b []byte) []byte { return append(b, c.out.take()...) }

// Work returns the piece of work that the machine waits for, until Resume has
// its result.
func (c *Client) Work() (w Work, ok bool) { return c.work, c.work != nil }

// Resume hands back the result of the piece of work that Work returned.
func (c *Client) Resume(r Result) {
	if c.work == nil || c.fault != nil {
		return
	}
	resume := c.resume
	c.work, c.resume = nil, nil
	c.end(resume(c, r))
	c.run()
}

// yield asks the driver for work; then is called with its result.
func (c *Client) yield(w Work, then func(*Client, Result) error) { c.work, c.resume = w, then }

// wrongResult makes the error for a Resume that does not go with its Work.
func wrongResult(want, got Result) error {
	return &InternalError{What: fmt.Sprintf("the driver resumed with %T, expected %T", got, want)}
}

// Stage returns how far the handshake has come.
func (c *Client) Stage() Stage { return c.stage }

// State returns what is known of the connection so far.
func (c *Client) State() State { return c.state }

// Err returns why the connection is over, or nil: while it lives, and after
// both sides closed it as they should. It is a *NotTLSError, *AlertError,
// *ProtocolError, *ClosedError or *InternalError, or wraps ErrAborted.
func (c *Client) Err() error { return c.fault }

// LastMessage names the last handshake message sent or received, for
// sentences: "the peer's ServerHello", "our ClientHello".
func (c *Client) LastMessage() string { return c.last.String() }

// reach raises the stage.
func (c *Client) reach(s Stage) { c.stage = max(c.stage, s) }

// run handles what has arrived, until something is missing: bytes, the result
// of work, or a reader for application data.
func (c *Client) run() {
	for c.fault == nil && c.work == nil && !c.in.closed && len(c.in.app) == 0 {
		raw, err := c.in.messages.Next()
		switch {
		case err != nil:
			c.end(tooLong(err))
		case raw != nil:
			c.end(c.handshakeMessage(raw))
		default:
			more, err := c.nextRecord()
			c.end(err)
			if !more {
				c.end(c.transportEnded())
				return
			}
		}
	}
}

// transportEnded judges the stream's end, once all before it is handled.
func (c *Client) transportEnded() error {
	if !c.in.ended || c.fault != nil || c.in.closed {
		return nil
	}
	return &ClosedError{
		After:      c.last.String(),
		MidRecord:  c.in.unread() > 0 || c.in.messages.Pending(),
		Handshaken: c.phase == phaseConnected,
	}
}
