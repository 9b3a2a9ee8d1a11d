// Our client as an event loop over an endpoint.

package main

import (
	"crypto/rand"
	"errors"
	"os"
	"time"

	"github.com/rawshake/rawshake/internal/conn"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A goal is how far the loop's connections go.
type goal int

const (
	toFinished    goal = iota
	toCertificate      // the chain has arrived
	toJudged           // the chain was judged
)

// loop drives an endpoint in one goroutine, without a lock or a wake-up between
// a packet and what follows from it.
type loop struct {
	*shared
	goal     goal
	endpoint *endpoint.Endpoint
	epoch    time.Time
	in       *link.Arrivals
	bytes    []byte      // of the packets to send
	out      [][]byte    // the packets
	alarm    tcb.Instant // as set on the link; 0: none
	mss      uint16

	changed []*attempt // whose machine may have changed
	active  int
	done    func(time.Duration, string)
}

// An attempt is one connection of the loop.
type attempt struct {
	session *conn.Conn
	flow    *endpoint.Flow
	begin   tcb.Instant
	queued  bool // in loop.changed
	reached bool // whether the goal was reached; only the end follows
	over    bool
}

func newLoop(t *task, g goal) (client, error) {
	s, err := newSharedLink(t)
	if err != nil {
		return nil, err
	}
	const headers = 40 // IPv4's and TCP's (RFC 9293, section 3.7.1)
	l := &loop{shared: s, goal: g, epoch: time.Now(), in: link.NewArrivals(64, link.MaxPacket), mss: uint16(s.link.MTU() - headers)}
	var secret [32]byte
	rand.Read(secret[:])
	l.endpoint = endpoint.New(endpoint.Config{Secret: secret})
	return l, nil
}

func (l *loop) now() tcb.Instant { return tcb.Instant(time.Since(l.epoch)) }

func (l *loop) run(n int, done func(time.Duration, string)) error {
	l.done = done
	for n > 0 || l.active > 0 {
		for ; n > 0 && l.active < l.atATime; n-- {
			if err := l.open(); err != nil {
				return err
			}
		}
		for len(l.changed) > 0 {
			a := l.changed[0]
			l.changed = l.changed[1:]
			a.queued = false
			if err := l.step(a); err != nil {
				return err
			}
		}
		if err := l.send(); err != nil {
			return err
		}
		if l.active > 0 && len(l.changed) == 0 {
			if err := l.receive(); err != nil {
				return err
			}
		}
	}
	return nil
}

// open starts a connection.
func (l *loop) open() error {
	local, now := l.take(), l.now()
	a := &attempt{begin: now}
	a.session = l.session(tcb.Config{
		LocalPort: local.Port(), RemotePort: l.remote.Port(), MSS: l.mss,
		ISS:             l.endpoint.InitialSequence(now, local, l.remote),
		TimestampOffset: l.endpoint.TimestampOffset(local, l.remote),
		DataOnACK:       true, // as in a prober: the ClientHello is on the ACK
	})
	f, err := l.endpoint.Attach(local, l.remote, a.session)
	if err != nil {
		return err
	}
	a.flow = f
	f.Changed = func() {
		if !a.queued {
			a.queued = true
			l.changed = append(l.changed, a)
		}
	}
	a.session.Open(now)
	l.endpoint.Touch(f)
	l.active++
	return nil
}

// step advances one connection as far as possible without another packet.
func (l *loop) step(a *attempt) error {
	s := a.session
	work, busy := s.Work()
	switch {
	case a.over:
	case !a.reached && l.at(s):
		a.reached = true
		negotiated, err := outcome(s)
		if err != nil {
			return err
		}
		l.done(l.now().Sub(a.begin), negotiated)
		if l.goal == toFinished {
			s.CloseWrite()
		} else {
			s.Abort()
		}
		l.endpoint.Touch(a.flow)
	case a.reached && rawtcp.Done(s):
		l.collect() // what it still has to send, before it is forgotten
		a.over = true
		l.endpoint.Detach(a.flow)
		l.give(a.flow.Local)
		l.active--
	case !a.reached && s.Err() != nil:
		return s.Err()
	case !a.reached && busy:
		// Send what is due, so that the other side can work meanwhile, unless
		// it has enough to do.
		if l.atATime == 1 {
			if err := l.send(); err != nil {
				return err
			}
		}
		s.Resume(l.worker.Do(work))
		l.endpoint.Touch(a.flow)
	}
	return nil
}

func (l *loop) at(s *conn.Conn) bool {
	switch l.goal {
	case toCertificate:
		return s.TLS().Stage() >= handshake.StageCertificateReceived
	case toJudged:
		return s.TLS().State().Judged
	}
	return s.TLS().Stage() >= handshake.StageFinished
}

// send sends what is due, in one call.
func (l *loop) send() error {
	l.collect()
	if len(l.out) == 0 {
		return nil
	}
	_, err := link.SendAll(l.link, l.out)
	l.bytes, l.out = l.bytes[:0], l.out[:0]
	return err
}

// collect takes what is due from the endpoint.
func (l *loop) collect() {
	now := l.now()
	for {
		b := l.endpoint.Next(now, l.bytes)
		if b == nil {
			return
		}
		l.out = append(l.out, b[len(l.bytes):])
		l.bytes = b
	}
}

// receive waits for packets or the next deadline. A connection that fails ends
// by its machine's own timeouts.
func (l *loop) receive() error {
	if at, ok := l.endpoint.Deadline(); ok && (l.alarm == 0 || at < l.alarm) {
		// A later deadline needs no new alarm: it is set once the old one has
		// fired.
		l.alarm = at
		l.link.SetReadDeadline(l.epoch.Add(time.Duration(at)))
	}
	packets, err := link.ReceiveAll(l.link, l.in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.alarm = 0
		l.link.SetReadDeadline(time.Time{})
		l.endpoint.Advance(l.now())
		return nil
	}
	now := l.now()
	for _, p := range packets {
		if !p.KernelSent {
			l.endpoint.Receive(now, p.Data, p.ChecksumPartial)
			l.collect()
		}
	}
	return err
}
