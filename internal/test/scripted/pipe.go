// Connections in memory, which can be reset as TCP's can.

package scripted

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Dial returns what opens connections to a server: each is served in a
// goroutine of its own, and closed when that returns.
func Dial(serve func(net.Conn)) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		client, server := Pipe()
		go func() {
			defer server.Close()
			serve(server)
		}()
		return client, nil
	}
}

// Pipe returns the two ends of a connection.
func Pipe() (client, server *Conn) {
	up, down := newStream(), newStream()
	return &Conn{in: down, out: up}, &Conn{in: up, out: down}
}

// window is how many bytes are on their way before a Write waits.
const window = 64 << 10

// A stream is one direction.
type stream struct {
	mu     sync.Mutex
	news   *sync.Cond
	buf    []byte
	ended  bool  // nothing more is written
	broken error // of both ends, before what is still in buf
	deaf   bool  // nobody reads any more

	read, write time.Time // deadlines
	alarms      [2]*time.Timer
}

func newStream() *stream {
	s := &stream{}
	s.news = sync.NewCond(&s.mu)
	return s
}

func past(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func (s *stream) take(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.deaf:
			return 0, net.ErrClosed
		case past(s.read):
			return 0, os.ErrDeadlineExceeded
		case s.broken != nil:
			return 0, s.broken
		case len(s.buf) > 0:
			n := copy(p, s.buf)
			s.buf = s.buf[n:]
			s.news.Broadcast()
			return n, nil
		case s.ended:
			return 0, io.EOF
		}
		s.news.Wait()
	}
}

func (s *stream) give(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 {
		switch room := window - len(s.buf); {
		case s.broken != nil:
			return n, s.broken
		case s.ended:
			return n, net.ErrClosed
		case s.deaf:
			return n, syscall.EPIPE
		case past(s.write):
			return n, os.ErrDeadlineExceeded
		case room > 0:
			k := min(room, len(p))
			s.buf = append(s.buf, p[:k]...)
			p, n = p[k:], n+k
			s.news.Broadcast()
		default:
			s.news.Wait()
		}
	}
	return n, nil
}

func (s *stream) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.news.Broadcast()
}

// deadline sets one of the two, and wakes who waits when it comes.
func (s *stream) deadline(i int, t time.Time) {
	s.change(func() {
		if s.alarms[i] != nil {
			s.alarms[i].Stop()
		}
		*[]*time.Time{&s.read, &s.write}[i] = t
		if !t.IsZero() {
			s.alarms[i] = time.AfterFunc(time.Until(t), func() { s.change(func() {}) })
		}
	})
}

func (s *stream) quiet() {
	for _, a := range s.alarms {
		if a != nil {
			a.Stop()
		}
	}
}

// Conn is one end of a connection in memory.
type Conn struct{ in, out *stream }

// Read returns what the other end has written.
func (c *Conn) Read(p []byte) (int, error) { return c.in.take(p) }

// Write waits where the other end does not read.
func (c *Conn) Write(p []byte) (int, error) { return c.out.give(p) }

// CloseWrite ends what this end says.
func (c *Conn) CloseWrite() error {
	c.out.change(func() { c.out.ended = true })
	return nil
}

// Close ends both directions.
func (c *Conn) Close() error {
	c.out.change(func() { c.out.ended = true; c.out.quiet() })
	c.in.change(func() { c.in.deaf = true; c.in.quiet() })
	return nil
}

// Reset ends the connection as a RST does.
func (c *Conn) Reset() {
	for _, s := range []*stream{c.in, c.out} {
		s.change(func() { s.broken = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET} })
	}
	c.Close()
}

// SetDeadline sets both.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.deadline(0, t)
	c.out.deadline(1, t)
	return nil
}

// SetReadDeadline is when Read stops waiting.
func (c *Conn) SetReadDeadline(t time.Time) error { c.in.deadline(0, t); return nil }

// SetWriteDeadline is when Write stops waiting.
func (c *Conn) SetWriteDeadline(t time.Time) error { c.out.deadline(1, t); return nil }

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "memory" }

// LocalAddr is no address.
func (c *Conn) LocalAddr() net.Addr { return address{} }

// RemoteAddr is none either.
func (c *Conn) RemoteAddr() net.Addr { return address{} }
