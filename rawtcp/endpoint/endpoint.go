// Connections by their addresses and ports: opening, finding, moving and
// forgetting them.

package endpoint

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/reassembly"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// maxStrayReplies bounds the queue of resets that answer segments of no
// connection.
const maxStrayReplies = 64

// A Config is what an endpoint needs to know about its host.
type Config struct {
	Secret [32]byte // keys the initial sequence numbers (RFC 6528); from good randomness
	Header Header   // for new connections, and for packets of no connection
	MTU    int      // of the link, in bytes; 0: 1500
	MaxMSS int      // bounds the MSS to announce, in octets; 0: without limit

	// Dropped is told of each packet that reaches no connection, and why. It
	// may be nil.
	Dropped func(why string)
}

// An Endpoint is a TCP host without I/O: it holds connections, gives each
// arrived packet to its machine, keeps their deadlines, and wraps what they
// send into IP packets. It is not safe for concurrent use: its driver, such as
// rawtcp.Stack, serialises the calls.
type Endpoint struct {
	cfg       Config
	flows     map[flowKey]*Flow
	listening map[netip.AddrPort]*Listening
	ready     readyQueue // flows that may have a segment to send, in order
	timers    timerHeap
	due       []*Flow // reused in Advance
	strays    []strayReply
	ipID      uint16

	fragments reassembly.Buffer
	paths     map[netip.Addr]path // paths known to be narrower than the link
	packet    wire.Packet         // reused for every packet in
	seg       wire.Segment        // reused for every segment out
}

type flowKey struct{ local, remote netip.AddrPort }

// A Flow is a connection held by an Endpoint.
type Flow struct {
	Local, Remote netip.AddrPort // of every packet of the connection (RFC 9293, MUST-45)
	Machine       Machine
	Changed       func() // called after each call to Machine that may change it; may be nil

	Header   Header // of the packets that we send
	Received uint8  // the Diffserv field and ECN bits of the last accepted packet (RFC 9293, MAY-9)

	queued    bool // in Endpoint.ready
	timer     int  // index in Endpoint.timers, or -1
	at        tcb.Instant
	removed   bool
	segment   int  // the machine's MaxSegment when last seen, see learnPath
	fragments bool // its MayFragment then

	listening       *Listening // whose connection it is, until it is accepted
	queuedForAccept bool
}

// A strayReply is a segment without a connection: a reset, or a SYN-ACK with a
// SYN cookie.
type strayReply struct {
	local, remote netip.Addr
	seg           wire.Segment
}

// ErrFlowExists says that the endpoint already holds a connection between the
// same two addresses and ports.
var ErrFlowExists = errors.New("a connection between these addresses and ports exists")

// ErrNotOneHost says that an address is not one that a single host can have: it
// is broadcast, multicast or unspecified.
var ErrNotOneHost = errors.New("TCP needs the addresses of two hosts")

// New returns an endpoint without connections.
func New(cfg Config) *Endpoint {
	if cfg.MTU == 0 {
		cfg.MTU = 1500
	}
	id := uint16(cfg.Secret[0])<<8 | uint16(cfg.Secret[1])
	return &Endpoint{cfg: cfg, flows: make(map[flowKey]*Flow), ipID: id, listening: make(map[netip.AddrPort]*Listening)}
}

// Config returns the configuration of a new connection between two addresses:
// the ports, an initial sequence number and a timestamp offset that nobody else
// can predict, and the MSS.
func (e *Endpoint) Config(now tcb.Instant, local, remote netip.AddrPort) tcb.Config {
	cfg := tcb.Config{
		LocalPort:       local.Port(),
		RemotePort:      remote.Port(),
		ISS:             e.InitialSequence(now, local, remote),
		TimestampOffset: e.TimestampOffset(local, remote),
	}
	e.fitPath(&cfg, now, remote.Addr(), e.cfg.MTU)
	return cfg
}

// ReuseTimeWait reports whether a new connection between two addresses and ports may
// begin with cfg. A connection between them that is in TIME-WAIT is removed if
// that is safe, see [tcb.Conn.TimeWaitReusable], and cfg.ISS is then moved beyond its
// sequence numbers.
func (e *Endpoint) ReuseTimeWait(now tcb.Instant, local, remote netip.AddrPort, cfg *tcb.Config) bool {
	f := e.flows[flowKey{local, remote}]
	if f == nil {
		return true
	}
	old := f.Machine.TCP()
	if !old.TimeWaitReusable(now) {
		return false
	}
	if lowest := old.NextISS(); cfg.ISS.Less(lowest) {
		cfg.ISS = lowest
	}
	e.Detach(f)
	return true
}

// Open begins a connection: its SYN becomes due. Build makes the machine from
// what [Endpoint.Config] says; nil makes a [tcb.Conn]. It fails with ErrFlowExists
// or ErrNotOneHost.
func (e *Endpoint) Open(now tcb.Instant, local, remote netip.AddrPort, build func(tcb.Config) Machine) (*Flow, error) {
	if build == nil {
		build = func(cfg tcb.Config) Machine { return tcb.New(cfg) }
	}
	f, err := e.Attach(local, remote, build(e.Config(now, local, remote)))
	if err != nil {
		return nil, err
	}
	f.Machine.Open(now)
	e.Touch(f)
	return f, nil
}

