// The connections of an audit: from which of our ports each leaves, and whose a packet is.

package probe

import (
	"encoding/binary"
	"net/netip"

	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A flow is a connection of an audit that is not its target's first.
type flow struct {
	remote netip.AddrPort
	local  uint16
}

func (c *connection) flow() flow {
	return flow{netip.AddrPortFrom(c.target.Addr, c.target.Port), c.local}
}

// nextPort goes on to the next of our ports from which nothing else is under way to the
// same address and port: it may be listed under several names.
func (cs *connections) nextPort(c *connection) {
	for range cs.ports.count {
		c.local = c.path.First + (c.local-c.path.First+1)%cs.ports.count
		n, begun := cs.begun.source.Find(c.target.Addr, c.target.Port, c.local-c.path.First)
		other := begun && n != c.n && cs.begun.window.holds(n) && cs.begun.window.at(n).state != slotDone
		if !other && cs.flows[c.flow()] == nil {
			return
		}
	}
}

// openNext opens the next connection, from the next of our ports.
func (cs *connections) openNext(c *connection) {
	c.audit.stage = auditAsks
	cs.nextPort(c)
	cs.flows[c.flow()] = c
	c.tcp.Release()
	var iss [8]byte
	cs.random.Read(iss[:])
	c.audit.iss = wire.Seq(binary.BigEndian.Uint32(iss[:]))
	c.tcp.Reset(c.path.Opening(cs.o.Timeout, &cs.pool), tcb.Identity{LocalPort: c.local, RemotePort: c.target.Port,
		ISS: c.audit.iss, TimestampOffset: binary.BigEndian.Uint32(iss[4:])})
	cs.giveBack(c.session.Preamble())
	c.machine.Reset(&c.tcp, c.audit.client())
	if cs.o.Preamble != nil {
		c.machine.Precede(cs.preamble(c))
	}
	c.allowance, c.heard, c.wasReset = firstAllowance, 0, false
	c.earned, c.peerEnd = c.tcp.ReceiveNext(), c.tcp.ReceiveNext()
	c.limit = cs.now.Add(cs.o.Timeout)
	c.session.Open(cs.now)
	cs.follow(c)
}

// endFlow forgets a connection's ports.
func (cs *connections) endFlow(c *connection) {
	if cs.flows[c.flow()] == c {
		delete(cs.flows, c.flow())
	}
}

// endAudits gives up what is left at the end of a scan.
func (cs *connections) endAudits() {
	for _, c := range cs.all {
		cs.endAudit(c)
	}
}

// endAudit gives up what an audit has.
func (cs *connections) endAudit(c *connection) {
	if c.audit != nil {
		cs.endFlow(c)
		c.audit.machine.Stop("the scan has ended")
	}
}

// flowOf finds the connection of an audit that a packet of a path belongs to, or is
// about; or nil. The address gets the zone that the target has, as begun.find has it.
func (cs *connections) flowOf(p *routes.Path, peer netip.Addr, remote, local uint16) *connection {
	if len(cs.flows) == 0 {
		return nil
	}
	c := cs.flows[flow{netip.AddrPortFrom(peer, remote), local}]
	if c == nil && peer.Is6() && cs.begun.source.Zoned() {
		c = cs.flows[flow{netip.AddrPortFrom(peer.WithZone(p.Route.Interface), remote), local}]
	}
	if c == nil || c.path != p {
		return nil
	}
	return c
}

// portInUse reports whether an audit uses a port of ours to an address and port.
func (cs *connections) portInUse(a netip.Addr, remote, local uint16) bool {
	return cs.flows[flow{netip.AddrPortFrom(a, remote), cs.ports.first + local}] != nil
}
