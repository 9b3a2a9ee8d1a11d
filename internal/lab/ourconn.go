package lab

import (
	"errors"
	"io"
	"net"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// ourConn is the blocking driver of one server machine: bytes from the
// kernel's TCP go in, the machine's bytes go out, and what it yields is done
// at once.
type ourConn struct {
	*handshake.Server
	tcp     *net.TCPConn
	worker  *worker.Worker
	culprit culprit
	buf     []byte
}

// conn makes the machine for one connection.
func (s *OurServer) conn(tcp *net.TCPConn) *ourConn {
	c := &ourConn{tcp: tcp, worker: s.worker, culprit: culprit{Misbehaviour: s.o.Misbehaviour}, buf: make([]byte, 32<<10)}
	cfg := s.config
	cfg.Random = [32]byte(random(32))
	if s.o.SessionIDs {
		cfg.SessionID = random(32)
	}
	cfg.Tamper = c.culprit.tamper()
	c.Server = handshake.NewServer(cfg)
	return c
}

// errMisbehaved ends a connection that the server was told to end so.
var errMisbehaved = errors.New("the server ended the connection as it was told to")

// flush does the work that is due and sends what was made.
func (c *ourConn) flush() error {
	for {
		c.worker.Finish(c.Server)
		out := c.Next()
		if len(out) == 0 {
			break
		}
		if _, err := c.tcp.Write(out); err != nil {
			return err
		}
	}
	if c.culprit.over > silent {
		return errMisbehaved
	}
	return c.Err()
}

// more waits for bytes and hands them to the machine.
func (c *ourConn) more() error {
	if err := c.flush(); err != nil {
		return err
	}
	n, err := c.tcp.Read(c.buf[:min(len(c.buf), c.Room())])
	c.Receive(c.buf[:n])
	switch {
	case errors.Is(err, io.EOF):
		c.TransportEOF()
	case err != nil:
		return err
	}
	return c.flush()
}

func (c *ourConn) handshake() error {
	for c.Stage() != handshake.StageFinished {
		if err := c.more(); err != nil {
			return err
		}
	}
	return nil
}

// Read reads application data; io.EOF is the client's close_notify.
func (c *ourConn) Read(p []byte) (int, error) {
	for len(c.Peek()) == 0 {
		if c.EOF() {
			return 0, io.EOF
		}
		if err := c.more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.Peek())
	c.Discard(n)
	return n, c.flush()
}

// Write sends application data.
func (c *ourConn) Write(p []byte) (n int, err error) {
	for n < len(p) {
		taken := c.Server.Write(p[n:])
		if n += taken; taken == 0 && c.Err() == nil {
			return n, net.ErrClosed
		}
		if err := c.flush(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// closeWrite says close_notify, and then FIN.
func (c *ourConn) closeWrite() error {
	c.CloseWrite()
	return errors.Join(c.flush(), c.tcp.CloseWrite())
}

// end ends the connection, as it was told to or in good order.
func (c *ourConn) end() {
	if c.culprit.over == withRST {
		_ = c.tcp.SetLinger(0)
		_ = c.tcp.Close()
		return
	}
	finish(c.tcp)
}
