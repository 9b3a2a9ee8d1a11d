// A Write may have to wait during another handshake within the connection (RFC
// 5246, section 7.4.1.1), which either a Read or the Write moves on.

package tlsconn

import (
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
