// Users who write, read, stall, close and abort, and what they may see.

package simnet

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An ending is when a user says that it has no more to write, and how.
type ending uint8

const (
	endWritten   ending = iota // CloseWrite, when all is written
	endAnswered                // CloseWrite, when the peer has ended its stream
	endClose                   // Close, when all is written: it reads no more
	endCloseRead               // Close, when all is written and the peer has ended
	endingCount
)

// A script of a user: what it does with its connection.
type userPlan struct {
	config func(*tcb.Config)
	iss    wire.Seq // the initial sequence number, once, if not 0: to cross the wrap

	total, chunk int           // octets to write in all, and at a time
	pause        time.Duration // between two writes
	greed        int           // octets to read at a time
	rest         time.Duration // between two reads
	stallAt      int           // after reading so many octets it pauses
	stall        time.Duration // for so long
	ending       ending
	abort        time.Duration // when it aborts; 0: never
	urgent       bool          // it marks what it writes as urgent
	hasty        bool          // it closes before the connection is established
	keepAlive    bool
}

// configure applies the plan to the configuration of a new connection.
func (p *userPlan) configure(c *tcb.Config) {
	p.config(c)
	if p.iss != 0 && !c.SYNSent {
		c.ISS, p.iss = p.iss, 0
	}
}

// patience is how long it takes until a user gives up. No connection that makes
// progress takes that long.
const patience = 8 * time.Hour

// A user writes into a connection and reads from it, and compares what it sees
// with what the user at the other end did.
type user struct {
	w     *world
	name  string
	host  *Host
	flow  *endpoint.Flow
	conn  *tcb.Conn
	plan  userPlan
	rng   *rand.Rand
	space *space // what it writes into
	calm  bool   // nothing excuses an incomplete end

	wrote, read  int
	ended        bool // it has ended its own stream
	deaf         bool // it called Close
	eof          bool
	aborted      bool
	gaveUp       bool // it ran out of patience
	stalled      bool // it is in its pause from reading, or was
	stallOver    tcb.Instant
	nextWrite    tcb.Instant
	nextRead     tcb.Instant
	planned      bool // whether a step is planned
	plannedAt    tcb.Instant
	established  bool
	done, gone   bool // its connection has ended; its host is no more
	whole        bool
	peerHalf     *space
	afterTheEnd  func()
	began        tcb.Instant
	lastProgress tcb.Instant
}

// noise is what users write: a stream begins at a place in it that depends on
// its initial sequence number.
var noise = func() []byte {
	b := make([]byte, 1<<18)
	rng := rand.NewPCG(1, 2)
	for i := range b {
		b[i] = byte(rng.Uint64())
	}
	return b
}()

// maxWritten is how much one user writes at most.
const maxWritten = 1 << 17

func octets(iss wire.Seq, at, n int) []byte {
	from := int(uint32(iss)*2654435761>>16) + at
	return noise[from : from+n]
}

func (u *user) said(at int, p []byte) bool {
	return bytes.Equal(octets(u.space.iss, at, len(p)), p)
}

// use begins a user of a connection.
func (w *world) use(name string, h *Host, f *endpoint.Flow, iss wire.Seq, plan userPlan) *user {
	u := &user{w: w, name: name, host: h, flow: f, conn: f.Machine.(*tcb.Conn), plan: plan, began: w.net.now}
	w.users = append(w.users, u)
	u.rng = rand.New(rand.NewPCG(w.plan.seed, uint64(len(w.users))+100))
	u.space = w.seen.spaces.begin(way{f.Local, f.Remote}, iss)
	u.space.user = u
	f.Changed = u.wake
	u.wake()
	if plan.abort > 0 {
		w.net.After(plan.abort, func() { u.giveUp(false) })
	}
	w.net.After(patience, func() { u.giveUp(true) })
	return u
}

// wake plans a step for soon.
func (u *user) wake() { u.stepAt(u.w.net.now) }

func (u *user) stepAt(at tcb.Instant) {
	if u.planned && u.plannedAt <= at || u.gone {
		return
	}
	u.planned, u.plannedAt = true, at
	u.w.net.at(at, func() {
		if u.planned && u.plannedAt == at {
			u.planned = false
			u.step()
		}
	})
}

