// A target may answer our SYN by a SYN of its own, as in a simultaneous open
// (RFC 9293, section 3.5) and a split handshake. That SYN proves nothing, since
// its sender need not have seen ours: it draws at most one SYN-ACK for each SYN
// of ours, and takes no memory of a connection. The connection begins with the
// ACK that follows, which proves itself as a SYN-ACK does.

package probe

import (
	"time"

	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A crossedSYN is such a SYN, kept until then.
type crossedSYN struct {
	seg  wire.Segment
	ttl  uint8
	ipID uint16
	rtt  time.Duration // from our SYN to it, negative: not known
}

// maxCrossed bounds how many are kept.
const maxCrossed = 1 << 12

// crosses takes a target's SYN; the last one counts.
func (sy *syns) crosses(n uint64, slot *slot, h *wire.IP, s *wire.Segment, offset uint32, packet link.Packet) {
	kept := sy.crossed[n]
	if kept == nil {
		if len(sy.crossed) >= maxCrossed {
			sy.stats.Stray++
			return
		}
		kept = new(crossedSYN)
		sy.crossed[n] = kept
	}
	*kept = crossedSYN{seg: *s, ttl: h.HopLimit, ipID: uint16(h.Fragment.ID), rtt: sy.rtt(slot, s, offset)}
	kept.seg.Payload = nil // the peer will send it again
	slot.anomalies |= anomalyCrossed
	sy.keepEvidence(n, slot, packet)
	sy.owe(slot, owed{n: n, crossed: true})
}

// answerTo makes the SYN-ACK that answers a target's SYN, by a machine.
func (sy *syns) answerTo(kept *crossedSYN, p *routes.Path, t *Target, local uint16) (s wire.Segment) {
	iss, offset := sy.mac.Sequence(t.Addr, t.Port, local)
	var c tcb.Conn
	c.Reset(p.Profile(sy.o.Timeout, sy.pool), tcb.Identity{LocalPort: local, RemotePort: t.Port, ISS: wire.Seq(iss), TimestampOffset: offset})
	c.Open(sy.now)
	c.Receive(sy.now, &kept.seg)
	c.Next(sy.now, &s)
	c.Release()
	return s
}
