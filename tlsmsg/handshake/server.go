// The server's side of a connection, as its driver sees it.

package handshake

import (
	"github.com/rawshake/rawshake/tlsmsg"
)

// A Server is the server's side of one TLS connection (RFC 5246, RFC 9846) over any
// byte stream. It has the shape of a [Client], and is moved in the same way,
// but begins by waiting: there is no Start.
//
//	for {
//		for w, ok := s.Work(); ok; w, ok = s.Work() {
//			s.Resume(worker.Do(w))
//		}
//		stream.Write(s.Next())
//		…
//		s.Receive(bytes)
//	}
//
// Of the stages it reaches StageHelloReceived (ClientHello accepted and
// answered), StageHelloDone (our ServerHelloDone is made) and StageFinished. A
// Server is not safe for concurrent use.
type Server struct {
	conn[*Server]
	cfg      ServerConfig
	offer    offer
	exchange serverExchange

	ech        *echServer              // nil: no encrypted ClientHello has come
	exchange13 *exchange13             // nil before TLS 1.3, and after the handshake
	ticket     tlsmsg.NewSessionTicket // being made
}

// serverExchange is what a server keeps between its messages, and frees at the
// end of the handshake.
type serverExchange struct {
	credential *ServerCredential
	private    any // the driver's, of our ephemeral key
	params     tlsmsg.ServerKeyExchange

	ticketPromised bool // NewSessionTicket will come
	renew          bool // also in an abbreviated handshake

	request   *tlsmsg.CertificateRequest // nil: none was sent
	publicKey any                        // of the client's leaf; nil: it sent none
}

// NewServer returns a server that waits for a ClientHello. Where cfg leaves
// suites, groups or signature schemes empty, [Defaults] are taken.
func NewServer(cfg ServerConfig) *Server {
	s := &Server{cfg: cfg}
	s.init(s, false, cfg.Events)
	s.cfg.setDefaults()
	s.table, s.phase = &server12, phaseClientHello
	s.tamper = cfg.Tamper
	s.in.messages.MaxMessage = maxMessage
	s.out.version = tlsmsg.VersionTLS12
	return s
}

// trusted is always true: a client that is not ends the handshake.
func (s *Server) trusted() bool { return true }

// Offer returns what the ClientHello offered, once it has arrived. Slices in
// it are the machine's: read them, do not write to them.
func (s *Server) Offer() *tlsmsg.ClientHello { return &s.offer.hello }

// ServerName returns the host name that the client asked for, or "". It comes
// from the network: escape it before showing it.
func (s *Server) ServerName() string { return s.offer.name }
