package tcb

// window is the receive window that a segment sent now shows, as on the wire.
// Its right edge moves only by steps worth having (RFC 9293, section 3.8.6.2.2,
// MUST-39), and never back (SHLD-14), save for what the scale cannot express:
// what was once offered is honoured (RFC 7323, section 2.4). While nobody reads
// it stays closed (MAY-8).
func (c *Conn) window() uint16 {
	wnd := c.offered()
	if c.windowGain() >= min(c.cfg.ReceiveBuffer/2, c.rmss()) {
		wnd += c.windowGain()
	}
	field := min(wnd>>c.rcv.scale, 0xffff)
	c.promise(field << c.rcv.scale)
	return uint16(field)
}

// promise moves the right edge of the window to where n octets from RCV.NXT
// end, unless it is further already.
func (c *Conn) promise(n int) { c.rcv.edge = later(c.rcv.edge, c.rcv.nxt.Add(n)) }

// offered is how much of the window that was offered is left. A FIN may stand
// right behind it.
func (c *Conn) offered() int { return max(0, c.rcv.edge.Minus(c.rcv.nxt)) }

// windowGain is how much further the window could open.
func (c *Conn) windowGain() int {
	return max(0, min(c.cfg.ReceiveBuffer-c.rcv.ready, c.widest())-c.offered())
}

// widest is the largest window that the header can show.
func (c *Conn) widest() int { return 0xffff << c.rcv.scale }

// rmss is the size of segment that we expect: the one that we announced.
func (c *Conn) rmss() int { return int(c.cfg.MSS) }

// windowOpened is called when the user has taken octets: where the window had
// become narrow, the peer is told that it is not any more.
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