// step lets the user do what it would now.
func (u *user) step() {
	if u.gone || u.done || u.host.asleep {
		return
	}
	if u.conn.State() >= tcb.Established {
		u.established = true
	}
	moved := u.readSome()
	moved = u.writeSome() || moved
	moved = u.closeIfDue() || moved
	if moved {
		u.touch()
	} else if u.conn.State() == tcb.Closed {
		u.finish()
	}
}

func (u *user) touch() {
	u.flow.Changed = nil // the user's own changes are not news to it
	u.host.Endpoint.Touch(u.flow)
	u.flow.Changed = u.wake
	u.host.Flush()
	if u.conn.State() == tcb.Closed {
		u.finish()
	}
}

func (u *user) readSome() bool {
	now := u.w.net.now
	p := u.conn.Peek()
	switch {
	case u.conn.EOF() && !u.eof:
		u.sawEOF()
		return false
	case len(p) == 0 || u.deaf:
		return false
	case u.plan.stall > 0 && u.read >= u.plan.stallAt && !u.stalled:
		u.stalled, u.stallOver = true, now.Add(u.plan.stall)
		u.stepAt(u.stallOver)
		return false
	case now < u.stallOver, now < u.nextRead:
		u.stepAt(max(u.stallOver, u.nextRead))
		return false
	}
	n := min(len(p), 1+u.rng.IntN(u.plan.greed))
	u.take(p[:n])
	u.conn.Discard(n)
	u.nextRead = now.Add(u.plan.rest)
	if u.conn.EOF() {
		u.sawEOF()
	} else if n < len(p) {
		u.stepAt(u.nextRead)
	}
	return true
}

// take compares octets that were read with what the peer wrote.
func (u *user) take(p []byte) {
	u.lastProgress = u.w.net.now
	peer := u.peer()
	switch {
	case peer == nil:
		u.failf("read %d octets, and nobody writes any", len(p))
	case u.read+len(p) > peer.wrote:
		u.failf("read up to octet %d, and %d are written", u.read+len(p), peer.wrote)
	case !peer.said(u.read, p):
		u.failf("read other octets than were written, somewhere from %d to %d", u.read, u.read+len(p))
	}
	u.read += len(p)
}

// peer is who writes what this user reads.
func (u *user) peer() *user {
	if u.peerHalf == nil {
		u.peerHalf = cmp.Or(u.space.answer, u.space.peer)
	}
	if u.peerHalf == nil {
		return nil
	}
	return u.peerHalf.user
}

// una is SND.UNA of the user's connection, as an offset.
func (u *user) una() int {
	end := 1 + u.wrote
	if u.ended {
		end++
	}
	return end - u.conn.Unacked()
}

func (u *user) sawEOF() {
	u.eof = true
	peer := u.peer()
	switch {
	case peer == nil:
		u.failf("saw the end of a stream that nobody writes")
	case !peer.ended || u.read != peer.wrote:
		u.failf("saw EOF after %d octets of %d (ended: %v)", u.read, peer.wrote, peer.ended)
	}
}

func (u *user) writeSome() bool {
	left := u.plan.total - u.wrote
	now := u.w.net.now
	if left <= 0 || u.ended || u.conn.WriteSpace() == 0 {
		return false
	}
	if now < u.nextWrite {
		u.stepAt(u.nextWrite)
		return false
	}
	n := u.conn.Write(octets(u.space.iss, u.wrote, min(left, 1+u.rng.IntN(u.plan.chunk))))
	u.wrote += n
	if u.plan.urgent {
		u.conn.MarkUrgent()
	}
	u.nextWrite = now.Add(u.plan.pause)
	if u.wrote < u.plan.total {
		u.stepAt(u.nextWrite)
	}
	return n > 0
}

func (u *user) closeIfDue() bool {
	if u.ended || u.wrote < u.plan.total || u.conn.State() == tcb.Closed || !u.established && !u.plan.hasty {
		return false
	}
	switch u.plan.ending {
	case endWritten:
		u.conn.CloseWrite()
	case endAnswered:
		if !u.eof {
			return false
		}
		u.conn.CloseWrite()
	case endClose:
		u.deaf = true
		u.conn.Close()
	case endCloseRead:
		if !u.eof {
			return false
		}
		u.deaf = true
		u.conn.Close()
	}
	u.ended = true
	return true
}

