// Application data: read, write, and the end of either.

package tlsconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

// closePatience bounds how long Close waits for the stream to accept what is
// left.
const closePatience = 5 * time.Second

// Read reads application data that has arrived, and waits if there is none. It
// returns io.EOF after the peer's close_notify; a stream that ends without one
// is an error, as data may have been cut off (RFC 5246, section 7.2.1). Early
// data, where a ServerConfig takes any, comes first, like any other: that there
// was some, ConnectionState says.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.Handshake(context.Background()); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	c.in.Lock()
	defer c.endRead()
	for {
		n, err := c.take(p)
		if n > 0 || err != nil {
			_ = c.move() // an alert, say: whether it leaves changes nothing for the reader
		}
		switch {
		case n > 0:
			return n, nil
		case err == io.EOF:
			return 0, err
		case err != nil:
			return 0, c.opError("read", err)
		}
		if err := c.receive(); err != nil {
			return 0, c.opError("read", err)
		}
		_ = c.move()
	}
}

// take takes data that has arrived, or says that there will be none.
func (c *Conn) take(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case past(c.deadlines.read):
		return 0, os.ErrDeadlineExceeded
	}
	if n = copy(p, c.early); n > 0 {
		c.early = c.early[n:]
		return n, nil
	}
	if n = copy(p, c.machine.Peek()); n > 0 {
		c.machine.Discard(n)
		return n, nil
	}
	if c.machine.EOF() {
		return 0, io.EOF
	}
	return 0, c.failure()
}

// Write sends application data. It returns once the stream has accepted all of
// it, and keeps no reference to p. After a deadline n also counts what will
// still be sent.
func (c *Conn) Write(p []byte) (n int, err error) {
	if err := c.Handshake(context.Background()); err != nil {
		return 0, err
	}
	c.out.Lock()
	for err = c.send(); err == nil && n < len(p); {
		var took int
		if took, err = c.give(p[n:]); err == nil && took == 0 {
			if err = c.release(nil); err == nil {
				err = c.awaitWritable()
			}
			c.out.Lock()
			continue
		}
		if err == nil {
			n += took
			err = c.send()
		}
	}
	return n, c.opError("write", c.release(err))
}

// give makes the machine protect data in records. It takes none during another
// handshake within the connection.
func (c *Conn) give(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.writeClosed || c.closed:
		return 0, net.ErrClosed
	case past(c.deadlines.write):
		return 0, os.ErrDeadlineExceeded
	}
	if err := c.failure(); err != nil {
		return 0, err
	}
	if c.untrusted != nil {
		return 0, c.untrusted
	}
	return c.machine.Write(p[:min(len(p), tlsmsg.MaxPlaintext)]), nil
}

func past(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

// CloseWrite sends close_notify, and we can go on reading. The stream below
// stays open.
func (c *Conn) CloseWrite() error {
	if err := c.Handshake(context.Background()); err != nil {
		return err
	}
	c.out.Lock()
	err := c.endWrite()
	if err == nil {
		err = c.send()
	}
	return c.opError("close", c.release(err))
}

// endWrite makes the machine produce a close_notify.
func (c *Conn) endWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.writeClosed {
		return net.ErrClosed
	}
	c.writeClosed = true
	c.machine.CloseWrite()
	return nil
}

// Close sends close_notify and closes the stream. It first writes what Write
// has accepted to the stream, and waits for that some seconds at most; if the
// stream does not accept it, Close returns an error.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.wake()
	begun := c.started
	c.mu.Unlock()
	var unsent error
	if c.out.TryLock() { // else a Write is in progress, which this ends
		if begun {
			unsent = c.sayGoodbye()
		}
		c.out.Unlock()
	}
	return c.opError("close", errors.Join(unsent, c.stream.Close()))
}

// sayGoodbye gives the stream what is left, and close_notify.
func (c *Conn) sayGoodbye() error {
	_ = c.stream.SetWriteDeadline(time.Now().Add(closePatience))
	c.mu.Lock()
	if !c.writeClosed {
		c.machine.CloseWrite()
	}
	ended := c.machine.EOF() || c.machine.Err() != nil
	c.mu.Unlock()
	before := len(c.pending)
	err := c.send()
	switch {
	case err == nil, ended && before == 0:
		return nil // a peer that has closed the stream need not get the rest
	case before > 0:
		return fmt.Errorf("%d bytes that were written (of records, protected) did not leave: %w", len(c.pending), err)
	}
	return fmt.Errorf("close_notify did not leave: %w", err)
}
