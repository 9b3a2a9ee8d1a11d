// The user's calls: write, read, end the stream, abort.

package tcb

import (
	"fmt"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Write copies as much of p into the send buffer as there is room for, and
// returns how much that was. It takes nothing after CloseWrite or after the
// connection's end. Octets written before the connection is established are
// sent once it is. Everything queued goes out as soon as the windows allow:
// this is SEND with a PUSH (RFC 9293, section 3.9.1.2).
func (c *Conn) Write(p []byte) int {
	n := c.WriteMore(p)
	c.snd.push = c.dataEnd()
	return n
}

// WriteMore is Write where more will follow: SEND without a PUSH (MAY-15). Less
// than a full segment waits for more (MAY-16), but no longer than a
// retransmission timeout (MUST-60).
func (c *Conn) WriteMore(p []byte) int {
	n := min(len(p), c.WriteSpace())
	if n > 0 {
		c.snd.buf.add(p[:n], c.cfg.SendBuffer, c.cfg.Pool)
	}
	return n
}

// WriteSpace returns how many octets Write would take now. It grows in Receive,
// and is 0 once nothing may be written any more.
func (c *Conn) WriteSpace() int {
	if c.snd.fin || c.over || c.state == TimeWait || c.snd.buf.unloaded() {
		return 0
	}
	return max(0, c.cfg.SendBuffer-c.snd.buf.len())
}

// Unacked returns how many of the written octets the peer has not acknowledged;
// a FIN after CloseWrite counts as one. It shrinks in Receive, and is 0 once
// everything written and the FIN have arrived. When the connection ends it
// stays as it is.
func (c *Conn) Unacked() int {
	if c.over {
		return int(c.unsent)
	}
	n := c.snd.buf.len()
	if c.finWaits() {
		n++
	}
	return n
}

// UnackedOctets returns Unacked without the FIN.
func (c *Conn) UnackedOctets() int {
	if c.finWaits() || c.over && c.finLost {
		return c.Unacked() - 1
	}
	return c.Unacked()
}

// finWaits reports whether there is a FIN of ours that the peer has not
// acknowledged.
func (c *Conn) finWaits() bool { return c.snd.fin && !c.finAcked() }

// Flushed reports whether everything written, and the FIN after CloseWrite,
// has been acknowledged. It becomes true in Receive.
func (c *Conn) Flushed() bool { return c.Unacked() == 0 }

// Peek returns the octets that have arrived in order and were not discarded.
// The slice aliases the receive buffer, and is valid until the next call of
// Receive, Discard or Release. What arrived before the connection ended stays
// readable.
func (c *Conn) Peek() []byte { return c.rcv.buf.bytes()[:c.rcv.ready] }

// Discard removes n octets from the front of what Peek returns. This can open
// the window, so that a segment is due.
func (c *Conn) Discard(n int) {
	n = min(max(n, 0), c.rcv.ready)
	c.rcv.buf.cut(n, c.cfg.Pool)
	c.rcv.ready -= n
	c.windowOpened()
}

// ReceiveNext returns RCV.NXT: the end of what has arrived in order.
func (c *Conn) ReceiveNext() wire.Seq { return c.rcv.nxt }

// EOF reports whether the peer has ended its stream with a FIN and everything
// before it has been discarded. It may become true in Receive and Discard.
func (c *Conn) EOF() bool { return c.rcv.finished && c.rcv.ready == 0 }

// CloseWrite ends our stream: a FIN follows what has been written (RFC 9293,
// section 3.10.4, CLOSE). The peer's stream goes on. In SYN-SENT there is no
// connection yet, and it ends at once.
func (c *Conn) CloseWrite() {
	if c.snd.fin || c.over {
		return
	}
	switch c.state {
	case Closed, Listen, SynSent:
		c.end(c.neverSent())
		return
	case Established:
		c.enter(FinWait1)
	}
	// From SYN-RECEIVED the state changes when the handshake ends, from
	// CLOSE-WAIT when the FIN goes out.
	c.snd.fin = true
}

// neverSent returns the error of a connection that is closed before it could
// send what was written, or nil if nothing was (RFC 9293, section 3.10.4).
func (c *Conn) neverSent() error {
	if n := c.snd.buf.len(); n > 0 {
		return fmt.Errorf("%w: closed in %v, with %d octets never sent", ErrAborted, c.state, n)
	}
	return nil
}

// Abort ends the connection at once, with a RST if the peer knows of it (RFC
// 9293, section 3.10.5). Next still returns that RST.
func (c *Conn) Abort() {
	if c.over {
		return
	}
	switch c.state {
	case SynReceived, Established, FinWait1, FinWait2, CloseWait:
		c.reset(c.emptySeq(), "this side aborted the connection")
	}
	c.end(abortedIn(c.state))
}