// giveUp aborts, because that is the plan or because there is no progress.
func (u *user) giveUp(patient bool) {
	if u.done || u.gone || u.host.asleep {
		return
	}
	if patient {
		u.gaveUp = true
		u.judgePatience()
	}
	u.aborted = true
	u.conn.Abort()
	u.touch()
}

// judgePatience checks whether the connection hangs for a good reason: only the
// other end could have ended it, and that has vanished silently.
func (u *user) judgePatience() {
	peer := u.peer()
	switch {
	case u.conn.Unacked() > 0:
		u.failf("waits in %v for an acknowledgment without end", u.conn.State())
	case u.plan.keepAlive:
		u.failf("waits in %v, in spite of keep-alive", u.conn.State())
	case peer != nil && !peer.gone && !peer.done:
		u.failf("waits in %v for a peer which waits in %v", u.conn.State(), peer.conn.State())
	}
}

// finish compares how a connection ended with what became of its streams.
func (u *user) finish() {
	if u.done {
		return
	}
	for !u.deaf && len(u.conn.Peek()) > 0 && u.w.net.err == nil { // its data stays readable
		n := len(u.conn.Peek())
		u.take(u.conn.Peek())
		u.conn.Discard(n)
	}
	if u.conn.EOF() && !u.eof {
		u.sawEOF()
	}
	u.done = true
	u.judgeEnd(u.conn.Err())
	u.flow.Changed = nil
	if u.afterTheEnd != nil && u.conn.Err() == nil {
		u.w.net.After(isnTime(u.numbers()), u.afterTheEnd)
	}
}

// numbers is how many sequence numbers the side of the connection has used that used
// more.
func (u *user) numbers() int {
	n := u.space.end
	if peer := cmp.Or(u.space.answer, u.space.peer); peer != nil {
		n = max(n, peer.end)
	}
	return n
}

// isnTime is how long the clock of initial sequence numbers, which ticks every
// four microseconds, takes to pass n octets. Whoever reuses a pair of ports
// before that, after a connection that did not end well, may meet its old
// segments (RFC 9293, section 3.4.3): TCP does not promise otherwise.
func isnTime(n int) time.Duration { return time.Duration(n+1) * 4 * time.Microsecond }

var outcomes = []struct {
	err  error
	name string
}{{tcb.ErrRefused, "refused"}, {tcb.ErrReset, "reset"}, {tcb.ErrTimeout, "timed out"}, {tcb.ErrUnreachable, "unreachable"}, {tcb.ErrAborted, "aborted"}}

func (u *user) judgeEnd(err error) {
	arrived := max(0, u.space.came.whole()-1)
	if u.plan.hasty && !u.established && u.wrote == 0 && err == nil {
		u.w.count("outcome", "closed before it was established")
		return
	}
	if err == nil {
		u.whole = u.eof && arrived >= u.wrote
		u.w.count("outcome", "whole")
		switch {
		case !u.ended:
			u.failf("ended without an error, and nobody asked for it")
		case arrived < u.wrote:
			u.failf("ended without an error, and %d of %d octets arrived", arrived, u.wrote)
		case !u.eof && !u.deaf:
			u.failf("ended without an error and without EOF")
		}
		return
	}
	name := ""
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			name = o.name
		}
	}
	u.w.count("outcome", name)
	if name == "" || err.Error() == "" {
		u.failf("ended with %q, which is none of the errors that there are", err)
	}
	if u.calm {
		u.failf("nothing was wrong, and it ended with %q", err)
	}
}

func (u *user) failf(format string, args ...any) {
	u.w.net.Failf("%s: %w", u.name, fmt.Errorf(format, args...))
}

// vanish forgets a user whose host has vanished.
func (u *user) vanish() { u.gone = true }

func addr(ip netip.Addr, port int) netip.AddrPort { return netip.AddrPortFrom(ip, uint16(port)) }
