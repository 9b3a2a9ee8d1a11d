// All connections of a loop, in flight and recycled.

package probe

import (
	"io"

	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// connections are those of targets that have answered our SYN: each serves one target
// from there to its result and its end, and then another.
type connections struct {
	*clock
	o       *Options
	stats   *Stats
	begun   *begun
	egress  *egress
	results *results

	all  []*connection
	free []*connection
	live int // those that have no result yet
	// The scan ends: no audit opens another connection.
	closing bool
	wheel   wheel
	ready   connQueue // those with something to send that waits for the pace,
	slow    connQueue // and those that have used up their allowance
	asking  connQueue // those whose keep-alive probe waits: see doubt.go
	queue   workQueue

	random  io.Reader
	tls     *handshake.Profile
	seed    func(*connection) [32]byte // of the shares of TLS 1.3; nil: it is not offered
	keyless *handshake.Profile         // of a client that will receive nothing, used where keys exist
	clients clients
	ports   *ports
	flows   map[flow]*connection // of audits, beyond a target's first
	talks   []*starttls.Machine  // that no connection has
	pool    slab.Pool            // of the buffers of all
	state   handshake.State      // of the one whose result is made
	more    handshake.Details13
	seg     wire.Segment // that is sent
}

// init makes them ready. They name what is below them.
func (cs *connections) init(o *Options, k *clock, stats *Stats, b *begun, e *egress, res *results, p *ports) {
	cs.ports, cs.flows = p, make(map[flow]*connection)
	cs.o, cs.clock, cs.stats, cs.begun, cs.egress, cs.results = o, k, stats, b, e, res
	offer := o.TLS
	offer.Pool = &cs.pool
	offer.AllowUnverified = true // a bad certificate is a field of the result
	offer.NoSessions, offer.Verbatim = true, o.Raw
	cs.tls = handshake.NewProfile(offer)
	if offer.MaxVersion >= tlsmsg.VersionTLS13 {
		cs.seed = newSeeds().of
		cs.keyless = handshake.NewProfile(handshake.Config{Pool: &cs.pool})
	}
	cs.queue.reset()
}

// inUse is how many serve a target, even one that is done.
func (cs *connections) inUse() int { return len(cs.all) - len(cs.free) }

// hear passes a segment to a connection.
func (cs *connections) hear(c *connection, h *wire.IP, s *wire.Segment, packet link.Packet) {
	if c.session.State() == tcb.SynSent { // of an audit, a connection that is not the first
		cs.hearOpening(c, h, s, packet)
		return
	}
	c.observe(cs.arrived, h, s, packet.Data)
	if s.Flags.Has(wire.RST) && c.heard == 0 {
		c.anomalies |= anomalyResetAtOnce
	}
	if c.reported && !cs.serves(c, s) {
		cs.stats.Late++
	} else if flags, data := s.Flags, len(s.Payload) > 0; c.session.Receive(cs.now, s) {
		c.shows(flags, data)
	}
	cs.follow(c)
}

// hearOpening passes a segment to a connection that waits for its SYN-ACK. What is
// counted of the peer's stream begins with the one that TCP takes.
func (cs *connections) hearOpening(c *connection, h *wire.IP, s *wire.Segment, packet link.Packet) {
	first := *s
	if c.session.Receive(cs.now, s) {
		c.peerEnd, c.earned = first.Seq, first.Seq.Add(1)
		c.observe(cs.arrived, h, &first, packet.Data)
	}
	cs.follow(c)
}

// unreachable tells a connection of an ICMP error about a packet of ours.
func (cs *connections) unreachable(c *connection, m *wire.ICMP) {
	cs.results.heard(m)
	c.session.Unreachable(cs.now, m)
	cs.follow(c)
	cs.results.heard(nil)
}

// moved gives connections through a gateway its new link-layer address.
func (cs *connections) moved(p *routes.Path, from, to link.Hop) {
	for _, c := range cs.all {
		if c.session != nil && c.path == p && c.hop == from {
			c.hop = to
		}
	}
}

// abort makes all send a RST, as far as the pace allows now, and calls then with each.
func (cs *connections) abort(then func(*connection)) {
	for _, c := range cs.all {
		if c.session != nil {
			c.session.Abort()
			then(c)
		}
	}
}

// take gives a connection that is not in use.
func (cs *connections) take() *connection {
	if n := len(cs.free); n > 0 {
		c := cs.free[n-1]
		cs.free = cs.free[:n-1]
		return c
	}
	chunk := make([]connection, connChunk)
	for i := range chunk {
		chunk[i].index = uint32(len(cs.all))
		cs.all, cs.free = append(cs.all, &chunk[i]), append(cs.free, &chunk[i])
	}
	return cs.take()
}

// connChunk is how many connections are allocated at a time: enough to make the
// allocator's overhead small.
const connChunk = 512

// release gives a connection back. Its slot is done.
func (cs *connections) release(c *connection) {
	cs.begun.done(c.n)
	cs.recycle(c)
}

// recycleAll gives all back. Targets without a result will begin again.
func (cs *connections) recycleAll() {
	cs.queue.reset()
	cs.ready.clear()
	cs.slow.clear()
	cs.asking.clear()
	for _, c := range cs.all {
		switch {
		case c.session == nil:
			continue
		case c.reported:
			cs.begun.done(c.n)
		default:
			cs.begun.window.at(c.n).state = slotWaiting
			cs.live--
		}
		cs.recycle(c)
	}
}

// recycle gives a connection back, whatever becomes of its target.
func (cs *connections) recycle(c *connection) {
	cs.endAudit(c)
	cs.wheel.stop(c)
	if tls := c.session.TLS(); tls != nil && c.audit == nil {
		cs.clients.put(tls)
	}
	cs.giveBack(c.session.Preamble())
	c.recycle()
	cs.free = append(cs.free, c)
}
