// A TLS server, whoever's TLS it is: a session for each connection.

package service

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A Server is a TLS server behind the kernel's TCP. S is what its TLS says of a
// connection.
type Server[S any] struct {
	*pki.Papers
	acceptor

	o    Options
	open func(*net.TCPConn) speaker[S]
	log  *sessionLog[Session[S]]
}

// TLSServer is a server made of crypto/tls.
type TLSServer = Server[tls.ConnectionState]

// OurServer is a server made of this project's own TLS, which can do wrong.
type OurServer = Server[handshake.State]

// A Session is what the server saw of one connection, once it has ended.
type Session[S any] struct {
	Client   netip.AddrPort
	Complete bool // the handshake was finished
	State    S
	Request  []byte // the application data that the client sent, at most 64 KiB
	// CloseNotify says that the client said goodbye before its FIN.
	CloseNotify bool
	// Err is why the connection ended early, nil if it did not.
	Err error
	// Alert is what the client sent, 0 if it sent none other than close_notify.
	Alert tlsmsg.AlertDescription
}

// A speaker is TLS on one connection of a server.
type speaker[S any] interface {
	io.ReadWriter
	handshake() error
	closeWrite() error // says close_notify
	closed() bool      // whether the client has said it
	state() S
	alert(error) tlsmsg.AlertDescription // the client's, in an error
	reset() bool                         // whether the connection ends with a RST
}

const (
	patience    = 10 * time.Minute // for each connection, on a machine with much to do
	maxRequest  = 64 << 10         // bytes
	maxSessions = 1 << 10          // kept for Sessions and Next
)

// NewTLSServer serves TLS of crypto/tls on a listener, which it owns from now
// on, with a certificate for [pki.ServerName], for the listener's address, and
// for these.
func NewTLSServer(ln net.Listener, o Options, addresses ...netip.Addr) (*TLSServer, error) {
	return start(newTLSServer, ln, o, addresses)
}

// NewOurServer is [NewTLSServer] with TLS of our own.
func NewOurServer(ln net.Listener, o Options, addresses ...netip.Addr) (*OurServer, error) {
	return start(newOurServer, ln, o, addresses)
}

func start[S any](make func(Options) (*Server[S], error), ln net.Listener, o Options, addresses []netip.Addr) (*Server[S], error) {
	o, err := o.with(ln, addresses)
	var s *Server[S]
	if err == nil {
		s, err = make(o)
	}
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	s.accept(ln, s.talk)
	return s, nil
}

// newServer makes a server without a listener: talk is given connections.
func newServer[S any](o Options, open func(*net.TCPConn) speaker[S]) (s *Server[S], err error) {
	s = &Server[S]{o: o, open: open, log: newSessionLog[Session[S]](maxSessions)}
	s.Papers, err = pki.NewPapers(o.PKI)
	return s, err
}

// Sessions are the connections that have ended so far, oldest first.
func (s *Server[S]) Sessions() []Session[S] { return s.log.all() }

// Next waits for the next connection to end, in their order, from the first.
// One that it has returned is not returned again. After Close the error is
// [os.ErrClosed].
func (s *Server[S]) Next(ctx context.Context) (Session[S], error) { return s.log.next(ctx) }

// Close ends the server and its connections.
func (s *Server[S]) Close() error {
	err := s.stop()
	s.log.close()
	_ = s.Papers.Close()
	return err
}

func (s *Server[S]) talk(c net.Conn) { s.log.add(s.session(c.(*net.TCPConn))) }

// session serves one connection: handshake, one request, one reply,
// close_notify, FIN, and what the client still has to say.
func (s *Server[S]) session(tcp *net.TCPConn) Session[S] {
	_ = tcp.SetDeadline(time.Now().Add(patience))
	c := s.open(tcp)
	ses := Session[S]{Client: addrPort(tcp.RemoteAddr())}
	ses.Err = c.handshake()
	ses.Complete = ses.Err == nil
	if ses.Complete {
		time.Sleep(s.o.ReadPause)
		var request prefix
		ses.Err = s.exchange(c, tcp, io.TeeReader(c, &request))
		ses.Request = request.kept
	}
	ses.State, ses.CloseNotify, ses.Alert = c.state(), c.closed(), c.alert(ses.Err)
	if c.reset() {
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	} else {
		finish(tcp)
	}
	return ses
}

// exchange reads a request and replies, then says goodbye and waits for the
// client's. A client may also say goodbye first.
func (s *Server[S]) exchange(c speaker[S], tcp *net.TCPConn, in io.Reader) error {
	goodbye := func() error { return errors.Join(c.closeWrite(), tcp.CloseWrite()) }
	err := replyTo(in, c, s.o.Body)
	if errors.Is(err, io.EOF) {
		time.Sleep(s.o.Linger)
		_ = goodbye() // for which the client need not have waited
		return nil
	}
	if err == nil {
		err = goodbye()
	}
	if err == nil {
		// Until the client's close_notify: closing with bytes unread would make
		// the kernel send a RST.
		_, err = io.Copy(io.Discard, in)
	}
	return err
}

// A prefix keeps the first bytes of what is written to it.
type prefix struct{ kept []byte }

func (p *prefix) Write(b []byte) (int, error) {
	p.kept = append(p.kept, b[:min(len(b), maxRequest-len(p.kept))]...)
	return len(b), nil
}
