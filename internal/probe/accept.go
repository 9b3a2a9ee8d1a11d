// Gives an accepted target its connection.

package probe

import (
	"time"

	"github.com/rawshake/rawshake/internal/facts/p0f"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// accepted is a target whose answer has proved itself.
type accepted struct {
	n       uint64
	slot    *slot
	target  Target
	path    *routes.Path
	hop     link.Hop
	iss     wire.Seq
	offset  uint32        // of our timestamps
	begin   tcb.Instant   // when the first SYN left, about
	rtt     time.Duration // negative: not known
	crossed *crossedSYN   // the SYN that came before the ACK; nil: the target answered by a SYN-ACK
}

// accept gives a target a connection, with the segment that has come.
func (cs *connections) accept(a *accepted, h *wire.IP, s *wire.Segment, packet link.Packet) {
	c := cs.take()
	c.n, c.target, c.local, c.path, c.hop = a.n, a.target, s.DstPort, a.path, a.hop
	c.begin, c.rtt = a.begin, a.rtt
	c.syns, c.anomalies, c.kernelSent = a.slot.tries, a.slot.anomalies, a.slot.flags&slotKernelRST != 0
	c.limit = cs.now.Add(cs.o.Timeout)
	c.allowance = firstAllowance
	c.last.Set(cs.arrived.Sub(c.begin), packet.Data)
	c.reach(record.StepAnswer)
	a.slot.state, a.slot.conn = slotConnected, c.index
	cs.live++
	if a.crossed != nil {
		cs.openBoth(c, a, h, s, packet)
	} else {
		cs.open(c, a, h, s)
	}
	cs.follow(c)
}

// open begins a connection with a SYN-ACK.
func (cs *connections) open(c *connection, a *accepted, h *wire.IP, s *wire.Segment) {
	c.answer = record.Answer{TTL: h.HopLimit, IPID: uint16(h.Fragment.ID), Window: s.Window, Options: s.Options, Quirks: p0f.Of(h, s),
		Flags: s.Flags, Mark: h.ECN(), Len: int32(len(s.Payload)), Bytes: len(s.Payload)}
	if h.Version == 4 {
		c.answer.IPOptions = uint8(h.HeaderLen() - wire.IPv4HeaderLen)
	}
	cs.bare(c, s)
	if len(s.Payload) > 0 {
		c.anomalies |= anomalySYNData
	}
	cs.start(c, a, s)
}

// openBoth begins one with the ACK that follows a target's SYN.
func (cs *connections) openBoth(c *connection, a *accepted, h *wire.IP, s *wire.Segment, packet link.Packet) {
	syn := a.crossed
	c.answer = record.Answer{TTL: syn.ttl, IPID: syn.ipID, Window: syn.seg.Window, Options: syn.seg.Options, Crossed: true}
	c.rtt = syn.rtt
	cs.start(c, a, &syn.seg)
	c.observe(cs.arrived, h, s, packet.Data)
	c.session.Receive(cs.now, s)
}

// start gives a connection its machine, and the machine the target's answer to our SYN.
func (cs *connections) start(c *connection, a *accepted, s *wire.Segment) {
	c.peerEnd, c.earned = s.End(), s.Seq.Add(1)
	c.tcp.Reset(c.path.Profile(cs.o.Timeout, &cs.pool), tcb.Identity{LocalPort: c.local, RemotePort: c.target.Port, ISS: a.iss, TimestampOffset: a.offset})
	if cs.o.AuditConnections > 0 {
		cs.beginAudit(c)
	}
	c.machine.Reset(&c.tcp, c.audit.client())
	c.session = &c.machine
	if cs.o.Preamble != nil && cs.o.Goal != GoalTCP {
		c.session.Precede(cs.preamble(c))
	}
	c.session.Open(cs.now)
	c.session.Receive(cs.now, s)
}
