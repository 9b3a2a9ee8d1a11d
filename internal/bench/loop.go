package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"time"

	"github.com/rawshake/rawshake/internal/session"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A goal is how far the loop's connections go.
type goal int

const (
	toFinished    goal = iota
	toCertificate      // the chain has arrived
	toJudged           // and was judged
)

// loop drives an endpoint by itself: no goroutine, no lock, no wake-up between
// a packet and what follows from it.
type loop struct {
	*shared
	goal     goal
	endpoint *rawtcp.Endpoint
	epoch    time.Time
	in, out  []byte
	alarm    tcb.Instant // as set on the link; 0: none
	mss      uint16
}

func newLoop(t *task, g goal) (client, error) {
	s, err := newSharedLink(t)
	if err != nil {
		return nil, err
	}
	const headers = 40 // IPv4's and TCP's (RFC 9293, section 3.7.1)
	l := &loop{shared: s, goal: g, epoch: time.Now(), in: make([]byte, link.MaxPacket), mss: uint16(s.link.MTU() - headers)}
	var secret [32]byte
	rand.Read(secret[:])
	l.endpoint = rawtcp.NewEndpoint(rawtcp.EndpointConfig{Secret: secret})
	return l, nil
}

func (l *loop) now() tcb.Instant { return tcb.Instant(time.Since(l.epoch)) }

func (l *loop) handshake(ctx context.Context, reached func()) (string, error) {
	local, now := l.local(), l.now()
	s := l.session(tcb.Config{
		LocalPort: local.Port(), RemotePort: l.remote.Port(), MSS: l.mss,
		ISS:             l.endpoint.InitialSequence(now, local, l.remote),
		TimestampOffset: l.endpoint.TimestampOffset(local, l.remote),
	})
	f, err := l.endpoint.Attach(local, l.remote, s)
	if err != nil {
		return "", err
	}
	defer l.endpoint.Detach(f)
	s.Open(now)
	l.endpoint.Touch(f)
	if err := l.until(ctx, f, s, func() bool { return l.at(s) }); err != nil {
		return "", err
	}
	reached()
	if l.goal == toFinished {
		s.CloseWrite()
	} else {
		s.Abort()
	}
	l.endpoint.Touch(f)
	if err := l.until(ctx, f, s, func() bool { return rawtcp.Done(s) }); err != nil {
		return "", err
	}
	return outcome(s)
}

func (l *loop) at(s *session.Session) bool {
	switch l.goal {
	case toCertificate:
		return s.TLS().Stage() >= handshake.StageCertificateReceived
	case toJudged:
		return s.TLS().State().Judged
	}
	return s.TLS().Stage() >= handshake.StageFinished
}

// until sends, works and receives until done.
func (l *loop) until(ctx context.Context, f *rawtcp.Flow, s *session.Session, done func() bool) error {
	for {
		now := l.now()
		for p := l.endpoint.Next(now, l.out[:0]); p != nil; p = l.endpoint.Next(now, l.out[:0]) {
			l.out = p
			if err := l.link.Send(p); err != nil {
				return err
			}
		}
		if done() {
			return nil
		}
		if err := s.Err(); err != nil {
			return err
		}
		if work, busy := s.Work(); busy {
			s.Resume(l.worker.Do(work))
			l.endpoint.Touch(f)
			continue
		}
		if err := l.receive(ctx); err != nil {
			return err
		}
	}
}

// receive waits for one packet or the next deadline.
func (l *loop) receive(ctx context.Context) error {
	if at, ok := l.endpoint.Deadline(); ok && (l.alarm == 0 || at < l.alarm) {
		// A later deadline needs no new alarm: it is set once the old one rings.
		l.alarm = at
		l.link.SetReadDeadline(l.epoch.Add(time.Duration(at)))
	}
	p, err := l.link.Receive(l.in)
	switch {
	case err == nil && !p.Ghost:
		l.endpoint.Receive(l.now(), p.Data, p.ChecksumPartial)
	case errors.Is(err, os.ErrDeadlineExceeded):
		l.alarm = 0
		l.link.SetReadDeadline(time.Time{})
		l.endpoint.Advance(l.now())
	case err != nil:
		return err
	}
	return ctx.Err()
}
