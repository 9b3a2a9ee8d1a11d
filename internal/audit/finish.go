// A handshake that is taken to its end, and what the server says after it.

package audit

import (
	"errors"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Afterwards bounds the wait for what a server says once a handshake is done.
const Afterwards = time.Second

// A Finish is one such handshake. The driver moves the Client.
type Finish struct {
	Client *handshake.Client

	now     func() time.Duration
	answer  Answer
	came    []time.Duration // of answer.Sessions
	hellos  int             // ServerHellos that came
	refused bool            // a no_renegotiation came
}

// NewFinish makes the client of a question with a Config. The time is counted from
// any moment.
func NewFinish(q *Question, random [32]byte, now func() time.Duration) *Finish {
	f := &Finish{now: now}
	cfg := *q.Config
	cfg.Events, cfg.Random = f.event, random
	f.Client = handshake.NewClient(cfg)
	return f
}

// Take notes how far the handshake has come, and why no further.
func (f *Finish) Take(err error) {
	state := f.Client.State()
	f.answer.State = &state
	f.answer.Finished = f.Client.Stage() >= handshake.StageFinished
	if d, ok := f.Client.Details13(); ok {
		f.answer.More = &d
		if len(d.Tickets) > 0 {
			f.answer.Lifetime = d.Tickets[0].Lifetime
		}
	}
	if f.answer.Finished {
		f.answer.Outcome, f.answer.Err = Agreed, nil
		return
	}
	f.answer.Err = err
	var alert *handshake.AlertError
	var protocol *handshake.ProtocolError
	var closed *handshake.ClosedError
	switch {
	case errors.As(err, &alert):
		f.answer.Outcome, f.answer.Alert = Refused, alert.Alert
	case errors.As(err, &protocol), errors.As(err, new(*handshake.NotTLSError)), errors.As(err, new(*handshake.InternalError)):
		f.answer.Outcome = Strange
	case errors.As(err, &closed):
		f.answer.Outcome = Closed
	default:
		f.answer.Outcome, f.answer.Err = OutcomeOf(err)
	}
}

// Renegotiated reports whether the server has answered another handshake that the
// Client has begun (Client.Renegotiate), by a ServerHello or by a refusal.
func (f *Finish) Renegotiated() bool { return f.hellos > 1 || f.refused }

// NoteRenegotiation notes whether the server allows it. Silence means no.
func (f *Finish) NoteRenegotiation() {
	allowed := f.hellos > 1
	f.answer.Renegotiated = &allowed
}

// Answer is what came, with each session as old as it is now.
func (f *Finish) Answer() *Answer {
	for i, s := range f.answer.Sessions {
		aged := *s
		aged.Age = uint32((f.now() - f.came[i]).Milliseconds())
		f.answer.Sessions[i] = &aged
	}
	return &f.answer
}

// retry keeps a HelloRetryRequest: it names a suite and a group, also where no key
// can be made in that here.
func (f *Finish) retry(raw []byte) {
	m := new(tlsmsg.ServerHello)
	if f.answer.Retry == nil && tlsmsg.ParseInto(m, raw, tlsmsg.Context{}) == nil && m.IsHelloRetryRequest() {
		f.answer.Retry = m
	}
}

func (f *Finish) event(e handshake.Event) {
	switch e := e.(type) {
	case handshake.SessionEvent:
		if len(f.answer.Sessions) < maxChains {
			f.answer.Sessions, f.came = append(f.answer.Sessions, e.Session), append(f.came, f.now())
		}
	case handshake.AlertEvent:
		f.refused = f.refused || e.Dir == handshake.In && e.Description == tlsmsg.AlertNoRenegotiation
	case handshake.MessageEvent:
		if e.Dir != handshake.In || e.Content != tlsmsg.ContentHandshake {
			return
		}
		f.message(e)
	}
}

// message keeps what the machine's state does not have.
func (f *Finish) message(e handshake.MessageEvent) {
	switch e.Type {
	case tlsmsg.TypeServerHello:
		f.hellos++
		f.retry(e.Raw)
		m := new(tlsmsg.ServerHello)
		if f.answer.Share == nil && tlsmsg.ParseInto(m, e.Raw, e.Context) == nil && !m.IsHelloRetryRequest() {
			f.answer.Share = shareOf(m).KeyExchange
		}
	case tlsmsg.TypeServerKeyExchange:
		m := new(tlsmsg.ServerKeyExchange)
		if f.answer.KeyExchange == nil && tlsmsg.ParseInto(m, e.Raw, e.Context) == nil {
			f.answer.KeyExchange = m
		}
	case tlsmsg.TypeCertificateRequest:
		m := new(tlsmsg.CertificateRequest)
		if tlsmsg.ParseInto(m, e.Raw, e.Context) == nil && e.Context.Version >= tlsmsg.VersionTLS13 {
			f.answer.Request13 = m
		}
	}
}
