// The driver of an endpoint over a link: one goroutine, a lock and the clock.

package rawtcp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A Frame is one packet that crossed a stack's link, as the tap sees it.
type Frame struct {
	At         time.Duration // since the stack was started
	Out        bool          // sent by us
	KernelSent bool          // a RST of the local kernel, see link.Packet
	Packet     []byte        // the IP packet; valid only during the call
	Err        error         // of a packet of ours that the link refused to send
}

// StackConfig says how a stack runs. The zero value is ready to use.
type StackConfig struct {
	// Tap is told of each packet, in the order in which they crossed the link,
	// while the stack is locked: it must not call the stack.
	Tap func(Frame)
	// Header is what the IP headers of the stack's packets hold.
	Header endpoint.Header
	// MaxMSS bounds our MSS option, in octets; 0: what the link's MTU has room
	// for.
	MaxMSS int
	// Dropped is told of each packet that reached no connection, and why.
	Dropped func(why string)
	// Configure may change the configuration of each connection, opened or
	// accepted, before it begins: timers, buffers, options. The stack is locked
	// meanwhile.
	Configure func(*tcb.Config)
	// Linger is how long Close waits for the peer to acknowledge what was
	// written; 0: DefaultLinger; negative: it does not wait.
	Linger time.Duration
	// Held returns for how long in all the stack's clock has stood still while
	// somebody looked at a packet (see link.Gate): our timers do not count that
	// time. It may be nil.
	Held func() time.Duration
}

// along returns the configuration for connections along a route.
func (cfg StackConfig) along(r route.Route) StackConfig {
	if r.AdvMSS > 0 && (cfg.MaxMSS == 0 || r.AdvMSS < cfg.MaxMSS) {
		cfg.MaxMSS = r.AdvMSS
	}
	return cfg
}

// A Stack drives an [endpoint.Endpoint] over a link: one goroutine receives and keeps
// the time, and callers send from their own. It is safe for concurrent use.
type Stack struct {
	link      link.Link
	tap       func(Frame)
	configure func(*tcb.Config)
	epoch     time.Time
	held      func() time.Duration
	patience  time.Duration // of Close, see StackConfig.Linger
	done      chan struct{} // closed when the receiving goroutine has ended

	mu        sync.Mutex
	endpoint  *endpoint.Endpoint
	conns     map[*Conn]struct{}
	listeners map[*Listener]struct{}
	alarm     tcb.Instant // as set on the link
	armed     bool        // whether it is set, and has yet to ring
	out       burst       // what is about to be sent
	err       error       // why the stack ended
	release   func()      // frees what was set up for the stack, once nobody uses it; or nil
}

// NewStack starts a stack over a link, which it owns and closes from now on.
func NewStack(l link.Link, cfg StackConfig) *Stack {
	var secret [32]byte
	rand.Read(secret[:])
	s := &Stack{
		link: l, tap: cfg.Tap, configure: cfg.Configure, epoch: time.Now(), held: cfg.Held, patience: cfg.Linger, done: make(chan struct{}),
		endpoint:  endpoint.New(endpoint.Config{Secret: secret, MTU: l.MTU(), MaxMSS: cfg.MaxMSS, Header: cfg.Header, Dropped: cfg.Dropped}),
		conns:     make(map[*Conn]struct{}),
		listeners: make(map[*Listener]struct{}),
	}
	go s.run()
	return s
}

// Link returns the stack's link.
func (s *Stack) Link() link.Link { return s.link }

// Close ends the stack at once: its connections fail with net.ErrClosed, and
// nothing more is sent. Close the connections first if their peers should know.
func (s *Stack) Close() error {
	s.mu.Lock()
	s.fail(net.ErrClosed)
	s.mu.Unlock()
	err := s.link.Close()
	<-s.done
	return err
}

// Open starts a connection from local to remote. Build makes its machine from a
// Config with the sequence number and the timestamp offset that the stack
// chose. Open does not wait; use [Conn.Wait] or [Conn.Handshake].
func (s *Stack) Open(local, remote netip.AddrPort, build func(tcb.Config) endpoint.Machine) (*Conn, error) {
	return s.open(local, remote, build, nil)
}

// open is Open. Freed, if not nil, is called once the connection is gone, and
// means that the port is to be used again.
func (s *Stack) open(local, remote netip.AddrPort, build func(tcb.Config) endpoint.Machine, freed func()) (*Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	now := s.now()
	cfg := s.endpoint.Config(now, local, remote)
	if freed != nil && !s.endpoint.ReuseTimeWait(now, local, remote, &cfg) {
		return nil, fmt.Errorf("%v to %v: %w", local, remote, endpoint.ErrFlowExists)
	}
	s.begin(&cfg)
	m := build(cfg)
	flow, err := s.endpoint.Attach(local, remote, m)
	if err != nil {
		return nil, err
	}
	c := s.adopt(flow)
	c.freed = freed
	m.Open(now)
	s.endpoint.Touch(flow)
	s.flush()
	return c, nil
}

// MinRTO is the minimum retransmission timeout of a stack's connections, unless
// Configure sets another. RFC 6298, (2.4), asks for a whole second, for clocks
// that ticked twice a second; this is Linux's minimum, and longer than a peer
// may reasonably delay an acknowledgment. See docs/tcp-measured.md.
const MinRTO = 200 * time.Millisecond

// begin completes the configuration of a new connection.
func (s *Stack) begin(cfg *tcb.Config) {
	cfg.MinRTO = MinRTO
	if s.configure != nil {
		s.configure(cfg)
	}
}

