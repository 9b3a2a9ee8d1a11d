// The window that we offer.

package tcb

// window returns the receive window of a segment sent now, as on the wire. Its
// right edge moves only in steps of some size (RFC 9293, section 3.8.6.2.2,
// MUST-39), and never back (SHLD-14), except for what the scale cannot express:
// what was once offered is honoured (RFC 7323, section 2.4). If nobody reads,
// the window closes (MAY-8).
func (c *Conn) window() uint16 {
	wnd := c.offered()
	if c.windowGain() >= min(c.cfg.ReceiveBuffer/2, c.rmss()) {
		wnd += c.windowGain()
	}
	field := min(wnd>>c.rcv.scale, 0xffff)
	c.promise(field << c.rcv.scale)
	return uint16(field)
}

// promise moves the right edge of the window to n octets after RCV.NXT, unless
// it is already further.
func (c *Conn) promise(n int) { c.rcv.edge = later(c.rcv.edge, c.rcv.nxt.Add(n)) }

// offered returns how much of the offered window is left. A FIN may come right
// after it.
func (c *Conn) offered() int { return max(0, c.rcv.edge.Minus(c.rcv.nxt)) }

// windowGain returns how much further the window could open.
func (c *Conn) windowGain() int {
	return max(0, min(c.cfg.ReceiveBuffer-c.rcv.ready, c.widest())-c.offered())
}

// widest returns the largest window that the header can express.
func (c *Conn) widest() int { return 0xffff << c.rcv.scale }

// rmss returns the segment size that we expect: our MSS.
func (c *Conn) rmss() int { return int(c.cfg.MSS) }

// windowOpened is called when the user has taken octets. If the window had
// become small, the peer is told that it is larger again.
func (c *Conn) windowOpened() {
	switch c.state {
	case Established, FinWait1, FinWait2:
	default:
		return
	}
	half := min(c.cfg.ReceiveBuffer, c.widest()) / 2
	if !c.rcv.finished && c.offered() < half && c.windowGain() >= min(half, 2*c.rmss()) {
		c.out.ack = true
	}
}
