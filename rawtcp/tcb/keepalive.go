// Keep-alive probes on an idle connection.

package tcb

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Defaults of keep-alive. It is off unless asked for (RFC 9293, section 3.8.4,
// MUST-25).
const (
	DefaultKeepAlive         = 2 * time.Hour    // for a driver whose user says only "on" (MUST-28)
	DefaultKeepAliveInterval = 75 * time.Second // between probes that are not answered
	DefaultKeepAliveProbes   = 9                // how many unanswered probes end the connection (MUST-29)
)

// heard notes that the peer is alive.
func (c *Conn) heard(now Instant) {
	if c.cfg.KeepAlive <= 0 || c.state == TimeWait {
		return
	}
	c.alive.heard, c.alive.probes = now, 0
	if !c.timers.running(timerKeepAlive) {
		c.timers.set(timerKeepAlive, now.Add(c.cfg.KeepAlive))
	}
}

// keepAliveState says when the peer was last heard, and how many probes were
// sent since.
type keepAliveState struct {
	heard  Instant
	probes int
	due    bool // a probe is
}

// keepAliveTimeout probes a connection that has been idle, and no other
// (MUST-26).
func (c *Conn) keepAliveTimeout(now Instant) {
	idle := now.Sub(c.alive.heard)
	switch {
	case idle < c.cfg.KeepAlive:
		c.timers.set(timerKeepAlive, c.alive.heard.Add(c.cfg.KeepAlive))
		return
	case c.flight() > 0: // the retransmission timer watches
		c.timers.set(timerKeepAlive, now.Add(c.cfg.KeepAlive))
		return
	case c.alive.probes >= c.cfg.KeepAliveProbes:
		emit(c, GaveUp{After: idle, Attempts: c.alive.probes, Waiting: "keep-alive probes"})
		c.end(fmt.Errorf("%w: silent for %v, and %d keep-alive probes unanswered", ErrTimeout, idle, c.alive.probes))
		return
	}
	c.alive.probes++
	c.alive.due = true
	emit(c, KeepAlive{Probe: c.alive.probes})
	c.timers.set(timerKeepAlive, now.Add(c.cfg.KeepAliveInterval))
}

// KeepAliveProbe fills s with a keep-alive probe to be sent now, whatever
// [Config.KeepAlive] says, and reports whether there is one. A host that knows the
// connection answers it (RFC 9293, section 3.8.4). There is none unless the connection
// is established, nor while something is in flight, which asks for an answer itself.
// Nobody counts how many are unanswered.
func (c *Conn) KeepAliveProbe(now Instant, s *wire.Segment) bool {
	if c.state != Established && c.state != CloseWait || c.flight() > 0 {
		return false
	}
	*s = wire.Segment{SrcPort: c.id.LocalPort, DstPort: c.id.RemotePort}
	emit(c, KeepAlive{Probe: c.alive.probes + 1})
	c.fillProbe(now, s)
	c.addECN(s)
	c.sent(now, s)
	return true
}

// fillProbe makes s a keep-alive probe: no octet (SHLD-12), and the SEQ before SND.NXT,
// which the peer has seen.
func (c *Conn) fillProbe(now Instant, s *wire.Segment) {
	c.fill(now, s, span{c.snd.nxt, c.snd.nxt})
	s.Seq = s.Seq.Add(-1) // RFC 9293, section 3.8.4
}
