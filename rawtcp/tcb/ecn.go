// Explicit congestion notification: what is agreed on, and what our segments say.
// Classic ECN is RFC 3168's (RFC 9293, SHLD-8), accurate ECN RFC 9768's.

package tcb

import (
	"fmt"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// ecnState is what a connection knows of ECN. In RFC 9768's terms received is r.cep, and
// told s.cep.
type ecnState struct {
	mode     wire.ECNMode // what both sides agreed on
	arrived  wire.ECN     // of the peer's SYN or SYN-ACK
	received uint32       // packets marked CE that have arrived, and firstMarks
	told     uint32       // those of ours, as the peer tells, and firstMarks
	since    uint8        // marks that have arrived since our last segment
	rounds   uint8        // that were watched for marks on every packet
	reduced  wire.Seq     // the window was reduced for what was sent before
	roundEnd wire.Seq     // the round that is watched ends here

	capable   bool // new data is sent as ECN-capable
	deaf      bool // what the peer tells is not believed
	heard     bool // it has told something after the handshake
	last      bool // the packet before was marked
	synMarked bool // a SYN-ACK arrived marked, and is counted
	handshake bool // the next pure ACK tells how the SYN-ACK arrived
	echo      bool // classic: tell of marks until the peer says that it has reduced
	answer    bool // classic: say that we have reduced
	unmarked  bool // in this round a packet came through without a mark
}

const (
	// firstMarks is what both counts of accurate ECN begin with (RFC 9768, section
	// 3.2.1).
	firstMarks = 5
	// ecnTries is how many SYNs, or SYN-ACKs, speak of ECN, before one may pass that
	// does not (RFC 9768, section 3.1.4.1; RFC 3168, section 6.1.1.1).
	ecnTries = 2
)

// An ECNReport is what a connection knows of congestion marks.
type ECNReport struct {
	Mode     wire.ECNMode // what both sides agreed on
	Arrived  wire.ECN     // how the peer's SYN or SYN-ACK arrived
	Received int          // packets that arrived with a mark; in accurate mode alone
	Told     int          // marks of ours that the peer has told of; in accurate mode alone
	Capable  bool         // new data is sent as ECN-capable
}

// ECN returns what is known of congestion marks. It may change in Receive.
func (c *Conn) ECN() ECNReport {
	e := c.ecn
	if e == nil {
		return ECNReport{}
	}
	r := ECNReport{Mode: e.mode, Arrived: e.arrived, Capable: e.capable}
	if e.mode == wire.ECNAccurate {
		r.Received, r.Told = int(e.received-firstMarks), int(e.told-firstMarks)
	}
	return r
}

// agreeECN takes the flags of the peer's SYN, or of its SYN-ACK (RFC 9768, section 3.1).
// The mode never changes after the first of them.
func (c *Conn) agreeECN(s *wire.Segment) {
	mode, synArrived := c.asked(s), wire.NotECT
	if s.Flags.Has(wire.ACK) {
		mode, synArrived = c.answered(s)
	}
	if mode == wire.ECNNone {
		return
	}
	e := &ecnState{mode: mode, arrived: s.ECN, received: firstMarks, told: firstMarks, reduced: c.id.ISS, roundEnd: c.id.ISS}
	// Who has sent a SYN without ECN must not use classic ECN (RFC 3168, section 6.1.1).
	e.capable = mode == wire.ECNAccurate || c.snd.tries < ecnTries
	c.ecn = e
	emit(c, ECNAgreed{Mode: mode, Arrived: s.ECN})
	if mode == wire.ECNAccurate && s.Flags.Has(wire.ACK) {
		e.handshake = true
		e.synACKMarked(s.ECN)
		c.ourSYNArrived(synArrived)
	}
}

// synACKMarked counts a mark on a SYN-ACK: once, however often that comes (RFC 9768,
// section 3.2.2.2).
func (e *ecnState) synACKMarked(as wire.ECN) {
	if as == wire.CE && !e.synMarked {
		e.synMarked = true
		e.received++
	}
}

// asked returns what the peer's SYN asks for, as far as we take part in it (RFC 9768,
// sections 3.1.2 and 3.1.3).
func (c *Conn) asked(s *wire.Segment) wire.ECNMode {
	offer := s.Flags & wire.ECNFlags
	switch {
	case c.cfg.ECN == wire.ECNNone, offer == 0:
		return wire.ECNNone
	case offer == wire.CWR|wire.ECE:
		return wire.ECNClassic
	case c.cfg.ECN == wire.ECNAccurate:
		return wire.ECNAccurate // also flags that mean something newer
	case offer == wire.ECNFlags:
		return wire.ECNClassic // to which the third flag means nothing
	}
	return wire.ECNNone
}

// askedAgain takes the peer's SYN where it comes again. It reports whether that asks for
// the other kind of ECN, for which the connection is ended: no host could know which one
// both have agreed on. Otherwise the mode stays; but a host that was asked without ECN
// once never sends ECN-capable packets (RFC 9768, section 3.1.5).
func (c *Conn) askedAgain(s *wire.Segment) (ended bool) {
	e := c.ecn
	if e == nil || !c.passive || c.state != SynReceived || s.Seq.Add(1) != c.rcv.nxt || !s.Flags.Has(wire.SYN) || s.Flags.Any(wire.ACK|wire.RST) {
		return false
	}
	e.arrived = s.ECN
	switch c.asked(s) {
	case e.mode:
		return false
	case wire.ECNNone:
		e.capable = false
		return false
	}
	c.reset(c.snd.nxt, "the peer's SYN came again, and asks for another kind of ECN")
	c.end(fmt.Errorf("%w: the peer asked for both kinds of ECN", ErrReset))
	return true
}

// answered returns what a SYN-ACK takes up of what our SYN asked for, and how that
// arrived.
func (c *Conn) answered(s *wire.Segment) (mode wire.ECNMode, arrived wire.ECN) {
	switch answer, arrived := s.Flags.ECN(); {
	case c.cfg.ECN == wire.ECNNone, answer == wire.ECNReflected:
		return wire.ECNNone, 0
	case c.cfg.ECN == wire.ECNClassic:
		if s.Flags&(wire.CWR|wire.ECE) == wire.ECE {
			return wire.ECNClassic, 0
		}
		return wire.ECNNone, 0
	case answer == wire.ECNNonce: // reserved: as if our SYN had arrived unchanged
		return wire.ECNAccurate, wire.NotECT
	default:
		return answer, arrived
	}
}

// ourSYNArrived takes how our SYN, or SYN-ACK, arrived, which left without a codepoint.
// If that has changed the path is not to be trusted with more (RFC 9768, section
// 3.2.2.3). A mark is believed all the same.
func (c *Conn) ourSYNArrived(as wire.ECN) {
	if as == wire.NotECT {
		return
	}
	c.mangled("a packet that was not ECN-capable arrived as " + as.String())
	if as == wire.CE {
		c.reno.lostSYN()
	}
}

// mangled ends the sending of ECN-capable packets.
func (c *Conn) mangled(why string) {
	if c.ecn.capable {
		c.ecn.capable = false
		emit(c, ECNMangled{Why: why})
	}
}

// synECN adds the flags of our SYN or SYN-ACK.
func (c *Conn) synECN(s *wire.Segment) {
	e, falls := c.ecn, c.snd.tries >= ecnTries
	switch {
	case e == nil && c.state == SynSent && !falls:
		s.Flags |= c.cfg.ECN.ECNFlags()
	case e == nil:
	case falls: // a server's data must not be then (RFC 9768, section 3.1.5)
		e.capable = false
	case e.mode == wire.ECNClassic:
		s.Flags |= wire.ECE
	case e.mode == wire.ECNAccurate:
		s.Flags |= e.arrived.Arrival()
	}
}

// addECN adds to a segment other than a SYN or RST what ECN has to say, and marks new
// data as ECN-capable. What is sent again is not, nor are window probes (RFC 3168,
// sections 6.1.5 and 6.1.6).
func (c *Conn) addECN(s *wire.Segment) {
	e := c.ecn
	if e == nil || s.Flags.Has(wire.SYN) {
		return
	}
	fresh := len(s.Payload) > 0 && c.snd.nxt.LessEq(s.Seq)
	probe := c.snd.una.Add(int(c.snd.wnd)).Less(s.Seq.Add(len(s.Payload)))
	if fresh && e.capable && !probe {
		s.ECN = wire.ECT0
	}
	_, sacks := s.Options.SACK()
	switch {
	case e.mode == wire.ECNClassic:
		if e.echo {
			s.Flags |= wire.ECE
		}
		if fresh && e.answer {
			s.Flags |= wire.CWR
			e.answer = false
		}
	case e.handshake && s.Len() == 0 && sacks == 0:
		s.Flags |= e.arrived.Arrival()
		e.handshake = false
	default:
		s.Flags |= wire.ACE(uint8(e.received))
	}
	e.since = 0
}
