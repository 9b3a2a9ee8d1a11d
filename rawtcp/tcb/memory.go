// How much memory a connection's buffers take.

package tcb

// Held returns how many octets of memory the connection's buffers take, used or
// not, and the most that they can ever take.
func (c *Conn) Held() (octets, limit int) {
	const runs = 3*maxOutOfOrder*2*8 + maxResent*2*16 // with room to grow
	l := &c.snd.loss
	octets = cap(c.snd.buf.b) + cap(c.rcv.buf.b) + 8*(cap(l.sacked)+cap(l.lostTwice)+cap(c.rcv.outOfOrder)) + 16*cap(l.resent)
	limit = (c.cfg.SendBuffer + c.cfg.ReceiveBuffer) * 3 / 2
	if c.cfg.Pool != nil { // a Pool's slices are a little longer
		limit += limit/4 + 128
	}
	return octets, limit + runs
}
