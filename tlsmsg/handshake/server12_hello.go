// The hellos of TLS 1.2 from the server's side.

package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// clientHello12 takes one that leads to TLS 1.2 or before.
func (s *Server) clientHello12() error {
	hello := &s.offer.hello
	if !slices.Contains(hello.CompressionMethods, tlsmsg.CompressionNull) {
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.compression_methods",
			"%v, expected %v among them", hello.CompressionMethods, tlsmsg.CompressionNull)
	}
	if err := s.takeExtensions(); err != nil {
		return err
	}
	s.after = (*Server).answerHello
	return nil
}

// fullHandshake chooses what a new session is made of and begins our flight.
func (s *Server) fullHandshake() error {
	if err := s.chooseSuite(); err != nil {
		return err
	}
	s.exchange.ticketPromised = s.ticketsSpoken()
	if !s.exchange.ticketPromised { // RFC 5077, section 3.4
		s.state.SessionID = s.cfg.SessionID
	}
	if err := s.sendServerHello(); err != nil {
		return err
	}
	return s.sendCertificate()
}

// serverRandom marks that a version below TLS 1.3 is not for want of a better
// one (RFC 9846, section 4.2.3).
func (s *Server) serverRandom() [32]byte {
	random := s.cfg.Random
	switch {
	case s.state.Version < tlsmsg.VersionTLS12 && s.cfg.MaxVersion >= tlsmsg.VersionTLS12:
		copy(random[24:], tlsmsg.DowngradeTLS11)
	case s.cfg.MaxVersion >= tlsmsg.VersionTLS13:
		copy(random[24:], tlsmsg.DowngradeTLS12)
	}
	return random
}

// sendServerHello makes the ServerHello (RFC 5246, section 7.4.1.3).
func (s *Server) sendServerHello() error {
	s.state.ServerRandom = s.serverRandom()
	hello := tlsmsg.ServerHello{
		Version:           s.state.Version,
		Random:            s.state.ServerRandom,
		SessionID:         s.state.SessionID,
		CipherSuite:       s.state.CipherSuite,
		CompressionMethod: tlsmsg.CompressionNull,
		Extensions:        s.answerExtensions(),
	}
	s.useSuite(s.suite)
	if s.cfg.ClientAuth == ClientAuthNone {
		s.transcript.Drop() // nothing will be signed
	}
	if err := s.send(&hello); err != nil {
		return err
	}
	s.reach(StageHelloReceived)
	s.negotiated()
	return nil
}
