// The transmission control block, and questions to it.

package tcb

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Conn is one connection's transmission control block. It is made by [New] or
// [Accept]. It is for one goroutine at a time.
type Conn struct {
	cfg    *Config // the profile's: must not be written to
	id     Identity
	unsent int32 // Unacked when the connection ended
	err    error
	state  State
	over   bool // the connection has ended, or was closed before it began

	finLost bool // when the connection ended, unsent counted a FIN

	passive    bool // the peer's SYN began it
	sack       bool // both SYNs permitted SACK
	scaling    bool // both SYNs carried a window scale
	readClosed bool // Close was called: nobody reads any more

	timers timers
	rtt    rttEstimator
	reno   reno
	snd    sendSide
	rcv    receiveSide
	ts     timestamps
	limit  challengeState
	alive  keepAliveState
	path   pathState
	out    outbox

	lastAck wire.Seq  // Last.ACK.sent (RFC 7323, section 4.3)
	ecn     *ecnState // nil: not agreed on

	handshakeRTT time.Duration // negative while not known
	icmp         string        // the last soft ICMP error, for the final error's text
}

// sendSide is the send sequence space (RFC 9293, section 3.3.1), and what is
// queued to be sent.
type sendSide struct {
	una, nxt wire.Seq // SND.UNA, SND.NXT: the end of what was ever sent
	wnd      uint32   // SND.WND, scaled: unsigned, and 32 bits of it (RFC 9293, MUST-1, REC-1)
	wl1, wl2 wire.Seq // SND.WL1, SND.WL2
	maxWnd   uint32   // the largest window that the peer ever offered
	mss      int      // the peer's MSS, before options are deducted

	buf     buffer // octets from base on
	base    wire.Seq
	push    wire.Seq // after the last octet that was written with a push
	up      wire.Seq // SND.UP
	scale   uint8    // the peer's window scale
	fin     bool     // CloseWrite was called: a FIN follows the queued octets
	urgent  bool
	waiting bool // the peer owes us an acknowledgment or a window, since the time in since

	loss    lossState
	tries   int32         // retransmissions of what is at una
	probes  int32         // window probes since the peer's window closed
	expired time.Duration // the timeout that expired last
	again   Instant       // when octets were last retransmitted
	last    Instant       // when octets were last sent
	since   Instant       // since when the peer owes us something

	timing    bool // a segment is timed
	override  bool // send what fits, however little (section 3.8.6.2.1)
	corrected bool // the SYN was sent again after a RST: see openAgain
}

// receiveSide is the receive sequence space, and what has arrived.
type receiveSide struct {
	nxt        wire.Seq // RCV.NXT
	edge       wire.Seq // the furthest right edge of the window ever offered
	up         wire.Seq // RCV.UP
	finSeq     wire.Seq
	ready      int    // octets in buf that are in order
	buf        buffer // octets in order, and after them, with holes, out-of-order ones
	outOfOrder spans  // which of the out-of-order ones have arrived
	recent     recentRuns
	unacked    int32 // segments whose acknowledgment is delayed
	scale      uint8 // the shift of the windows that we send
	urgent     bool  // the peer has sent an urgent pointer
	fin        bool  // a FIN has arrived, perhaps out of order
	finished   bool  // nxt is past the FIN
}

// outbox says what is due besides data.
type outbox struct {
	syn   bool // our SYN, or SYN-ACK
	ack   bool // an acknowledgment, which any segment can carry
	bare  bool // it must go out first, without data
	probe bool // one octet beyond what the window allows

	duplicate span // what arrived again, reported once by the next acknowledgment

	resetDue bool // a RST at resetSeq
	resetSeq wire.Seq
}

// New returns a connection in state CLOSED, to be opened with [Conn.Open].
func New(cfg Config) *Conn {
	c := new(struct {
		Conn
		profile Profile // for this connection alone
	})
	c.profile.set(cfg)
	c.Reset(&c.profile, cfg.identity())
	return &c.Conn
}

// TCP returns c itself. A machine with another layer above returns the
// connection below it.
func (c *Conn) TCP() *Conn { return c }

