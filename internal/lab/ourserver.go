package lab

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// OurServerOptions choose a server made of this project's own TLS. The zero
// value speaks all that handshake.Server does, shows an ECDSA P-256
// certificate, and asks for none.
type OurServerOptions struct {
	Key        pki.KeyType
	ClientKey  pki.KeyType
	Fault      pki.Fault
	ClientAuth ClientAuth // the zero value means NoClientAuth

	MinVersion, MaxVersion tlsmsg.Version // 0: TLS 1.2
	CipherSuites           []tlsmsg.CipherSuite
	Groups                 []tlsmsg.NamedGroup
	ALPN                   []string
	SessionIDs             bool // sessions are kept by ID
	Tickets                bool // and in tickets

	Wrong ServerFault // done once in each connection

	// Body is the reply to a GET; nil means a short greeting.
	Body []byte
	// ReceiveBuffer bounds what the kernel keeps for the server, in bytes, and
	// with it the window; 0 is the kernel's own choice.
	ReceiveBuffer int
	// ReadPause is how long the server waits, once the handshake is done,
	// before it reads on.
	ReadPause time.Duration
	// Linger is how long the server keeps its half of the connection after the
	// client has ended the other.
	Linger time.Duration

	// Listen and PKI are as in ServerOptions.
	Listen string
	PKI    *pki.PKI
}

// OurSession is what one of our own servers saw of one connection, once it has
// ended.
type OurSession struct {
	Client      netip.AddrPort
	Complete    bool // the handshake was finished
	State       handshake.State
	Request     []byte // the application data that the client sent, at most 64 KiB
	CloseNotify bool   // the client said goodbye before its FIN
	Err         error  // why the connection ended early, nil if it did not
}

// OurServer is a TLS server made of handshake.Server, behind the kernel's TCP.
type OurServer struct {
	*pki.Papers
	acceptor

	o      OurServerOptions
	config handshake.ServerConfig // but for what is new in each connection
	worker *worker.Worker
	log    *sessionLog[OurSession]
}

// StartOurServer starts such a server on the far node.
func (l *Lab) StartOurServer(o OurServerOptions) (*OurServer, error) {
	var ln net.Listener
	lc := net.ListenConfig{Control: receiveBuffer(o.ReceiveBuffer)}
	err := l.Far().Do(func() (err error) {
		ln, err = lc.Listen(context.Background(), "tcp", cmp.Or(o.Listen, netip.AddrPortFrom(l.Far().addr4, 443).String()))
		return err
	})
	if err != nil {
		return nil, netns.Refusal(fmt.Errorf("lab: %w", err))
	}
	s, err := NewOurServer(ln, o, l.Far().addr4, l.Far().addr6)
	if err != nil {
		return nil, err
	}
	return s, l.owns(s)
}

// receiveBuffer sets SO_RCVBUF, half of which the kernel takes for itself.
func receiveBuffer(n int) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		if n == 0 {
			return nil
		}
		if cerr := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, n)
		}); cerr != nil {
			return cerr
		}
		return err
	}
}

// NewOurServer serves TLS on a listener, which it owns from now on, with a
// certificate for [ServerName], for the listener's address, and for these.
func NewOurServer(ln net.Listener, o OurServerOptions, addresses ...netip.Addr) (*OurServer, error) {
	shown, err := certificates(o.PKI, pki.Options{ServerKey: o.Key, ClientKey: o.ClientKey, Fault: o.Fault}, ln, addresses)
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	o.PKI = shown
	s, err := newOurServer(o)
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	s.accept(ln, s.talk)
	return s, nil
}

// newOurServer makes a server without a listener: talk is given connections.
func newOurServer(o OurServerOptions) (*OurServer, error) {
	s := &OurServer{o: o, log: newSessionLog[OurSession](maxSessions)}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *OurServer) talk(c net.Conn) { s.log.add(s.session(c.(*net.TCPConn))) }

func (s *OurServer) prepare() error {
	shown := s.o.PKI
	credential, err := worker.NewServerCredential([][]byte{shown.Server.Cert.Raw}, shown.Server.Key)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	s.config = handshake.ServerConfig{
		MinVersion: s.o.MinVersion, MaxVersion: s.o.MaxVersion,
		CipherSuites: s.o.CipherSuites, Groups: s.o.Groups, ALPN: s.o.ALPN,
		Credentials: []handshake.ServerCredential{credential},
		Tickets:     s.o.Tickets,
	}
	if _, err := (&faulty{ServerFault: s.o.Wrong}).tamper(); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	switch s.o.ClientAuth {
	case "", NoClientAuth:
	case RequestClient:
		s.config.ClientAuth = handshake.ClientAuthRequest
	case RequireClient:
		s.config.ClientAuth = handshake.ClientAuthRequire
	default:
		return fmt.Errorf("lab: no client authentication %q", string(s.o.ClientAuth))
	}
	if s.config.ClientAuth != handshake.ClientAuthNone {
		s.config.Authorities = [][]byte{shown.CA.Cert.RawSubject}
	}
	roots := x509.NewCertPool()
	roots.AddCert(shown.CA.Cert)
	s.worker = &worker.Worker{Roots: roots, Signers: []crypto.Signer{shown.Server.Key}}
	if s.o.Tickets || s.o.SessionIDs {
		s.worker.Sessions = &worker.Sessions{Key: random(32)}
	}
	s.Papers, err = pki.NewPapers(shown)
	return err
}

// Next waits for the next connection to end, in their order, from the first.
func (s *OurServer) Next(ctx context.Context) (OurSession, error) { return s.log.next(ctx) }

// Close ends the server and its connections.
func (s *OurServer) Close() error {
	err := s.stop()
	s.log.close()
	_ = s.Papers.Close()
	return err
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// session serves one connection: handshake, one request, one reply,
// close_notify, FIN, and what the client still has to say.
func (s *OurServer) session(tcp *net.TCPConn) OurSession {
	_ = tcp.SetDeadline(time.Now().Add(serverPatience))
	c := s.conn(tcp)
	ses := OurSession{Client: addrPort(tcp.RemoteAddr())}
	ses.Err = c.handshake()
	ses.Complete = ses.Err == nil
	if ses.Err == nil {
		time.Sleep(s.o.ReadPause)
		var request prefix
		ses.Err = s.exchange(c, io.TeeReader(c, &request))
		ses.Request = request.kept
	}
	ses.State, ses.CloseNotify = c.ConnectionState(), c.server.EOF()
	c.end()
	return ses
}

// exchange reads a request and replies, then says goodbye and waits for the
// client's. A client may also say goodbye first.
func (s *OurServer) exchange(c *ourConn, in io.Reader) error {
	err := replyTo(in, c, s.o.Body)
	if errors.Is(err, io.EOF) {
		time.Sleep(s.o.Linger)
		return c.closeWrite()
	}
	if err != nil {
		return err
	}
	if err := c.closeWrite(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
