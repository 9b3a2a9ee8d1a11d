package lab

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/lab/netns"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// ServerOptions choose the embedded TLS server. The zero value is what the
// demo wants: TLS 1.2, ECDSA P-256, a client certificate asked for, a short
// page for every GET.
type ServerOptions struct {
	Key        pki.KeyType
	ClientKey  pki.KeyType
	Fault      pki.Fault
	ClientAuth ClientAuth
	// Version is the one version that the server speaks; 0 means TLS 1.2.
	Version uint16
	// CipherSuites, Curves and ALPN narrow what crypto/tls would choose from.
	CipherSuites []uint16
	Curves       []tls.CurveID
	ALPN         []string
	// Body is the reply to a GET; nil means a short greeting.
	Body []byte
	// KeyLog, if set, receives the server's own NSS key log.
	KeyLog io.Writer
	// Listen is where the server listens: "host:port", literal. Empty means
	// port 443 of the far node.
	Listen string
	// PKI, if set, is used instead of fresh certificates.
	PKI *pki.PKI
}

// ClientAuth says whether the server sends a CertificateRequest.
type ClientAuth string

// The zero ClientAuth means RequestClient.
const (
	RequestClient  ClientAuth = "request" // asks, and checks a certificate if one comes
	RequireClient  ClientAuth = "require" // asks, and refuses a client without
	NoClientAuth   ClientAuth = "none"
	serverPatience            = 10 * time.Minute // for each connection, on a machine with much to do
	maxRequest                = 64 << 10         // bytes
	maxSessions               = 1 << 10          // kept for Sessions and Next
)

var clientAuth = map[ClientAuth]tls.ClientAuthType{
	"":            tls.VerifyClientCertIfGiven,
	RequestClient: tls.VerifyClientCertIfGiven,
	RequireClient: tls.RequireAndVerifyClientCert,
	NoClientAuth:  tls.NoClientCert,
}

// A Session is what the server saw of one connection, once it has ended.
type Session struct {
	Client   netip.AddrPort
	Complete bool // the handshake was finished
	State    tls.ConnectionState
	Request  []byte // the application data that the client sent, at most 64 KiB
	// CloseNotify says that the client said goodbye before its FIN.
	CloseNotify bool
	// Err is why the connection ended early, nil if it did not.
	Err error
	// Alert is the AlertDescription (RFC 5246 7.2) that the client sent, 0 if
	// it sent none other than close_notify.
	Alert byte
}

// A TLSServer is a server made of crypto/tls behind the kernel's TCP.
type TLSServer struct {
	*pki.Papers
	acceptor

	config *tls.Config
	body   []byte
	log    *sessionLog[Session]
}

// StartTLSServer starts a TLS server on the far node.
func (l *Lab) StartTLSServer(o ServerOptions) (*TLSServer, error) {
	ln, err := l.Far().Listen("tcp", cmp.Or(o.Listen, netip.AddrPortFrom(l.Far().addr4, 443).String()))
	if err != nil {
		return nil, netns.Refusal(fmt.Errorf("lab: %w", err))
	}
	s, err := NewTLSServer(ln, o, l.Far().addr4, l.Far().addr6)
	if err != nil {
		return nil, err
	}
	return s, l.owns(s)
}

// NewTLSServer serves TLS on a listener, which it owns from now on, with a
// certificate for [ServerName], for the listener's address, and for these.
func NewTLSServer(ln net.Listener, o ServerOptions, addresses ...netip.Addr) (*TLSServer, error) {
	shown, err := certificates(o.PKI, pki.Options{ServerKey: o.Key, ClientKey: o.ClientKey, Fault: o.Fault}, ln, addresses)
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	o.PKI = shown
	s, err := newTLSServer(o)
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	s.accept(ln, s.talk)
	return s, nil
}

// newTLSServer makes a server without a listener: talk is given connections.
func newTLSServer(o ServerOptions) (*TLSServer, error) {
	s := &TLSServer{body: o.Body, log: newSessionLog[Session](maxSessions)}
	if err := s.prepare(o); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *TLSServer) prepare(o ServerOptions) (err error) {
	shown := o.PKI
	auth, ok := clientAuth[o.ClientAuth]
	if !ok {
		return fmt.Errorf("lab: no client authentication %q", string(o.ClientAuth))
	}
	version := cmp.Or(o.Version, tls.VersionTLS12)
	pool := x509.NewCertPool()
	pool.AddCert(shown.CA.Cert)
	s.config = &tls.Config{
		Certificates:     []tls.Certificate{shown.Server.TLS()},
		ClientAuth:       auth,
		ClientCAs:        pool,
		MinVersion:       version,
		MaxVersion:       version,
		CipherSuites:     o.CipherSuites,
		CurvePreferences: o.Curves,
		NextProtos:       o.ALPN,
		KeyLogWriter:     o.KeyLog,
	}
	s.Papers, err = pki.NewPapers(shown)
	return err
}

// Sessions are the connections that have ended so far, oldest first.
func (s *TLSServer) Sessions() []Session { return s.log.all() }

// Next waits for the next connection to end, in their order, from the first.
// One that it has returned is not returned again.
func (s *TLSServer) Next(ctx context.Context) (Session, error) { return s.log.next(ctx) }

// Close ends the server and its connections.
func (s *TLSServer) Close() error {
	err := s.stop()
	s.log.close()
	_ = s.Papers.Close()
	return err
}

func (s *TLSServer) talk(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(serverPatience))
	ses := s.session(c.(*net.TCPConn))
	ses.Alert = alertIn(ses.Err)
	s.log.add(ses)
}

// session serves one connection: handshake, one request, one reply,
// close_notify, FIN, and what the client still has to say.
func (s *TLSServer) session(tcp *net.TCPConn) Session {
	ses := Session{Client: addrPort(tcp.RemoteAddr())}
	conn := tls.Server(tcp, s.config)
	ses.Err = conn.Handshake()
	ses.State = conn.ConnectionState()
	ses.Complete = ses.State.HandshakeComplete
	if ses.Err != nil {
		finish(tcp)
		return ses
	}
	var request prefix
	in := io.TeeReader(conn, &request)
	err := replyTo(in, conn, s.body)
	if err == nil {
		err = errors.Join(conn.CloseWrite(), tcp.CloseWrite())
	}
	if err == nil {
		// Until the client's close_notify: closing with bytes unread would
		// make the kernel send a RST.
		_, err = io.Copy(io.Discard, in)
	}
	ses.CloseNotify = err == nil || errors.Is(err, io.EOF)
	ses.Request = request.kept
	if !ses.CloseNotify {
		ses.Err = err
	}
	finish(tcp)
	return ses
}

// A prefix keeps the first bytes of what is written to it.
type prefix struct{ kept []byte }

func (p *prefix) Write(b []byte) (int, error) {
	p.kept = append(p.kept, b[:min(len(b), maxRequest-len(p.kept))]...)
	return len(b), nil
}

// alertIn finds the peer's alert in an error of crypto/tls, which keeps the
// number to itself and shares the text.
func alertIn(err error) byte {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0
	}
	for n := byte(255); n > 0; n-- {
		if tls.AlertError(n).Error() == op.Err.Error() {
			return n
		}
	}
	return 0
}
