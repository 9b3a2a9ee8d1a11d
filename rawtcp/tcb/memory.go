// How much memory a connection's buffers take, and how to take less.

package tcb

// Held returns how many octets of memory the connection's buffers take, used or
// not, and the most that they can ever take; not counted is a scoreboard as small
// as it is kept for the next connection in this one's place.
func (c *Conn) Held() (octets, limit int) {
	const runs = maxOutOfOrder * 2 * 8 // with room to grow
	segments := 16 * 2 * (c.cfg.boardLimit() + 2*splitRoom)
	octets = cap(c.snd.buf.b) + cap(c.rcv.buf.b) + 8*cap(c.rcv.outOfOrder) + 16*max(0, cap(c.snd.loss.board.segs)-keptSegments)
	limit = (c.cfg.SendBuffer + c.cfg.ReceiveBuffer) * 3 / 2
	if c.cfg.Pool != nil { // a Pool's slices are a little longer
		limit += limit/4 + 128
	}
	return octets, limit + runs + segments
}

// Unload gives the memory of the send buffer back, where all that was written has
// been sent: for a caller who can make the same octets again, and has many
// connections that wait for an answer to them. Until [Conn.Reload], Write takes nothing. It
// reports whether there was something to unload.
func (c *Conn) Unload() bool {
	if c.over || c.snd.buf.len() == 0 || c.snd.buf.unloaded() || c.snd.nxt.Less(c.dataEnd()) {
		return false
	}
	c.snd.buf.unload(c.cfg.Pool)
	return true
}

// Unloaded reports whether octets that are not acknowledged were unloaded.
func (c *Conn) Unloaded() bool { return c.snd.buf.unloaded() }

// Missing reports whether Next has octets to send that were unloaded: without
// Reload it passes them over.
func (c *Conn) Missing() bool {
	if !c.snd.buf.unloaded() || !c.sendsData() {
		return false
	}
	return c.out.probe || c.snd.loss.probe.due || c.probeRun().len() > 0 || c.lostRun().len() > 0 || c.newRun().len() > 0
}

// Reload brings back what Unload gave away. P ends with the octets that were written
// last, and has all that are not acknowledged; it is not kept.
func (c *Conn) Reload(p []byte) {
	if c.snd.buf.unloaded() {
		c.snd.buf.load(p, c.cfg.Pool)
	}
}
