// ICMP errors about our SYNs.

package probe

import (
	"fmt"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// unreachable takes an ICMP error about our SYN.
func (sy *syns) unreachable(n uint64, slot *slot, m *wire.ICMP, packet link.Packet) {
	// One that does not quote our sequence number is forged (RFC 5927,
	// section 4.1).
	if iss, _ := sy.mac.Sequence(m.Quoted.Dst, m.DstPort, m.SrcPort); m.Seq != wire.Seq(iss) || m.Kind() == wire.KindTooBig {
		sy.stats.Stray++
		return
	}
	if !tcb.HardError(m) && sy.keepSoft(n, slot, m, packet) {
		return
	}
	t := sy.begun.source.At(n)
	sy.results.heard(m)
	sy.refused(n, slot, &t, record.OutcomeUnreachable, fmt.Sprintf("%v said %v", m.From, m), packet)
}

// A softError is an ICMP error about a target that may be temporary (RFC 1122, section
// 4.2.3.9): our SYNs go on, and it is the reason if nobody answers.
type softError struct {
	icmp record.ICMP
	kept record.Packet
}

// keepSoft keeps a target's last one, if there is room.
func (sy *syns) keepSoft(n uint64, slot *slot, m *wire.ICMP, packet link.Packet) bool {
	e := sy.soft[n]
	if e == nil {
		if len(sy.soft) >= maxEvidence {
			return false
		}
		e = new(softError)
		sy.soft[n] = e
	}
	e.icmp = *told(m)
	e.kept.Set(sy.arrived.Sub(sy.firstAt(slot)), packet.Data)
	return true
}
