// How much is sent during fast recovery: Proportional Rate Reduction (RFC 9937,
// which obsoletes RFC 6937).

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// hasArrived returns a count of the octets that are known to have arrived, for the
// difference between two of them.
func (c *Conn) hasArrived() wire.Seq { return c.snd.una.Add(int(c.snd.loss.board.sacked)) }

// reduceRate sets cwnd during fast recovery, after an acknowledgment that says
// that so many octets more have arrived. Without SACK that is not known, and
// cwnd stays as RFC 6582 has it.
func (c *Conn) reduceRate(delivered int, safe bool) {
	l := &c.snd.loss
	if !l.recovering || !c.sack {
		return
	}
	if l.prr.delivered == 0 && l.prr.out == 0 {
		l.prr.flight += int32(delivered) // which were in flight when it began
	}
	c.reno.cwnd = l.prr.window(delivered, c.inNetwork(), c.reno.ssthresh, c.reno.mss, safe)
}

// prr counts what a recovery has delivered and sent, in octets.
type prr struct {
	flight    int32 // RecoverFS: what was in flight when it began
	delivered int32 // prr_delivered
	out       int32 // prr_out
}

// begin starts a recovery with that many octets in flight, without those that
// were acknowledged selectively before.
func (p *prr) begin(flight int) { *p = prr{flight: int32(max(1, flight))} }

// window returns cwnd for an acknowledgment that says that so many octets more
// have arrived, where pipe are in flight. While there are more than ssthresh, as
// much is sent for each octet that arrives as cwnd is reduced by. Then what has
// arrived may be sent, and a segment more if the acknowledgment is safe: it
// moves SND.UNA, and tells of no further loss. The first one sends a segment in
// any case.
func (p *prr) window(delivered, pipe, ssthresh, mss int, safe bool) int {
	p.delivered += int32(delivered)
	var n int
	if pipe > ssthresh {
		n = int((int64(p.delivered)*int64(ssthresh)+int64(p.flight)-1)/int64(p.flight)) - int(p.out)
	} else {
		n = max(int(p.delivered-p.out), delivered)
		if safe {
			n += mss
		}
		n = min(ssthresh-pipe, n)
	}
	if p.out == 0 && n <= 0 {
		n = mss
	}
	return pipe + max(0, n)
}
