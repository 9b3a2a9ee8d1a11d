// SYN out, SYN-ACK in, and what the two sides agree on.

package tcb

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Open starts an active open: a SYN is due (RFC 9293, section 3.10.1). It
// does nothing unless the connection is new.
func (c *Conn) Open(now Instant) {
	if c.state != Closed || c.over {
		return
	}
	c.snd.since = now
	c.startSYN(SynSent)
}

// fillSYN makes s our SYN, or in SYN-RECEIVED our SYN-ACK.
func (c *Conn) fillSYN(now Instant, s *wire.Segment) {
	s.Seq = c.id.ISS
	s.Flags = wire.SYN
	s.Window = c.cfg.SYNWindow // never scaled (RFC 7323, section 2.2)
	if c.state == SynReceived {
		s.Flags |= wire.ACK
		s.Ack = c.rcv.nxt
		c.promise(int(s.Window))
	}
	c.synECN(s)
	for _, o := range c.cfg.SYNOptions {
		c.addSYNOption(now, s, o)
	}
	c.snd.nxt = later(c.snd.nxt, c.id.ISS.Add(1))
	c.out.syn, c.out.ack = false, false
}

func (c *Conn) addSYNOption(now Instant, s *wire.Segment, o wire.Option) {
	answer := c.state == SynReceived // what was not offered must not be answered
	switch {
	case answer && (o.Kind == wire.OptTimestamps && !c.ts.on ||
		o.Kind == wire.OptWindowScale && !c.scaling ||
		o.Kind == wire.OptSACKPermitted && !c.sack):
	case o.Data != nil:
		s.Options.Add(o.Kind, o.Data...)
	case o.Kind == wire.OptMSS:
		s.Options.AddMSS(c.cfg.MSS)
	case o.Kind == wire.OptWindowScale:
		s.Options.AddWindowScale(c.ownScale())
	case o.Kind == wire.OptTimestamps:
		s.Options.AddTimestamps(c.tsVal(now), c.ts.recent)
	default:
		s.Options.Add(o.Kind)
	}
}

// synOption returns our SYN's option of a kind.
func (c *Conn) synOption(kind wire.OptionKind) (wire.Option, bool) {
	for _, o := range c.cfg.SYNOptions {
		if o.Kind == kind {
			return o, true
		}
	}
	return wire.Option{}, false
}

// ownScale returns the window scale that we announce: the smallest that can
// express the whole receive buffer, unless the caller chose one.
func (c *Conn) ownScale() uint8 {
	if o, _ := c.synOption(wire.OptWindowScale); len(o.Data) == 1 {
		return min(o.Data[0], wire.MaxWindowScale)
	}
	scale := uint8(0)
	for c.cfg.ReceiveBuffer>>scale > 0xffff {
		scale++
	}
	return scale
}

// agree takes from the peer's SYN what both sides will use, such as its MSS
// (RFC 9293, section 3.7.1, MUST-14), and its initial sequence number.
func (c *Conn) agree(now Instant, s *wire.Segment) {
	c.rcv.nxt = s.Seq.Add(1)                         // IRS and its SYN
	c.rcv.edge = c.rcv.nxt.Add(int(c.cfg.SYNWindow)) // our SYN offered it
	c.snd.mss = int(c.cfg.PeerMSS)
	if mss, ok := s.Options.MSS(); ok {
		c.snd.mss = max(int(mss), minMSS)
	}
	if shift, ok := s.Options.WindowScale(); ok && c.offers(wire.OptWindowScale) {
		c.scaling = true
		c.snd.scale = min(shift, wire.MaxWindowScale) // RFC 7323, section 2.3
		c.rcv.scale = c.ownScale()
	}
	if val, _, ok := s.Options.Timestamps(); ok && c.offers(wire.OptTimestamps) {
		c.ts.on = true
		c.ts.heard(val, now)
	}
	c.sack = s.Options.SACKPermitted() && c.offers(wire.OptSACKPermitted)
	c.reno = newReno(c.segmentSize())
	c.agreeECN(s)
}

func (c *Conn) offers(kind wire.OptionKind) bool {
	_, ok := c.synOption(kind)
	return ok
}

// minMSS is the smallest MSS that we believe: what the narrowest IPv4 path
// takes, of 68 octets. Anything less could make us send packets that are nearly
// all header.
const minMSS = minMTU - wire.IPv4HeaderLen - wire.TCPHeaderLen

