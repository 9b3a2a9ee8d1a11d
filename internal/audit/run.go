// The blocking driver: one goroutine for each connection that is under way.

package audit

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/rawshake/rawshake/internal/goal"
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
	Limit       time.Duration                       // for the audit; 0: DefaultLimit
	Concurrency int                                 // connections at once; 0: DefaultConcurrency
	Rate        float64                             // connections begun in a second; 0: without limit
	Progress    func(connections int, about string) // when a connection is begun; may be nil
	Told        func(q *Question, answer *Answer)   // when its answer has come; may be nil
}

// DefaultConcurrency is how many connections to one server are open at once.
const DefaultConcurrency = 4

// DefaultLimit is how long an audit may take: much longer than one of a server that
// serves a connection a second.
const DefaultLimit = 10 * time.Minute

// errLimit ends an audit.
var errLimit = errors.New("the audit has taken as long as it may")

// Run audits one server. The end of the context ends it early: the report says
// what was not asked.
func Run(ctx context.Context, d Driver) *Report {
	if d.Random == nil {
		d.Random = func(b []byte) { rand.Read(b) }
	}
	if d.Concurrency <= 0 {
		d.Concurrency = DefaultConcurrency
	}
	if d.Limit <= 0 {
		d.Limit = DefaultLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.Limit, errLimit)
	defer cancel()
	start := time.Now()
	if d.Time.IsZero() {
		d.Time = start
	}
	a := New(d.Options)
	r := &running{Driver: d, audit: a, answers: make(chan answered, d.Concurrency)} // an audit that is stopped takes no more of them
	r.loop(ctx)
	report := a.Report(d.Worker)
	report.DurationMS = float64(time.Since(start).Microseconds()) / 1000
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
	resume  time.Time // no connection begins before
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
		switch {
		case errors.Is(context.Cause(ctx), errLimit):
			r.audit.Stop(errLimit.Error())
		case ctx.Err() != nil:
			r.audit.Stop("the audit was interrupted")
		}
		if r.Told != nil {
			r.Told(got.turn.Question, got.answer)
		}
		r.audit.Answer(got.turn, got.answer)
		r.resume = later(r.resume, time.Now().Add(r.audit.Pause()))
	}
}

// begin asks as many questions as may be open.
func (r *running) begin(ctx context.Context) {
	for r.open < r.Concurrency {
		if wait := time.Until(r.resume); wait > 0 {
			if r.open > 0 {
				return
			}
			sleep(ctx, wait)
		}
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

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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
		stream, err := r.Preamble.open(ctx, conn, r.Timeout)
		if err != nil {
			conn.Close()
			return Unopened(err)
		}
		conn = stream
	}
	answer := r.converse(ctx, q, conn, first)
	if answer.Outcome == Silent && !errors.Is(ctx.Err(), context.Canceled) {
		answer.Err = &goal.TimeoutError{After: r.Timeout, Waiting: "an answer to " + afterHello, Connected: true}
	}
	return answer
}

// converse has the question asked on an open connection.
func (r *running) converse(ctx context.Context, q *Question, conn net.Conn, first []byte) *Answer {
	if q.Config != nil {
		return r.handshake(ctx, q, conn)
	}
	defer conn.Close()
	return exchange(ctx, conn, q.V2, first)
}

// Unopened is the answer where what precedes TLS did not come to its end.
func Unopened(err error) *Answer {
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
		_ = conn.Do(func(tlsconn.Machine) { begun = f.Client.Renegotiate() })
		if begun {
			_ = conn.Until(ctx, f.Renegotiated)
			f.NoteRenegotiation()
			abort(stream) // in the middle of a handshake there is no good order to end in
			return f.Answer()
		}
	}
	_ = conn.CloseWrite()
	if q.Tickets {
		_ = conn.Until(ctx, func() bool { return f.Client.EOF() })
		_ = conn.Do(take)
	}
	return f.Answer()
}

// abort ends a stream with a RST, where it has a way to.
func abort(stream net.Conn) {
	if b, ok := stream.(*behind); ok {
		stream = b.Conn
	}
	switch c := stream.(type) {
	case *rawtcp.Conn:
		c.Abort()
	case *net.TCPConn:
		_ = c.SetLinger(0)
	}
}

// exchange sends a hello, and reads the first flight that answers it.
func exchange(ctx context.Context, conn net.Conn, v2 bool, first []byte) *Answer {
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	f := &Flight{V2: v2}
	_, unsent := conn.Write(first) // the server may have answered, and closed, before it had all
	buf := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buf)
		if n > 0 && f.Receive(buf[:n]) {
			return f.Answer()
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = cmp.Or(unsent, err)
			}
			f.End(OutcomeOf(err))
			return f.Answer()
		}
	}
}

func isReset(err error) bool {
	return errors.Is(err, tcb.ErrReset) || errors.Is(err, rawtcp.ErrReset) || errors.Is(err, rawtcp.ErrRefused) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, tcb.ErrTimeout)
}
