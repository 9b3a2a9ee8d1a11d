package tcb

// Held is how many octets the connection's buffers take, whether or not there
// is anything in them, and the most that they ever may.
func (c *Conn) Held() (octets, most int) {
	const runs = 3*mostEarly*2*8 + mostResent*2*16 // with room to grow
	l := &c.snd.loss
	octets = cap(c.snd.buf.b) + cap(c.rcv.buf.b) + 8*(cap(l.sacked)+cap(l.lostTwice)+cap(c.rcv.early)) + 16*cap(l.resent)
	most = (c.cfg.SendBuffer + c.cfg.ReceiveBuffer) * 3 / 2
	if c.cfg.Pool != nil { // whose slices are a little longer
		most += most/4 + 128
	}
	return octets, most + runs
}
