package tcb

// Held is how many octets the connection's buffers take, whether or not there
// is anything in them, and the most that they ever may.
func (c *Conn) Held() (octets, most int) {
	const runs = 2 * mostEarly * 2 * 8 // sent and received, with room to grow
	octets = cap(c.snd.buf.b) + cap(c.rcv.buf.b) + 8*cap(c.snd.loss.sacked) + 8*cap(c.rcv.early)
	return octets, (c.cfg.SendBuffer+c.cfg.ReceiveBuffer)*3/2 + runs
}
