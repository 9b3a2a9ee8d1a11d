package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// clientHello takes the ClientHello and chooses from it (RFC 5246, section
// 7.4.1.2).
func (s *Server) clientHello(raw []byte) error {
	hello := &s.offer.hello
	if err := s.decode(hello, raw); err != nil {
		return err
	}
	s.state.ClientRandom = hello.Random
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
	if err := s.chooseSuite(); err != nil {
		return err
	}
	s.after = (*Server).sendServerHello
	return nil
}

// chooseVersion takes TLS 1.2 from whoever offers that or more (RFC 5246,
// appendix E.1).
func (s *Server) chooseVersion() error {
	offered := s.offer.hello.Version
	if offered < tlsmsg.VersionTLS12 {
		return refuse(tlsmsg.AlertProtocolVersion, "ClientHello.client_version", "%v, expected %v or later",
			offered, tlsmsg.VersionTLS12)
	}
	s.state.Version, s.ctx.Version = tlsmsg.VersionTLS12, tlsmsg.VersionTLS12
	s.in.version, s.out.version = s.state.Version, s.state.Version
	return nil
}

// sendServerHello begins our flight (RFC 5246, section 7.4.1.3).
func (s *Server) sendServerHello() error {
	s.state.ServerRandom = s.cfg.Random
	hello := tlsmsg.ServerHello{
		Version:           s.state.Version,
		Random:            s.cfg.Random,
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
	return s.sendCertificate()
}
