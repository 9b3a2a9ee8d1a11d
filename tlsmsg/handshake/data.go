// Application data, written and read.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// CanWrite reports whether application data may be sent: the handshake is
// done, or as good as done for a server that takes early data, the peer's chain verified or Config.AllowUnverified says that it need
// not, and this side has not closed.
func (c *conn[S]) CanWrite() bool {
	return (c.phase == phaseConnected || c.halfway()) && c.fault == nil && !c.out.closed && c.self.trusted()
}

// halfway reports whether a server that takes early data may answer it before the
// client's Finished (RFC 9846, section 2.3).
func (c *conn[S]) halfway() bool { return c.tls13 != nil && c.tls13.half && c.stage == StageHelloDone }

// Write makes records of application data and returns how many bytes of p it
// took: none unless CanWrite, and less than all once 64 KiB wait to be sent.
func (c *conn[S]) Write(p []byte) int {
	if !c.CanWrite() {
		return 0
	}
	c.out.drop()
	taken := 0
	for taken < len(p) && len(c.out.buf) < maxBacklog {
		if err := c.refresh(); err != nil {
			c.end(err)
			break
		}
		n := min(len(p)-taken, tlsmsg.MaxPlaintext)
		if err := c.sendContent(tlsmsg.ContentApplicationData, 0, p[taken:taken+n]); err != nil {
			c.end(err)
			break
		}
		taken += n
	}
	c.out.flush()
	return taken
}

// Peek returns application data that waits to be read, at most a record's
// content at a time. It is valid until the next Discard or Receive, and empty
// when there is none.
func (c *conn[S]) Peek() []byte { return c.in.app }

// Discard takes n bytes of what Peek returned as read, and opens the next
// record where that was all.
func (c *conn[S]) Discard(n int) {
	c.in.app = c.in.app[min(n, len(c.in.app)):]
	if len(c.in.app) == 0 {
		c.in.app = nil
		c.run()
	}
}

// EOF reports whether all application data was read and the peer has sent
// close_notify. RFC 5246, section 7.2.1, then requires ours: call CloseWrite.
func (c *conn[S]) EOF() bool { return c.in.closed && c.fault == nil && len(c.in.app) == 0 }