// Reset makes the connection in place what New returns for the profile's Config
// with this identity, whatever its state. If neither profile has a Pool it
// keeps the memory of its buffers, and overwrites what Peek returned.
func (c *Conn) Reset(p *Profile, id Identity) {
	c.Release()
	sent, received := c.snd.buf.b[:0], c.rcv.buf.b[:0]
	loss := c.snd.loss
	*c = Conn{cfg: &p.cfg, id: id}
	if p.cfg.Pool == nil {
		c.snd.buf.b, c.rcv.buf.b = sent, received
	}
	c.path.maxSegment, c.path.fragments = c.cfg.MaxSegment, c.cfg.MayFragment
	c.timers = newTimers()
	c.handshakeRTT = -1
	c.rtt = newRTTEstimator(initialRTO, c.cfg.MinRTO, c.cfg.MaxRTO)
	iss := id.ISS
	c.snd.una, c.snd.nxt, c.snd.base, c.snd.push = iss, iss, iss.Add(1), iss.Add(1)
	c.snd.loss = loss
	c.snd.loss.release(p.cfg.Pool != nil)
	c.snd.loss.clear(iss)
}

// Release discards the buffers and gives their memory back to the profile's
// Pool. After it only Reset may be called. Without a Pool it does nothing.
func (c *Conn) Release() {
	if c.cfg != nil && c.cfg.Pool != nil {
		c.snd.buf.free(c.cfg.Pool)
		c.rcv.buf.free(c.cfg.Pool)
	}
}

// State returns the connection's state. It may change in Open, Receive,
// Unreachable, Advance, Next, CloseWrite, Close and Abort.
func (c *Conn) State() State { return c.state }

// Err returns how the connection ended, or nil if it has not, or ended with
// both sides' FIN. It wraps one of this package's Err values, and is set when
// the state becomes CLOSED.
func (c *Conn) Err() error { return c.err }

// SRTT returns the smoothed round-trip time (RFC 6298), and whether there is
// one yet. It may change in Receive.
func (c *Conn) SRTT() (time.Duration, bool) { return c.rtt.srtt, c.rtt.measured }

// HandshakeRTT returns the time from our SYN to the peer's acknowledgment of
// it, and whether it is known: it is not if the SYN was sent more than once and
// there are no timestamps to tell which was answered. It changes once, in
// Receive.
func (c *Conn) HandshakeRTT() (time.Duration, bool) {
	return max(c.handshakeRTT, 0), c.handshakeRTT >= 0
}

// SoftError returns the last ICMP error about the path that did not end the
// connection, or "": "198.18.0.1 said host unreachable". It may change in
// Receive and Unreachable.
func (c *Conn) SoftError() string { return c.icmp }

// Blocked reports whether there is something to send while the peer's window is
// closed. It may change in Receive and Write.
func (c *Conn) Blocked() bool { return c.snd.wnd == 0 && c.snd.nxt.Less(c.sendEnd()) }

// LocalPort returns our port. It does not change.
func (c *Conn) LocalPort() uint16 { return c.id.LocalPort }

// RemotePort returns the peer's port. It does not change.
func (c *Conn) RemotePort() uint16 { return c.id.RemotePort }

// enter changes the state.
func (c *Conn) enter(to State) {
	if c.state == to {
		return
	}
	from := c.state
	c.state = to
	emit(c, StateChanged{From: from, To: to})
}

// emit passes an event to Config.Events, if that is set. The type parameter
// keeps the event off the heap if it is not.
func emit[E Event](c *Conn, e E) {
	if c.cfg.Events != nil {
		c.cfg.Events(e)
	}
}

// dataEnd returns the sequence number after the last octet that was written.
func (c *Conn) dataEnd() wire.Seq { return c.snd.base.Add(c.snd.buf.len()) }

// sendEnd returns the sequence number after everything that there is to send.
func (c *Conn) sendEnd() wire.Seq {
	if c.snd.fin {
		return c.dataEnd().Add(1)
	}
	return c.dataEnd()
}

// finSent reports whether our FIN has been sent at least once.
func (c *Conn) finSent() bool { return c.snd.fin && c.snd.nxt == c.sendEnd() }

// finAcked reports whether the peer has acknowledged our FIN.
func (c *Conn) finAcked() bool { return c.finSent() && c.snd.una == c.snd.nxt }
