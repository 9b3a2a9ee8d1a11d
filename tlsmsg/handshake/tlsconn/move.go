// Moving the machine: its work done, its bytes sent, the stream's received.

package tlsconn

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// readSize is how much is read from the stream at once: a record and its header.
const readSize = 17 << 10

// A StreamError says that the stream below failed.
type StreamError struct {
	Err   error
	After string // the last TLS message before it: "our ClientHello"
}

// Error says what the stream said, and after which message.
func (e *StreamError) Error() string { return e.Err.Error() + ", after " + e.After }

// Unwrap returns the stream's error.
func (e *StreamError) Unwrap() error { return e.Err }

// errUnread ends a wait for a message while application data waits for a Read.
var errUnread = errors.New("application data that nobody reads stands before what is waited for")

// errOver ends a wait for what a peer that has closed cannot say any more.
var errOver = fmt.Errorf("%w: the peer has ended the connection", io.EOF)

// move does the outstanding work and sends what the machine made. It never
// waits for a Write in progress: that one sends it, see release.
func (c *Conn) move() error {
	c.work()
	for c.out.TryLock() {
		err := c.send()
		if c.out.Unlock(); err != nil || !c.hasOutput() {
			return err
		}
	}
	return nil
}

// release unlocks out, and sends what others added in the meantime without
// waiting for the lock.
func (c *Conn) release(err error) error {
	c.out.Unlock()
	if err == nil && c.hasOutput() {
		return c.move()
	}
	return err
}

func (c *Conn) hasOutput() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.machine.Output()) > 0
}

// work does what the machine has yielded.
func (c *Conn) work() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client, ok := c.machine.(interface{ Start() }); ok && !c.started {
		client.Start()
	}
	c.started = true
	defer c.wake()
	for {
		for w, ok := c.machine.Work(); ok; w, ok = c.machine.Work() {
			r := c.worker.Do(w)
			c.machine.Resume(r)
			c.judge(r)
		}
		if !c.keepEarly() {
			return
		}
	}
}

// keepEarly keeps early data for Read, since what follows it ends the handshake, and
// reports whether there was any. How much comes the machine bounds. The caller holds
// mu.
func (c *Conn) keepEarly() bool {
	data := c.machine.Peek()
	if len(data) == 0 || c.machine.Stage() >= handshake.StageFinished {
		return false
	}
	c.early = append(c.early, data...)
	c.machine.Discard(len(data))
	return true
}

// judge ends a connection to a peer whose chain does not verify.
func (c *Conn) judge(r handshake.Result) {
	if !c.strict || c.machine.Err() != nil {
		return
	}
	switch r := r.(type) {
	case handshake.VerifyChainResult:
		c.refuse(r.Verdict, r.Alert)
	case handshake.VerifyStatusResult:
		c.refuse(r.Verdict, 0)
	}
}

// refuse ends the connection for a verdict, with an alert.
func (c *Conn) refuse(verdict error, alert tlsmsg.AlertDescription) {
	if verdict != nil {
		c.refused = verdict
		c.machine.Abort(cmp.Or(alert, tlsmsg.AlertBadCertificate))
	}
}

// send gives the stream what the machine made. The caller holds out.
func (c *Conn) send() error {
	for {
		c.mu.Lock()
		c.pending = c.machine.AppendOutput(c.pending)
		c.mu.Unlock()
		switch {
		case len(c.pending) == 0:
			c.pending = nil
			return nil
		case c.broken != nil:
			return c.broken
		}
		n, err := c.stream.Write(c.pending)
		c.pending = c.pending[n:]
		switch {
		case timeout(err):
			return err
		case err != nil:
			c.broken = c.streamError(err)
			return c.broken
		}
	}
}

// receive waits for bytes and gives them to the machine. The caller holds in.
// What the machine then wants to send is not sent yet.
func (c *Conn) receive() error {
	if c.buf == nil {
		c.buf = make([]byte, readSize)
	}
	c.mu.Lock()
	room := min(len(c.buf), c.machine.Room())
	c.mu.Unlock()
	if room <= 0 {
		return errUnread
	}
	n, err := c.stream.Read(c.buf[:room])
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.machine.Receive(c.buf[:n])
	}
	c.wake()
	switch {
	case c.closed:
		return net.ErrClosed
	case errors.Is(err, io.EOF) && c.over:
		return errOver
	case errors.Is(err, io.EOF):
		c.over = true
		c.machine.TransportEOF()
		return nil
	case err == nil, timeout(err):
		return err
	}
	return &StreamError{err, c.machine.LastMessage()}
}

// failure returns why the connection is over, or nil. The caller holds mu.
func (c *Conn) failure() error {
	switch {
	case c.closed:
		return net.ErrClosed
	case c.refused != nil:
		return c.refused
	}
	return c.machine.Err()
}

func (c *Conn) streamError(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &StreamError{err, c.machine.LastMessage()}
}

func timeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}