// adopt makes the Conn of a flow.
func (s *Stack) adopt(f *endpoint.Flow) *Conn {
	c := newConn(s, f)
	s.conns[c] = struct{}{}
	f.Changed = c.wake
	return c
}

func (s *Stack) now() tcb.Instant { return tcb.Instant(time.Since(s.epoch) - s.stood()) }

// stood returns how long the clock has stood still.
func (s *Stack) stood() time.Duration {
	if s.held == nil {
		return 0
	}
	return s.held()
}

// receiveRoom is how many packets are taken from the link at once.
const receiveRoom = 16

// batches are the buffers of stacks that have ended.
var batches = sync.Pool{New: func() any { return link.NewArrivals(receiveRoom, link.MaxPacket) }}

// run receives until the link closes.
func (s *Stack) run() {
	defer close(s.done)
	batch := batches.Get().(*link.Arrivals)
	defer batches.Put(batch)
	for {
		packets, err := link.ReceiveAll(s.link, batch)
		s.mu.Lock()
		now := s.now()
		switch {
		case err == nil:
			for _, p := range packets { // all of them before an answer to any (RFC 9293, MUST-59)
				s.received(now, p)
			}
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.armed = false
			s.link.SetReadDeadline(time.Time{})
			s.endpoint.Advance(now)
		default:
			s.fail(err)
			s.mu.Unlock()
			return
		}
		s.flush()
		s.mu.Unlock()
	}
}

func (s *Stack) received(now tcb.Instant, p link.Packet) {
	if s.tap != nil {
		s.tap(Frame{At: now.Sub(0), KernelSent: p.KernelSent, Packet: p.Data})
	}
	if !p.KernelSent {
		s.endpoint.Receive(now, p.Data, p.ChecksumPartial)
	}
}

// flush sends what is due, and asks the link to wake us at the next deadline.
// Every call into the stack ends here.
func (s *Stack) flush() {
	s.collect()
	s.transmit()
	s.setDeadline()
}

// collect takes the packets that are due from the endpoint, to be sent in one
// call.
func (s *Stack) collect() {
	for s.err == nil {
		now := s.now() // anew for each packet, since its round trip begins now
		b := s.endpoint.Next(now, s.out.bytes)
		if b == nil {
			return
		}
		if s.out.add(now, b); s.out.full() {
			s.transmit()
		}
	}
}

// transmit sends what was collected.
func (s *Stack) transmit() {
	for rest := s.out.packets; len(rest) > 0; {
		n, err := link.SendAll(s.link, rest)
		if err != nil {
			n++ // the one that the link refused
			s.refused(rest[n-1], err)
		}
		if s.tap != nil {
			s.out.show(s.tap, len(s.out.packets)-len(rest), n, err)
		}
		rest = rest[n:]
	}
	s.out.clear()
}

// filteredTries is how many refused packets end an attempt to connect: some
// refusals are transient, such as that of a full connection table.
const filteredTries = 2

// refused ends an attempt to connect that this machine's firewall or IPsec
// policy does not let out. Otherwise it would look as if the peer were silent.
func (s *Stack) refused(packet []byte, err error) {
	if !errors.Is(err, link.ErrFiltered) {
		return
	}
	f := s.endpoint.FlowOf(packet)
	for c := range s.conns {
		if c.flow != f || f.Machine.State() >= tcb.Established {
			continue
		}
		if c.filtered++; c.filtered == filteredTries {
			c.failed = classify(err)
			c.wake()
		}
	}
}

// setDeadline makes the link wake us when the next deadline has passed. If the
// deadline moves to a later time, the old alarm stays set.
func (s *Stack) setDeadline() {
	at, ok := s.endpoint.Deadline()
	if !ok || s.armed && at >= s.alarm {
		return
	}
	s.alarm, s.armed = at, true
	s.link.SetReadDeadline(s.epoch.Add(time.Duration(at) + s.stood()))
}

// fail ends the stack for a reason; the first one counts.
func (s *Stack) fail(err error) {
	if s.err != nil {
		return
	}
	s.err = err
	for c := range s.conns {
		c.wake()
	}
	for ln := range s.listeners {
		ln.wake()
	}
}

// releaseWith makes f run once the last listener and connection are gone.
func (s *Stack) releaseWith(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release = f
}

// unused returns the function that frees what was set up for the stack, if no
// listener and no connection is left; else nil. It returns it once.
func (s *Stack) unused() func() {
	if len(s.conns) > 0 || len(s.listeners) > 0 {
		return nil
	}
	release := s.release
	s.release = nil
	return release
}

// hold sleeps, and goes on for as long as it was woken late, within maxGrace: on
// a machine too busy to wake us in time, what has arrived is not read yet either.
func (s *Stack) hold(stop <-chan struct{}, d time.Duration) {
	end := time.Now().Add(maxGrace)
	for d > 0 && time.Now().Before(end) {
		due := time.Now().Add(d)
		s.sleep(stop, d)
		if time.Now().Before(due) { // stopped
			return
		}
		if d = time.Since(due); d < wokenLate {
			return
		}
	}
}

// wokenLate is more than it takes to be woken on a machine that is not too busy.
const wokenLate = 10 * time.Millisecond

// sleep waits for a while, or until the stack ends or stop is closed, which
// may be nil.
func (s *Stack) sleep(stop <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-stop:
	case <-s.done:
	}
}
