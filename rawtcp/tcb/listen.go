// Connections that the peer's SYN begins.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// Accept returns the connection that a SYN to a listening port begins, with its
// SYN-ACK due (RFC 9293, section 3.10.7.2). It returns nil if s is not a SYN
// that a listener accepts; an ACK to a listener is answered by
// [wire.Segment.ResetOf] instead.
//
// If the peer ends the handshake with a RST or never ends it, the connection
// becomes CLOSED and can be forgotten: the listener's own state is not in it.
func Accept(cfg Config, now Instant, s *wire.Segment) *Conn {
	if !s.Flags.Has(wire.SYN) || s.Flags.Any(wire.RST|wire.ACK) {
		return nil
	}
	c := New(cfg)
	c.state = Listen
	c.snd.since = now
	c.passive = true
	c.agree(now, s)
	c.setWindow(s, 0)
	c.startSYN(SynReceived)
	// Octets on the SYN are outside the window, since none was offered yet: the
	// peer sends them again.
	return c
}

// startSYN makes our SYN due, unless the caller has sent it already.
func (c *Conn) startSYN(in State) {
	c.out.syn = !c.cfg.SYNSent
	if c.cfg.SYNSent {
		c.snd.nxt = c.id.ISS.Add(1)
		c.lastAck = c.rcv.nxt
	}
	c.enter(in)
}

// Reusable reports whether a SYN may begin a new connection in place of this
// one in TIME-WAIT: its sequence number is beyond all that the old one could
// have used, or its timestamp is newer (RFC 9293, section 3.6.1, MAY-2; RFC
// 6191, section 2). The new ISS must not be less than [Conn.NextISS]. The
// answer may change in Receive.
func (c *Conn) Reusable(s *wire.Segment) bool {
	if c.state != TimeWait || !s.Flags.Has(wire.SYN) || s.Flags.Any(wire.RST|wire.ACK) {
		return false
	}
	if val, _, ok := s.Options.Timestamps(); ok && c.ts.on && val != c.ts.recent {
		return int32(val-c.ts.recent) > 0
	}
	return c.rcv.edge.Less(s.Seq)
}

// NextISS returns the lowest initial sequence number for a connection that
// replaces this one. It does not change in TIME-WAIT.
func (c *Conn) NextISS() wire.Seq { return c.snd.nxt.Add(int(c.snd.maxWnd)) }
