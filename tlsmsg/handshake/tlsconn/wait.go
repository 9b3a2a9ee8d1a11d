// How one method waits while another reads the stream. A Write may have to wait
// during another handshake within the connection (RFC 5246, section 7.4.1.1),
// which either a Read or the Write moves on.

package tlsconn

import (
	"context"
	"os"
	"time"
)

// awaitWritable waits until the machine accepts application data again.
func (c *Conn) awaitWritable() error {
	for {
		c.mu.Lock()
		done, err, news, until := c.machine.CanWrite(), c.failure(), c.awaitNews(), c.deadlines.write
		c.mu.Unlock()
		switch {
		case done || err != nil:
			return err
		case past(until):
			return os.ErrDeadlineExceeded
		case c.in.TryLock():
			err := c.receive()
			c.endRead()
			if err != nil && !timeout(err) {
				return err
			}
			if err := c.move(); err != nil {
				return err
			}
		default:
			wait(news, until)
		}
	}
}

// readOr waits for its turn to read the stream, and returns with in locked. Who
// reads it meanwhile moves the handshake too, and may go on for long: where that
// makes f true, done says so and nothing is locked.
func (c *Conn) readOr(ctx context.Context, f func() bool) (done bool, err error) {
	for {
		c.mu.Lock()
		news := c.awaitNews()
		c.mu.Unlock()
		if c.in.TryLock() {
			return false, nil
		}
		if done, err := c.reached(f); done || err != nil {
			return done, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return false, c.ended(ctx)
		}
	}
}

// wait waits for news, or until a time; zero: for ever.
func wait(news <-chan struct{}, until time.Time) {
	if until.IsZero() {
		<-news
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-news:
	case <-timer.C:
	}
}

// awaitNews returns a channel that is closed at the next change. The caller
// holds mu.
func (c *Conn) awaitNews() <-chan struct{} {
	if c.news == nil {
		c.news = make(chan struct{})
	}
	return c.news
}

// wake closes the channel of awaitNews. The caller holds mu.
func (c *Conn) wake() {
	if c.news != nil {
		close(c.news)
		c.news = nil
	}
}

// endRead unlocks in.
func (c *Conn) endRead() {
	c.in.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake()
}
