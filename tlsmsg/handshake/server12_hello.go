package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// clientHello takes the ClientHello and chooses from it (RFC 5246, section
// 7.4.1.2).
func (s *Server) clientHello(raw []byte) error {
	if err := drawn(&s.cfg.Random, "ServerConfig.Random"); err != nil {
		return err
	}
	hello := &s.offer.hello
	if err := s.decode(hello, raw); err != nil {
		return err
	}
	s.state.ClientRandom, s.state.Extensions = hello.Random, hello.Extensions
	if err := s.chooseVersion(); err != nil {
		return err
	}
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

// chooseVersion takes the highest version that both sides speak: of
// supported_versions where the client sends that (RFC 8446, section 4.2.1),
// else of all up to client_version (RFC 5246, appendix E.1).
func (s *Server) chooseVersion() error {
	hello := &s.offer.hello
	highest := hello.Version
	var list tlsmsg.SupportedVersions
	found, err := hello.DecodeExtension(&list)
	if err != nil {
		return malformed(err)
	}
	if found {
		highest = 0
		for _, v := range list.Versions {
			if v <= s.cfg.MaxVersion && v >= s.cfg.MinVersion {
				highest = max(highest, v)
			}
		}
	}
	if highest < s.cfg.MinVersion {
		return refuse(tlsmsg.AlertProtocolVersion, "ClientHello.client_version", "%v, supported_versions %v, expected %v to %v",
			hello.Version, list.Versions, s.cfg.MinVersion, s.cfg.MaxVersion)
	}
	if highest < s.cfg.MaxVersion && slices.Contains(hello.CipherSuites, tlsmsg.TLS_FALLBACK_SCSV) {
		return refuse(tlsmsg.AlertInappropriateFallback, "ClientHello.client_version",
			"%v with %v, though this server speaks %v (RFC 7507, section 3)", highest, tlsmsg.TLS_FALLBACK_SCSV, s.cfg.MaxVersion)
	}
	s.state.Version = min(highest, s.cfg.MaxVersion)
	s.ctx.Version = s.state.Version
	s.in.version, s.out.version = s.state.Version, s.state.Version
	return nil
}

// serverRandom marks that a version below TLS 1.2 is not for want of a better
// one (RFC 8446, section 4.1.3).
func (s *Server) serverRandom() [32]byte {
	random := s.cfg.Random
	if s.state.Version < tlsmsg.VersionTLS12 && s.cfg.MaxVersion >= tlsmsg.VersionTLS12 {
		copy(random[24:], tlsmsg.DowngradeTLS11)
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
