// Whether anybody is behind a SYN-ACK that promises little.

package probe

import (
	"time"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A SYN proxy, or a middlebox that answers every port, sends a SYN-ACK without a host
// behind it: with a closed window, since it could pass on no data yet, or without
// options, since it does not know those of the host. Some hosts send such a SYN-ACK too.
// If no more than the connection is asked for, somebody has to show behind our ACK: by
// data, by an ACK that opens the window, or by the answer to a keep-alive probe (RFC 9293,
// section 3.8.4), which a host that knows the connection owes us.

// A doubt is what is known of who is behind a SYN-ACK. Its low bits count the keep-alive
// probes that have left.
type doubt uint8

const (
	doubtBare   doubt = 1 << 7 // the SYN-ACK has a closed window, or no options
	doubtOpened doubt = 1 << 6 // our ACK has left
	doubtBehind doubt = 1 << 5 // something came behind it that only a host sends
	doubtAsks   doubt = 1 << 4 // a probe waits for the pace
	doubtAsked  doubt = 1<<4 - 1
)

const (
	// maxAsks is how many keep-alive probes a host gets in which nobody shows.
	maxAsks = 3
	// doubtAllowance replaces firstAllowance: the ACK. What the peer provokes beyond it,
	// by its SYN-ACK again, is among what serves no target.
	doubtAllowance = 1
	// asksTurn bounds the probes of a turn beyond their share.
	asksTurn = 64
)

// askGap is how long after our ACK, or a probe, the next thing is done: probes leave after
// an eighth, a quarter and half of the timeout, and its end decides. So it is where they
// need not wait for the pace.
func (o *Options) askGap(asked doubt) time.Duration {
	return o.Timeout / 8 << max(int(asked)-1, 0)
}

// inDoubt reports whether nobody has shown behind the SYN-ACK, and somebody has to.
func (c *connection) inDoubt() bool {
	return c.doubt&(doubtBare|doubtBehind) == doubtBare && c.audit == nil
}

// nothingBehind reports whether nothing came behind our ACK, though a host would have
// answered what we sent.
func (c *connection) nothingBehind() bool {
	return c.doubt&(doubtBare|doubtBehind) == doubtBare && (c.doubt&doubtAsked > 0 || c.session.TCP().Unacked() > 0)
}

// noteNothing notes, of a connection whose time is over, that nothing came behind our ACK.
func (cs *connections) noteNothing(c *connection) {
	if c.nothingBehind() {
		c.anomalies |= anomalyNothing
	}
}

// bare notes whether a SYN-ACK promises little.
func (cs *connections) bare(c *connection, s *wire.Segment) {
	switch goal.BareSYNACK(s.Window, &s.Options) {
	case "":
		return
	case goal.BareWindow:
		c.anomalies |= anomalyZeroWindow
	case goal.BareOptions:
		c.anomalies |= anomalyNoOptions
	default:
		c.anomalies |= anomalyZeroWindow | anomalyNoOptions
	}
	if c.anomalies&anomalyCrossed != 0 {
		return // it has answered our SYN-ACK
	}
	c.doubt = doubtBare
	if cs.o.Goal == GoalTCP && cs.o.AuditConnections == 0 {
		c.allowance = doubtAllowance
	}
}

// left notes that a segment of a doubtful connection has left: first of all the ACK.
func (cs *connections) left(c *connection) {
	if c.doubt&doubtOpened == 0 && cs.seg.Flags.Has(wire.ACK) {
		c.doubt |= doubtOpened
		if cs.o.Goal == GoalTCP && c.inDoubt() {
			c.limit = cs.now.Add(cs.o.askGap(0))
		}
	}
}

// shows notes that a segment which TCP took came from somebody behind the SYN-ACK. A FIN
// alone does not: what gives up at once serves nobody.
func (c *connection) shows(flags wire.Flags, data bool) {
	if flags.Any(wire.RST | wire.SYN) {
		return
	}
	if data || !flags.Has(wire.FIN) || !c.session.EOF() {
		c.doubt |= doubtBehind
	}
}

// ask has a doubtful connection send its next keep-alive probe when the pace has room,
// and reports false if it has sent all.
func (cs *connections) ask(c *connection) bool {
	switch {
	case c.doubt&doubtOpened == 0, c.doubt&doubtAsks != 0: // it waits for us, not for the peer
	case c.doubt&doubtAsked >= maxAsks:
		return false
	default:
		c.doubt |= doubtAsks
		cs.asking.push(c)
	}
	c.limit = cs.now.Add(cs.o.Timeout)
	return true
}

// sendAsks sends keep-alive probes within their share of the rate.
func (cs *connections) sendAsks() {
	for cs.asking.len() > 0 && cs.egress.pace.May() && cs.egress.asks.May() {
		if cs.sendAsk(cs.asking.pop()) {
			cs.egress.asks.Spend()
		}
	}
}

// sendMoreAsks sends as many as nobody else has packets for: new targets go first.
func (cs *connections) sendMoreAsks() {
	for n := min(cs.asking.len(), asksTurn); n > 0 && cs.egress.mayBegin(); n-- {
		cs.sendAsk(cs.asking.pop())
	}
}

// sendAsk sends a connection's probe, if it is still the one that asks, and reports
// whether it did.
func (cs *connections) sendAsk(c *connection) bool {
	if c.doubt&doubtAsks == 0 || c.reported || c.session.State() != tcb.Established {
		return false
	}
	c.doubt &^= doubtAsks
	if !c.tcp.KeepAliveProbe(cs.now, &cs.seg) {
		return false
	}
	c.doubt++
	cs.egress.sendSegment(c.path, c.hop, c.target.Addr, &cs.seg, c.session.MayFragment())
	c.limit = cs.now.Add(cs.o.askGap(c.doubt & doubtAsked))
	cs.sendOn(c)
	return true
}