// Attach adds a connection. It does not open the machine: see [Endpoint.Open].
// It fails with ErrFlowExists or ErrNotOneHost.
func (e *Endpoint) Attach(local, remote netip.AddrPort, m Machine) (*Flow, error) {
	key := flowKey{local, remote}
	if !oneHost(local.Addr()) || !oneHost(remote.Addr()) { // RFC 9293, MUST-46
		return nil, fmt.Errorf("%v to %v: %w", local, remote, ErrNotOneHost)
	}
	if e.flows[key] != nil {
		return nil, fmt.Errorf("%v to %v: %w", local, remote, ErrFlowExists)
	}
	f := &Flow{Local: local, Remote: remote, Machine: m, Header: e.cfg.Header, timer: -1}
	f.segment, f.fragments = m.MaxSegment(), m.MayFragment()
	e.flows[key] = f
	e.Touch(f)
	return f, nil
}

// FlowOf returns the connection that a packet of ours belongs to, or nil.
func (e *Endpoint) FlowOf(packet []byte) *Flow {
	var p wire.Packet
	if p.Decode(packet, true) != nil || p.Holds != wire.HoldsSegment {
		return nil
	}
	return e.flows[flowKey{p.From(), p.To()}]
}

// Detach removes a connection. Segments that still arrive for it are answered
// with a reset.
func (e *Endpoint) Detach(f *Flow) {
	if f.removed {
		return
	}
	f.removed = true
	delete(e.flows, flowKey{f.Local, f.Remote})
	e.timers.set(f, 0, false)
}

// Touch tells the endpoint that the caller has called methods of f.Machine
// itself, which may now have something to send, or another deadline.
func (e *Endpoint) Touch(f *Flow) {
	if !f.removed {
		at, ok := f.Machine.Deadline()
		e.timers.set(f, at, ok)
		if !f.queued {
			f.queued = true
			e.ready.push(f)
		}
		if f.listening != nil {
			e.settle(f)
		}
	}
	if f.Changed != nil {
		f.Changed()
	}
}

// Deadline returns when Advance is next owed, and whether it is at all. It may
// change after any other call.
func (e *Endpoint) Deadline() (tcb.Instant, bool) {
	if len(e.timers) == 0 {
		return 0, false
	}
	return e.timers[0].at, true
}

// Advance tells the connections whose deadline has passed that the time is now.
func (e *Endpoint) Advance(now tcb.Instant) {
	// Once each: a machine whose new deadline is not later than now waits for
	// the next call, so that none can hold up the others.
	e.due = e.timers.due(e.due[:0], now)
	for i, f := range e.due {
		f.Machine.Advance(now)
		e.learnPath(now, f)
		e.Touch(f)
		e.due[i] = nil
	}
}

// Next appends the next packet to send to b and returns the result, or nil if
// there is none. Call it until it returns nil after each call that may make
// something due.
func (e *Endpoint) Next(now tcb.Instant, b []byte) []byte {
	if len(e.strays) > 0 {
		r := &e.strays[0]
		b = e.appendPacket(b, r.local, r.remote, &e.cfg.Header, &r.seg)
		e.strays = e.strays[1:]
		return b
	}
	for e.ready.len() > 0 {
		f := e.ready.first()
		if !f.removed {
			due := f.Machine.Next(now, &e.seg)
			at, ok := f.Machine.Deadline() // it may change in either case
			e.timers.set(f, at, ok)
			if due {
				e.seg.SrcPort, e.seg.DstPort = f.Local.Port(), f.Remote.Port()
				header := f.Header
				header.Fragment = header.Fragment || f.Machine.MayFragment()
				return e.appendPacket(b, f.Local.Addr(), f.Remote.Addr(), &header, &e.seg)
			}
		}
		f.queued = false
		e.ready.drop()
		if f.Machine.State() == tcb.Closed {
			e.Detach(f) // it has nothing left to do
		}
	}
	return nil
}

func (e *Endpoint) receiveTCP(now tcb.Instant, h *wire.IP, s *wire.Segment) {
	local, remote := e.packet.To(), e.packet.From()
	f := e.flows[flowKey{local, remote}]
	switch {
	case f == nil:
		e.receiveNew(now, local, remote, s)
		return
	case s.Flags.Has(wire.SYN) && f.Machine.State() == tcb.TimeWait && e.reopen(now, f, s):
		return
	}
	if f.Machine.Receive(now, s) {
		f.Received = h.TrafficClass
	}
	e.Touch(f)
}

// answerStray answers a segment of no connection with a reset (RFC 9293,
// section 3.10.7.1).
func (e *Endpoint) answerStray(local, remote netip.Addr, s *wire.Segment) {
	e.drop(fmt.Sprintf("%v from port %d to port %d belongs to no connection", s.Flags, s.SrcPort, s.DstPort))
	if len(e.strays) >= maxStrayReplies {
		return
	}
	var r strayReply
	if r.seg.ResetOf(s) {
		r.local, r.remote = local, remote
		e.strays = append(e.strays, r)
	}
}

func (e *Endpoint) drop(why string) {
	if e.cfg.Dropped != nil {
		e.cfg.Dropped(why)
	}
}
