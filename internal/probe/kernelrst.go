// RSTs that this machine's own kernel sent from our address and port, because a
// firewall rule answered or the guard does not hold. Such a RST ends the
// connection at the target, whose own RST in answer to our next segment then
// says nothing about the target.

package probe

import (
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// kernelSent notes such a RST, and prevents further ones if this machine allows that.
func (r *receiver) kernelSent(p *routes.Path) {
	h, s := &r.in.IP, &r.in.Segment
	if c := r.connections.flowOf(p, h.Dst, s.DstPort, s.SrcPort); c != nil {
		if s.Seq.InWindow(c.audit.iss+1, syn.ReceiveBuffer) {
			c.kernelSent = true
			r.stats.KernelRSTs++
			r.ports.guardBetter()
		}
		return
	}
	n, ok := r.begun.find(p.Route.Interface, &h.Dst, s.DstPort, s.SrcPort-p.First)
	if !ok || !r.begun.window.holds(n) {
		return
	}
	// One that answers what somebody else sent in the target's name has another
	// sequence number.
	if iss, _ := r.syns.mac.Sequence(h.Dst, s.DstPort, s.SrcPort); !s.Seq.InWindow(wire.Seq(iss)+1, syn.ReceiveBuffer) {
		return
	}
	switch slot := r.begun.window.at(n); {
	case slot.state == slotConnected && r.connections.all[slot.conn].local == s.SrcPort && !r.connections.all[slot.conn].reported:
		r.connections.all[slot.conn].kernelSent = true
	case slot.state == slotWaiting:
		slot.flags |= slotKernelRST
	default:
		return
	}
	r.stats.KernelRSTs++
	r.ports.guardBetter()
}

// afterKernelRST is added to the error of a target after a RST of this machine's kernel.
const afterKernelRST = "this machine's kernel had sent a RST of its own"

// resetOf is what is known of the RST that a packet brought.
func (c *connection) resetOf(h *wire.IP) record.Reset {
	r := record.Reset{TTL: h.HopLimit, IPID: uint16(h.Fragment.ID), FromHost: c.fits(h), Known: c.path.Witness}
	if c.kernelSent {
		r.KernelSent, r.Known = true, false
	}
	return r
}
