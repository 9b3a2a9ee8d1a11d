// One connection of a loop, and what it knows of its target.

package probe

import (
	"math"
	"time"

	"github.com/rawshake/rawshake/internal/conn"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A connection is a target that has answered our SYN, until its result is made and
// the connection is over. Then it is used for another target. It borrows a TLS client once
// the peer has sent something: see wake.
type connection struct {
	index   uint32     // in connections.all
	peerEnd wire.Seq   // after the last octet that the peer sent; set by the answer to our SYN
	session *conn.Conn // the machine, or nil
	tcp     tcb.Conn
	machine conn.Conn
	facts
}

// facts are what a connection knows of its target.
type facts struct {
	n      uint64 // the target's number
	target Target
	local  uint16 // our port
	// How many packets it may still send outside the answers' share, and up to which
	// octet the peer's stream has been counted for that: see transmit.go.
	allowance int16
	earned    wire.Seq
	path      *routes.Path
	hop       link.Hop
	syns      uint8
	doubt     doubt
	nth       uint8 // of an audit's connections, how many are over, modulo 256
	anomalies anomaly
	heard     int16 // segments after the SYN-ACK, as far as it can count

	begin      tcb.Instant // when the first SYN left, about
	limit      tcb.Instant // when the goal must be reached
	steps      [6]time.Duration
	answer     record.Answer
	rtt        time.Duration
	random     [32]byte // of its ClientHello
	last       record.Packet
	reply      *reply    // nil: nothing was asked
	audit      *auditing // nil: the target is not audited
	reset      record.Reset
	wasReset   bool
	kernelSent bool // this machine's kernel has sent a RST in our name
	greeted    bool // the ClientHello is written
	waits      bool // for its turn in the work queue
	queued     bool // for the pace, among the ready or the slow
	judged     bool // it failed: nothing more is accepted from it
	reported   bool // the result is made; what follows is the end
	timed      bool // it is in the wheel

	// In the wheel.
	prev, next *connection
	unit       int64
}

// What a peer may send before the goal is reached: the longest handshake message, room
// for the others, and all of it in small segments.
const (
	maxBytes    = 256 << 10
	maxSegments = 4096
)

// reach notes the first time of a step: when the packet came that led to it.
func (c *connection) reach(step int) {
	if c.steps[step] == 0 {
		c.steps[step] = max(c.last.At, 1)
	}
}

// note takes the time of the steps that the session has reached.
func (c *connection) note() {
	tls := c.session.TLS()
	if tls == nil {
		return
	}
	switch stage := tls.Stage(); {
	case stage >= handshake.StageFinished:
		c.reach(record.StepFinished)
		fallthrough
	case stage >= handshake.StageCertificateReceived:
		c.reach(record.StepCertificate)
		fallthrough
	case stage >= handshake.StageHelloReceived:
		c.reach(record.StepHello)
	}
}

// stage is how far TLS has got.
func (c *connection) stage() handshake.Stage {
	if tls := c.session.TLS(); tls != nil {
		return tls.Stage()
	}
	return handshake.StageNew
}

// at reports whether the connection has reached the goal.
func (c *connection) at(goal Goal) bool {
	if goal == GoalTCP {
		return c.session.State() >= tcb.Established && !c.inDoubt()
	}
	stage := c.stage()
	switch goal {
	case GoalHello:
		return stage >= handshake.StageHelloReceived
	case GoalCertificate:
		return stage >= handshake.StageCertificateReceived
	case GoalFinished:
		return stage >= handshake.StageFinished
	}
	return false // data: see exchange
}

// observe notes what a segment shows and the machines do not keep.
func (c *connection) observe(at tcb.Instant, h *wire.IP, s *wire.Segment, packet []byte) {
	c.last.Set(at.Sub(c.begin), packet)
	if s.Flags.Has(wire.RST) {
		c.reset, c.wasReset = c.resetOf(h), true
		return
	}
	if c.heard < math.MaxInt16 {
		c.heard++
	}
	c.answer.Bytes += len(s.Payload)
	switch end := s.End(); {
	case c.peerEnd.Less(end):
		c.peerEnd = end
	case s.Len() > 0:
		c.answer.Resent++
	}
}

// idNear is how far a host's IP ID may have gone on between two packets.
const idNear = 4096

// fits reports whether a packet's TTL and IP ID are as expected after the host's SYN-ACK:
// the same TTL, and an ID of 0 if that was 0, or one that a counter would have reached.
// IPv6 has no ID.
func (c *connection) fits(h *wire.IP) bool {
	if h.HopLimit != c.answer.TTL {
		return false
	}
	id, first := uint16(h.Fragment.ID), c.answer.IPID
	switch {
	case h.Version == 6:
		return true
	case id == 0 || first == 0:
		// Linux sends its SYN-ACK and its RST with 0, and what lies between
		// with a counter.
		return id == 0
	}
	return id-first < idNear
}

// recycle lets go of the target. The machines are reset when the next one comes.
func (c *connection) recycle() {
	c.tcp.Release()
	c.session, c.facts = nil, facts{}
}
