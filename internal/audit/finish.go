// Takes a handshake to its end, over a stream.

package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
)

// afterwards bounds the wait for what a server says once a handshake is done.
const afterwards = time.Second

// finishing is one handshake under way.
type finishing struct {
	client  *handshake.Client
	conn    *tlsconn.Conn
	answer  Answer
	came    []time.Time // of answer.Sessions
	hellos  int         // ServerHellos that came
	refused bool        // a no_renegotiation came
}

// handshake makes one, and what the question asks for after it.
func (r *running) handshake(ctx context.Context, q *Question, stream net.Conn) *Answer {
	f := &finishing{}
	cfg := *q.Config
	cfg.Events = f.event
	rand.Read(cfg.Random[:])
	f.client = handshake.NewClient(cfg)
	f.conn = tlsconn.New(stream, f.client, r.Worker)
	defer stream.Close()
	err := f.conn.Until(ctx, func() bool { return f.client.Stage() >= handshake.StageFinished })
	f.take(err)
	if f.answer.Finished {
		f.after(ctx, q)
	}
	f.ages()
	return &f.answer
}

// take makes the answer of what the machine knows.
func (f *finishing) take(err error) {
	_ = f.conn.Do(func(tlsconn.Machine) {
		state := f.client.State()
		f.answer.State = &state
		f.answer.Finished = f.client.Stage() >= handshake.StageFinished
		if d, ok := f.client.Details13(); ok {
			f.answer.More = &d
		}
	})
	if f.answer.Finished {
		f.answer.Outcome = Agreed
		return
	}
	f.answer.Err = err
	var alert *handshake.AlertError
	var protocol *handshake.ProtocolError
	switch {
	case errors.As(err, &alert):
		f.answer.Outcome, f.answer.Alert = Refused, alert.Alert
	case errors.As(err, &protocol):
		f.answer.Outcome = Strange
	default:
		f.answer.Outcome, f.answer.Err = endOf(err)
	}
}

// after waits for tickets, or begins another handshake, and ends in good order.
func (f *finishing) after(ctx context.Context, q *Question) {
	ctx, cancel := context.WithTimeout(ctx, afterwards)
	defer cancel()
	if q.Renegotiate {
		f.renegotiate(ctx)
	}
	_ = f.conn.CloseWrite()
	if !q.Tickets {
		return
	}
	_ = f.conn.Until(ctx, func() bool { return f.client.EOF() })
	state := *f.answer.State
	f.take(nil)
	state.TicketReceived = f.answer.State.TicketReceived
	if f.answer.More != nil && len(f.answer.More.Tickets) > 0 {
		f.answer.Lifetime = f.answer.More.Tickets[0].Lifetime
	}
}

// renegotiate begins another handshake: a server that answers with a
// ServerHello allows it.
func (f *finishing) renegotiate(ctx context.Context) {
	begun := false
	f.hellos = 0
	state := *f.answer.State
	_ = f.conn.Do(func(tlsconn.Machine) { begun = f.client.Renegotiate() })
	if !begun {
		return
	}
	_ = f.conn.Until(ctx, func() bool { return f.hellos > 0 || f.refused })
	allowed := f.hellos > 0
	f.answer.Renegotiated = &allowed
	f.answer.State = &state
}

func (f *finishing) event(e handshake.Event) {
	switch e := e.(type) {
	case handshake.SessionEvent:
		if len(f.answer.Sessions) < maxChains {
			f.answer.Sessions, f.came = append(f.answer.Sessions, e.Session), append(f.came, time.Now())
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
func (f *finishing) message(e handshake.MessageEvent) {
	switch e.Type {
	case tlsmsg.TypeServerHello:
		f.hellos++
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

// ages tells each session how old it is.
func (f *finishing) ages() {
	for i, s := range f.answer.Sessions {
		aged := *s
		aged.Age = uint32(time.Since(f.came[i]).Milliseconds())
		f.answer.Sessions[i] = &aged
	}
}
