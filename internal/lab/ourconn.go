package lab

import (
	"context"
	"errors"
	"net"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
)

// ourConn is one connection of a server that may be told to do wrong: TLS of
// ours over the kernel's TCP.
type ourConn struct {
	*tlsconn.Conn
	server *handshake.Server
	tcp    *net.TCPConn
	faulty *faulty
}

// conn makes the machine for one connection.
func (s *OurServer) conn(tcp *net.TCPConn) *ourConn {
	c := &ourConn{tcp: tcp, faulty: &faulty{ServerFault: s.o.Wrong}}
	cfg := s.config
	cfg.Random = [32]byte(random(32))
	if s.o.SessionIDs {
		cfg.SessionID = random(32)
	}
	cfg.Tamper, _ = c.faulty.tamper() // prepare has tried it
	c.server = handshake.NewServer(cfg)
	c.Conn = tlsconn.New(tcp, c.server, s.worker)
	return c
}

// errAsTold ends a connection that the server was told to end so.
var errAsTold = errors.New("the server ended the connection as it was told to")

func (c *ourConn) handshake() error {
	err := c.Until(context.Background(), func() bool { return c.over() || c.server.Stage() == handshake.StageFinished })
	return c.judged(err)
}

// over reports whether the server was told to end it, and has got so far.
func (c *ourConn) over() bool { return c.faulty.over > silent }

// judged is an error, or that the server was told to end it.
func (c *ourConn) judged(err error) error {
	if c.over() {
		return errAsTold
	}
	return err
}

// Read reads application data; io.EOF is the client's close_notify.
func (c *ourConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.judged(err)
}

// Write sends application data.
func (c *ourConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.judged(err)
}

// closeWrite says close_notify, and then FIN.
func (c *ourConn) closeWrite() error {
	return errors.Join(c.judged(c.CloseWrite()), c.tcp.CloseWrite())
}

// end ends the connection, as it was told to or in good order.
func (c *ourConn) end() {
	if c.faulty.over == withRST {
		_ = c.tcp.SetLinger(0)
		_ = c.tcp.Close()
		return
	}
	finish(c.tcp)
}
