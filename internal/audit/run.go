// The blocking driver: one goroutine for each connection that is under way.

package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// A Driver says how an audit connects.
type Driver struct {
	Options
	// Dial opens a TCP connection.
	Dial        func(context.Context) (net.Conn, error)
	Preamble    *Preamble // is said before TLS; nil: nothing is
	Worker      *worker.Worker
	Timeout     time.Duration                       // for one connection
	Concurrency int                                 // connections at once; 0: DefaultConcurrency
	Rate        float64                             // connections begun in a second; 0: without limit
	Progress    func(connections int, about string) // when a connection is begun; may be nil
	Told        func(q *Question, answer *Answer)   // when its answer has come; may be nil
}

// DefaultConcurrency is how many connections to one server are open at once.
const DefaultConcurrency = 4

// Run audits one server. The end of the context ends it early: the report says
// what was not asked.
func Run(ctx context.Context, d Driver) *Report {
	if d.Random == nil {
		d.Random = func(b []byte) { rand.Read(b) }
	}
	if d.Concurrency <= 0 {
		d.Concurrency = DefaultConcurrency
	}
	start := time.Now()
	a := New(d.Options)
	r := &running{Driver: d, audit: a, answers: make(chan answered)}
	r.loop(ctx)
	report := a.Report(d.Worker)
	report.Time, report.DurationMS = start.UTC(), float64(time.Since(start).Microseconds())/1000
	return report
}

type answered struct {
	turn   Turn
	answer *Answer
}

// running is one audit under way.
type running struct {
	Driver
	audit   *Audit
	answers chan answered
	open    int
	last    time.Time
	wg      sync.WaitGroup
}

func (r *running) loop(ctx context.Context) {
	defer r.wg.Wait()
	for !r.audit.Done() {
		r.begin(ctx)
		if r.open == 0 {
			return
		}
		got := <-r.answers
		r.open--
		if ctx.Err() != nil {
			r.audit.Stop("the audit was interrupted")
		}
		if r.Told != nil {
			r.Told(got.turn.Question, got.answer)
		}
		r.audit.Answer(got.turn, got.answer)
		if pause := r.audit.Pause(); pause > 0 && r.open == 0 {
			sleep(ctx, pause)
		}
	}
}

// begin asks as many questions as may be open.
func (r *running) begin(ctx context.Context) {
	for r.open < r.Concurrency {
		turn, ok := r.audit.Next()
		if !ok {
			return
		}
		r.pace(ctx)
		r.open++
		if r.Progress != nil {
			r.Progress(r.audit.Connections(), turn.Question.About)
		}
		first := []byte(nil)
		if turn.Question.Config == nil {
			first = r.audit.Encode(turn.Question)
		}
		r.wg.Add(1)
		go func() {
			defer r.wg.Done()
			r.answers <- answered{turn, r.ask(ctx, turn.Question, first)}
		}()
	}
}

// pace keeps connections apart, as the rate says.
func (r *running) pace(ctx context.Context) {
	if r.Rate <= 0 {
		return
	}
	gap := time.Duration(float64(time.Second) / r.Rate)
	sleep(ctx, time.Until(r.last.Add(gap)))
	r.last = time.Now()
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// ask makes one connection.
func (r *running) ask(ctx context.Context, q *Question, first []byte) *Answer {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	conn, err := r.Dial(ctx)
	if err != nil {
		outcome := Unreachable
		if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			outcome = Silent
		}
		return &Answer{Outcome: outcome, Err: err}
	}
	if r.Preamble != nil {
		stream, err := r.Preamble.open(ctx, conn)
		if err != nil {
			conn.Close()
			return unopened(err)
		}
		conn = stream
	}
	if q.Config != nil {
		return r.handshake(ctx, q, conn)
	}
	defer conn.Close()
	return exchange(ctx, conn, q.V2, first)
}

// unopened is the answer where TLS could not begin.
func unopened(err error) *Answer {
	if errors.As(err, new(*starttls.Error)) {
		return &Answer{Outcome: Strange, Err: err}
	}
	outcome, err := OutcomeOf(err)
	return &Answer{Outcome: outcome, Err: err}
}

// handshake makes one to its end, and what the question asks for after it.
func (r *running) handshake(ctx context.Context, q *Question, stream net.Conn) *Answer {
	defer stream.Close()
	var random [32]byte
	r.Random(random[:])
	start := time.Now()
	f := NewFinish(q, random, func() time.Duration { return time.Since(start) })
	conn := tlsconn.New(stream, f.Client, r.Worker)
	err := conn.Until(ctx, func() bool { return f.Client.Stage() >= handshake.StageFinished })
	take := func(tlsconn.Machine) { f.Take(err) }
	_ = conn.Do(take)
	if !f.answer.Finished {
		return f.Answer()
	}
	ctx, cancel := context.WithTimeout(ctx, Afterwards)
	defer cancel()
	if q.Renegotiate {
		begun := false
		_ = conn.Do(func(tlsconn.Machine) { begun = f.Renegotiate() })
		if begun {
			_ = conn.Until(ctx, f.Renegotiated)
			f.NoteRenegotiation()
		}
	}
	_ = conn.CloseWrite()
	if q.Tickets {
		_ = conn.Until(ctx, func() bool { return f.Client.EOF() })
		_ = conn.Do(take)
	}
	return f.Answer()
}

// exchange sends a hello, and reads the first flight that answers it.
func exchange(ctx context.Context, conn net.Conn, v2 bool, first []byte) *Answer {
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	f := &Flight{V2: v2}
	if _, err := conn.Write(first); err != nil {
		f.End(OutcomeOf(err))
		return f.Answer()
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buf)
		if n > 0 && f.Receive(buf[:n]) {
			return f.Answer()
		}
		if err != nil {
			f.End(OutcomeOf(err))
			return f.Answer()
		}
	}
}

func isReset(err error) bool {
	return errors.Is(err, tcb.ErrReset) || errors.Is(err, rawtcp.ErrReset) || errors.Is(err, rawtcp.ErrRefused)
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, tcb.ErrTimeout)
}