// receiveSynSent processes a segment in SYN-SENT (RFC 9293, section 3.10.7.3).
func (c *Conn) receiveSynSent(now Instant, s *wire.Segment) (accepted bool) {
	acks := s.Flags.Has(wire.ACK)
	switch {
	case acks && (s.Ack != c.snd.nxt || !c.id.ISS.Less(s.Ack)):
		c.drop(s, "it acknowledges what was never sent")
		if !s.Flags.Has(wire.RST) {
			c.reset(s.Ack, "a segment acknowledged what was never sent")
		}
		return false
	case s.Flags.Has(wire.RST) && !acks:
		c.drop(s, "RST without an acknowledgment of our SYN")
		return false
	case s.Flags.Has(wire.RST):
		emit(c, ResetReceived{State: c.state})
		c.end(fmt.Errorf("%w: the peer answered our SYN with a RST", ErrRefused))
	case !s.Flags.Has(wire.SYN):
		c.drop(s, "neither SYN nor RST, while waiting for a SYN-ACK")
		return false
	case acks:
		c.agree(now, s)
		c.synAcked(now, s)
		c.out.ack, c.out.bare = true, !c.cfg.DataOnACK || c.ecn != nil && c.ecn.handshake
		c.receiveText(now, s)
	default:
		c.openedFromBothSides(now, s)
	}
	return true
}

// openAgain sends our SYN again right after the RST. The peer still had an
// earlier connection, as its challenge ACK (RFC 5961, section 4.2) or old
// SYN-ACK shows; the RST has ended that, so that the peer can take the SYN. It
// happens once: after a second wrong answer the SYN waits for its timeout.
func (c *Conn) openAgain() {
	if c.snd.tries > 0 || c.snd.corrected || c.cfg.SYNTries == 1 {
		return
	}
	c.snd.corrected = true
	c.snd.timing = false // with two SYNs it is not known which is answered
	c.timers.stop(timerRetransmit)
	c.out.syn = true
	emit(c, Retransmitted{Seq: c.id.ISS, Len: 1, Attempt: 1, What: "SYN", Why: becauseReset.String()})
}

// openedFromBothSides is a simultaneous open: the peer's SYN crossed ours (RFC
// 9293, section 3.5, MUST-10). Octets on it are ignored; the peer sends them
// again.
func (c *Conn) openedFromBothSides(now Instant, s *wire.Segment) {
	c.agree(now, s)
	c.setWindow(s, 0)
	c.out.syn = true
	c.snd.timing, c.snd.corrected = false, true // an acknowledgment may be of either SYN
	c.enter(SynReceived)
}

// synAcked notes that the peer has acknowledged our SYN, which establishes the
// connection.
func (c *Conn) synAcked(now Instant, s *wire.Segment) {
	if c.out.syn { // our SYN-ACK has not left, and an ACK will do in its place
		c.out.syn, c.out.ack = false, true
	}
	c.snd.una = c.id.ISS.Add(1)
	c.snd.loss.clear(c.snd.una)
	c.timers.stop(timerRetransmit)
	if c.snd.tries > 0 {
		c.reno.lostSYN()
	}
	c.synRTT(now, s)
	c.snd.tries, c.snd.waiting, c.snd.timing = 0, false, false
	c.setWindow(s, c.snd.scaleOf(s))
	c.heard(now)
	c.enter(Established)
	if c.snd.fin {
		c.enter(FinWait1)
	}
}

// synRTT takes the round trip of the handshake. If the SYN was sent twice it is
// ambiguous (Karn), and if the caller sent it it is not known, unless a
// timestamp tells which one was answered and when it was sent.
func (c *Conn) synRTT(now Instant, s *wire.Segment) {
	rtt, ok := now.Sub(c.snd.last), c.snd.timing && c.snd.tries == 0
	if !ok {
		rtt, ok = c.tsRTT(now, s)
	}
	switch {
	case ok:
		c.handshakeRTT = rtt
		c.shortestRTT(rtt)
		c.measured(rtt)
	case c.snd.tries > 0:
		// RFC 6298, (5.7): a lost SYN says that the first guess may be too short.
		c.rtt.rto = min(max(rtoAfterLostSYN, c.cfg.MinRTO), c.cfg.MaxRTO)
	}
}

// measured adds a round trip to the estimate.
func (c *Conn) measured(rtt time.Duration) {
	c.rtt.measure(rtt)
	c.snd.loss.probe.sample = true
	emit(c, RTTMeasured{RTT: rtt, SRTT: c.rtt.srtt, RTTVAR: c.rtt.rttvar, RTO: c.rtt.rto})
}
