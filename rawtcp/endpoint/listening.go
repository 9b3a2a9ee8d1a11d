// Ports that take connections, and the queue of those not accepted yet.

package endpoint

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// DefaultBacklog is how many connections wait on a port until somebody accepts
// them.
const DefaultBacklog = 128

// ErrListening says that the endpoint already listens on that address and port.
var ErrListening = errors.New("something listens on this address and port")

// A Listening is a port on which the endpoint accepts connections (RFC 9293,
// LISTEN). Its fields are set before [Endpoint.Listen] and not changed.
type Listening struct {
	Local netip.AddrPort // an unspecified address stands for all of ours
	// Backlog bounds the connections that have begun and were not accepted; 0
	// means DefaultBacklog. When that many have begun, SYNs are answered with
	// cookies and no state is kept for them. When that many wait for Accept,
	// nothing is answered that could begin another.
	Backlog int
	// Configure may change a new connection's config; may be nil.
	Configure func(*tcb.Config)
	Changed   func() // called when Accept may have something new; may be nil

	pending int     // flows in SYN-RECEIVED
	queue   []*Flow // established, waiting for Accept, in order
	cookies tcb.Instant
	flooded bool // cookies were sent, last at the instant above
}

// Listen accepts connections on l's port from now on. It does not affect
// existing connections, or listeners on other addresses with the same port (RFC
// 9293, MUST-41, MUST-42). It fails with ErrListening.
func (e *Endpoint) Listen(l *Listening) error {
	if e.listening[l.Local] != nil {
		return ErrListening
	}
	if l.Backlog <= 0 {
		l.Backlog = DefaultBacklog
	}
	e.listening[l.Local] = l
	return nil
}

// Unlisten ends a Listening. Connections that were not accepted are reset.
func (e *Endpoint) Unlisten(l *Listening) {
	if e.listening[l.Local] != l {
		return
	}
	delete(e.listening, l.Local)
	var left []*Flow
	for _, f := range e.flows {
		if f.listening == l {
			left = append(left, f)
		}
	}
	// In an order that does not depend on the map.
	slices.SortFunc(left, func(a, b *Flow) int { return a.Remote.Compare(b.Remote) })
	for _, f := range left {
		f.listening = nil
		f.Machine.Abort()
		e.Touch(f)
	}
	l.queue = nil
}

// Accept returns the next established connection, or nil.
func (l *Listening) Accept() *Flow {
	if len(l.queue) == 0 {
		return nil
	}
	f := l.queue[0]
	l.queue = l.queue[1:]
	f.listening = nil
	return f
}

// listener finds the Listening for a segment to local, or nil.
func (e *Endpoint) listener(local netip.AddrPort) *Listening {
	if l := e.listening[local]; l != nil {
		return l
	}
	any := netip.IPv4Unspecified()
	if local.Addr().Is6() {
		any = netip.IPv6Unspecified()
	}
	return e.listening[netip.AddrPortFrom(any, local.Port())]
}

// receiveNew takes a segment that belongs to no connection: it may begin one,
// or it is a stray (RFC 9293, sections 3.10.7.1 and 3.10.7.2). A port that
// listens answers an ACK or a SYN, and nothing else: not a lone FIN, octets
// without flags, or a RST.
func (e *Endpoint) receiveNew(now tcb.Instant, local, remote netip.AddrPort, s *wire.Segment) {
	l := e.listener(local)
	switch {
	case l == nil:
		e.answerStray(local.Addr(), remote.Addr(), s)
	case s.Flags.Has(wire.RST), !s.Flags.Any(wire.ACK | wire.SYN):
		e.drop(fmt.Sprintf("%v to port %d, which listens: neither SYN nor ACK", s.Flags, s.DstPort))
	case !s.Flags.Has(wire.ACK):
		e.receiveSYN(now, l, local, remote, s)
	case s.Flags.Has(wire.SYN) || !e.receiveCookie(now, l, local, remote, s):
		e.answerStray(local.Addr(), remote.Addr(), s)
	}
}

// receiveSYN begins a connection. While the queue for Accept is full it stays
// silent; the peer's next SYN may find room.
func (e *Endpoint) receiveSYN(now tcb.Instant, l *Listening, local, remote netip.AddrPort, s *wire.Segment) {
	switch {
	case l.full():
		e.drop(fmt.Sprintf("SYN dropped: %d connections to port %d wait to be accepted", len(l.queue), local.Port()))
	case l.pending+len(l.queue) >= l.Backlog:
		e.sendCookie(now, l, local, remote, s)
	default:
		e.begin(now, l, local, remote, e.Config(now, local, remote), s)
	}
}

// full reports whether no more connections can wait to be accepted.
func (l *Listening) full() bool { return len(l.queue) >= l.Backlog }

// begin makes the connection that a SYN asks for.
func (e *Endpoint) begin(now tcb.Instant, l *Listening, local, remote netip.AddrPort, cfg tcb.Config, syn *wire.Segment) *Flow {
	if l.Configure != nil {
		l.Configure(&cfg)
	}
	m := tcb.Accept(cfg, now, syn)
	if m == nil {
		return nil
	}
	f, err := e.Attach(local, remote, m)
	if err != nil {
		return nil
	}
	f.listening = l
	l.pending++
	return f
}

// reopen lets a SYN take the place of a connection in TIME-WAIT (RFC 9293,
// section 3.6.1, MAY-2), and reports whether it did.
func (e *Endpoint) reopen(now tcb.Instant, f *Flow, s *wire.Segment) bool {
	old, l := f.Machine.TCP(), e.listener(f.Local)
	if l == nil || !old.Reusable(s) {
		return false
	}
	cfg := e.Config(now, f.Local, f.Remote)
	if least := old.NextISS(); cfg.ISS.Less(least) {
		cfg.ISS = least
	}
	e.Detach(f)
	return e.begin(now, l, f.Local, f.Remote, cfg, s) != nil
}

// settle moves a flow that a listener began: into the queue once it is
// established, and out of the count if it ended before.
func (e *Endpoint) settle(f *Flow) {
	l := f.listening
	if f.queuedForAccept {
		if f.Machine.State() == tcb.Closed { // reset before it was accepted
			l.drop(f)
		}
		return
	}
	switch state := f.Machine.State(); {
	case state == tcb.SynReceived:
		return
	case state == tcb.Closed:
		f.listening = nil
	default:
		f.queuedForAccept = true
		l.queue = append(l.queue, f)
		if l.Changed != nil {
			l.Changed()
		}
	}
	l.pending--
}

// drop takes a flow out of the queue.
func (l *Listening) drop(f *Flow) {
	for i, q := range l.queue {
		if q == f {
			l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
			f.listening = nil
			return
		}
	}
}
