// Sends the request, copies the reply, and says what was waited for when time
// runs out.

package connect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/rawshake/rawshake/internal/conn"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// exchange sends the request and copies the reply, until the reply or the
// connection ends, or the peer is silent for longer than the timeout.
func (r *run) exchange(ctx context.Context) error {
	if err := r.speaksHTTP(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { r.conn.SetDeadline(time.Now()) })
	defer stop()
	working, idle := context.WithCancel(ctx)
	defer idle()
	go r.work(working)
	sent := make(chan error, 1)
	go func() { sent <- r.ask() }()
	var err error
	if r.HTTP {
		err = r.receiveHTTP(ctx)
	} else {
		err = r.receiveAny(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return &goal.InterruptedError{Waiting: "the reply"}
	case err != nil:
		return err
	}
	select {
	case err := <-sent:
		return err
	default:
		return nil // the reply is whole, whatever else there was to send
	}
}

// ask sends the request, unless the server has taken it already.
func (r *run) ask() error {
	var early handshake.EarlyData
	var version tlsmsg.Version
	r.conn.Do(func(tcb.Instant) {
		state := r.machine.TLS().State()
		early, version = state.EarlyData, state.Version
		if r.KeyUpdate {
			r.machine.UpdateKeys()
		}
	})
	if r.KeyUpdate && version < tlsmsg.VersionTLS13 {
		r.note("tls", "key_update_unfit", "no keys are changed: "+version.String()+", which the server has chosen, has no KeyUpdate")
	}
	if early == handshake.EarlyDataAccepted {
		return nil
	}
	request := r.Request
	switch {
	case r.TLS.EarlyData != nil:
		request = bytes.NewReader(r.TLS.EarlyData)
	case !r.HTTP:
		request = io.TeeReader(request, &r.asked)
	}
	n, err := io.Copy(r.conn, request)
	if err == nil && n == 0 {
		err = r.conn.CloseWrite() // nothing was asked, so no reply will come
	}
	return rawtcp.Cause(err)
}

// work does the work of another handshake inside the connection.
func (r *run) work(ctx context.Context) {
	for {
		var work handshake.Work
		var busy bool
		err := r.conn.Wait(ctx, func() bool {
			work, busy = r.machine.Work()
			return busy
		})
		if err != nil {
			return
		}
		result := r.Worker.Do(work)
		r.conn.Do(func(tcb.Instant) { r.machine.Resume(result) })
	}
}

// receiveAny copies what arrives until the peer closes or falls silent. If the
// request was a single one of HTTP/1, the reply is judged as its reply.
func (r *run) receiveAny(ctx context.Context) error {
	d := &download{to: output{r.Output}, left: math.MaxInt64, all: true, method: r.asked.Method}
	n, err := r.receive(ctx, d, func() time.Time {
		if d.whole() && r.Gate == nil {
			return time.Now().Add(min(r.Timeout, closeTimeout))
		}
		return time.Now().Add(r.Timeout)
	})
	switch {
	case d.whole():
		r.noteEnd(err)
		return nil
	case d.cut() != "" && (err == nil || errors.Is(err, handshake.ErrTruncated)):
		return &goal.ReplyCutError{Missing: d.cut(), Err: err}
	case errors.Is(err, os.ErrDeadlineExceeded) && n > 0:
		r.note("tls", "idle", fmt.Sprintf("the peer sent %d bytes and then nothing for %v: we end the connection", n, r.Timeout))
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &goal.TimeoutError{After: r.Timeout, Waiting: "a reply to what was sent", Connected: true}
	}
	return err
}

// receive copies what arrives to an output, until the end of the stream or
// until nothing comes before the deadline.
func (r *run) receive(ctx context.Context, to io.Writer, deadline func() time.Time) (total int64, err error) {
	buf := make([]byte, 16<<10)
	for ctx.Err() == nil {
		r.conn.SetReadDeadline(deadline())
		n, err := r.conn.Read(buf)
		total += int64(n)
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return total, werr
			}
		}
		switch {
		case err == io.EOF:
			return total, nil
		case err != nil:
			return total, rawtcp.Cause(err)
		}
	}
	return total, ctx.Err()
}

// An OutputError says that the reply could not be written where it should go.
type OutputError struct{ Err error }

func (e *OutputError) Error() string { return "the reply cannot be written: " + e.Err.Error() }

// Unwrap returns the error of writing.
func (e *OutputError) Unwrap() error { return e.Err }

// output is where the reply goes; its errors say that it could not be written.
type output struct{ to io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if err != nil {
		return n, &OutputError{err}
	}
	return n, nil
}

// gaveUp turns a timeout or an interrupt into an error that says what was
// waited for.
func (r *run) gaveUp(ctx context.Context, err error) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		if errors.Is(err, context.Canceled) {
			return &goal.InterruptedError{Waiting: r.waiting()}
		}
		return err
	}
	if r.softError != nil && !r.established() {
		if said := r.softError(); said != "" {
			return fmt.Errorf("%w: %s, and no SYN-ACK came in %v", rawtcp.ErrUnreachable, said, r.within.Round(time.Millisecond))
		}
	}
	return r.explain(&goal.TimeoutError{After: r.within.Round(time.Millisecond), Waiting: r.waiting(), Connected: r.established(), Preceding: r.established() && r.preceding()})
}

func waitingFor(ses *conn.Conn) string {
	tcp, tls := ses.TCP(), ses.TLS()
	switch {
	case tcp.State() < tcb.Established || tls == nil && !ses.Preceding():
		return "a SYN-ACK"
	case tcp.Blocked():
		return "the peer to open its receive window, which is closed"
	case ses.Preceding():
		return ses.Preamble().Waiting()
	}
	return answerTo(tls)
}

// answerTo says what a handshake waits for.
func answerTo(tls *handshake.Client) string {
	if tls.MidRecord() {
		return "the rest of an answer to " + tls.LastMessage()
	}
	return "an answer to " + tls.LastMessage()
}
