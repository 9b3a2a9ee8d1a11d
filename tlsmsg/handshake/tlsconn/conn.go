// TLS over a stream, as a net.Conn.

package tlsconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A Machine is one side of a handshake: a *handshake.Client or a
// *handshake.Server.
type Machine interface {
	Work() (handshake.Work, bool)
	Resume(handshake.Result)
	Receive([]byte)
	Room() int
	TransportEOF()
	Output() []byte
	AppendOutput([]byte) []byte
	Write([]byte) int
	CanWrite() bool
	Peek() []byte
	Discard(int)
	EOF() bool
	CloseWrite()
	Abort(tlsmsg.AlertDescription)
	Stage() handshake.Stage
	State() handshake.State
	LastMessage() string
	Err() error
}

// A Worker does the work that a machine yields: a *worker.Worker, for one.
type Worker interface {
	Do(handshake.Work) handshake.Result
}

// A Conn is TLS over a stream, as a net.Conn. Its methods may be called from
// several goroutines at once.
//
// A Read or Write that ends at its deadline does no harm: what it had begun to
// send is sent by the next one, or by Close.
type Conn struct {
	stream net.Conn
	worker Worker
	strict bool // a chain that does not verify ends the connection

	turn chan struct{} // full while somebody moves the handshake
	done atomic.Bool   // it is finished

	in  sync.Mutex // held by who reads the stream; taken before out
	buf []byte     // guarded by in

	out     sync.Mutex // held by who writes the stream
	pending []byte     // guarded by out: made by the machine, not taken by the stream yet
	broken  error      // guarded by out: why the stream takes no more

	mu          sync.Mutex // guards the machine and what follows; taken last
	machine     Machine
	started     bool
	refused     error // the verdict on the peer's chain, which ended the connection
	untrusted   error // the verdict, where nothing may be written because of it
	closed      bool
	over        bool // the peer's stream has ended, as the machine knows
	writeClosed bool
	early       []byte        // data that came before the handshake was done, for Read
	news        chan struct{} // closed at the next change, for a Write that waits; nil: none does

	deadlines struct{ read, write time.Time } // guarded by mu
}

var _ net.Conn = (*Conn)(nil)

// New returns a Conn that moves a machine over a stream. It owns both from now
// on: look at the machine only within [Conn.Do] and [Conn.Until]. The caller
// handles a peer whose chain does not verify: see handshake.State.
func New(stream net.Conn, m Machine, w Worker) *Conn {
	return &Conn{stream: stream, worker: w, machine: m, turn: make(chan struct{}, 1)}
}

// Handshake moves the handshake to its end. It returns nil once both Finished
// are exchanged and the peer's chain is verified, or an error; the machine's
// errors are those of package handshake. Calling it is optional: Read and Write
// do.
func (c *Conn) Handshake(ctx context.Context) error {
	if c.done.Load() {
		return nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return c.opError("handshake", context.Cause(ctx))
	}
	if c.done.Load() {
		return nil
	}
	err := c.Until(ctx, c.finished)
	c.done.Store(err == nil)
	return c.opError("handshake", err)
}

// finished reports whether the handshake is finished, and records its result.
// The caller holds mu.
func (c *Conn) finished() bool {
	if c.machine.Stage() < handshake.StageFinished {
		return false
	}
	if state := c.machine.State(); !c.machine.CanWrite() {
		c.untrusted = state.Verdict
	}
	return true
}

// Until moves the handshake until f reports true. F is called while nothing
// else moves the machine, at first and after each change. Until ends early with
// the connection's error or the context's, and with one that wraps io.EOF where
// the peer has ended the connection in good order. The end of the context also ends
// Reads and Writes that are waiting, as a deadline does, and leaves the
// connection as it is.
func (c *Conn) Until(ctx context.Context, f func() bool) error {
	restored := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(restored)
		_ = c.stream.SetDeadline(time.Unix(1, 0))
	})
	defer func() {
		if !stop() {
			<-restored
			c.restoreDeadlines()
		}
	}()
	if done, err := c.readOr(ctx, f); done || err != nil {
		return err
	}
	defer c.endRead()
	for {
		sent := c.move()
		if err := c.ended(ctx); err != nil {
			return err
		}
		switch done, err := c.reached(f); {
		case done:
			return nil
		case err != nil:
			return err
		case errors.Is(sent, os.ErrDeadlineExceeded):
			return sent
		}
		if err := c.receive(); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// reached asks f, and says why it will not be true any more.
func (c *Conn) reached(f func() bool) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f() && c.refused == nil {
		return true, nil
	}
	return false, c.failure()
}

// ended is the error of a context that has ended.
func (c *Conn) ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("%w, while waiting for %s", context.Cause(ctx), c.waiting())
}

// waiting says what is waited for.
func (c *Conn) waiting() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := c.machine.LastMessage(); last != "nothing" {
		return "an answer to " + last
	}
	return "the peer's first message"
}

// Do runs f while nothing else moves the machine, and then sends what has
// become due. F may call the machine, but not the Conn.
func (c *Conn) Do(f func(Machine)) error {
	c.mu.Lock()
	f(c.machine)
	c.mu.Unlock()
	return c.move()
}

// ConnectionState returns what is known of the connection: version, suite, the
// peer's chain, the protocol that was chosen. Slices in it are shared: do not
// write to them.
func (c *Conn) ConnectionState() handshake.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machine.State()
}

// NetConn returns the stream below.
func (c *Conn) NetConn() net.Conn { return c.stream }

// LocalAddr returns the stream's local address.
func (c *Conn) LocalAddr() net.Addr { return c.stream.LocalAddr() }

// RemoteAddr returns the stream's remote address.
func (c *Conn) RemoteAddr() net.Addr { return c.stream.RemoteAddr() }

// SetDeadline sets the read and the write deadline, as net.Conn describes.
func (c *Conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadlines.read, c.deadlines.write = t, t
	c.wake()
	return c.stream.SetDeadline(t)
}

// SetReadDeadline makes Read fail at t, also one that waits now. The zero time
// means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadlines.read = t
	return c.stream.SetReadDeadline(t)
}

// SetWriteDeadline makes Write fail at t, also one that waits now. The zero
// time means no deadline.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadlines.write = t
	c.wake()
	return c.stream.SetWriteDeadline(t)
}

func (c *Conn) restoreDeadlines() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.stream.SetReadDeadline(c.deadlines.read)
	_ = c.stream.SetWriteDeadline(c.deadlines.write)
}

// opError adds the operation and the connection to an error.
func (c *Conn) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	var outer *net.OpError
	if errors.As(err, &outer) && outer.Op == op {
		return err
	}
	return &net.OpError{Op: op, Net: "tls", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
