// A server's look at the ClientHello, before its version is chosen.

package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// clientHello takes the ClientHello, and goes on with the version that it leads to (RFC 5246, section
// 7.4.1.2).
func (s *Server) clientHello(raw []byte) error {
	if err := drawn(&s.cfg.Random, "ServerConfig.Random"); err != nil {
		return err
	}
	s.offer = offer{}
	hello := &s.offer.hello
	if err := s.decode(hello, raw); err != nil {
		return err
	}
	if another, err := s.readECH(raw); another || err != nil {
		return err
	}
	return s.takeHello(raw)
}

// takeHello goes on with a ClientHello that is decoded.
func (s *Server) takeHello(raw []byte) error {
	hello := &s.offer.hello
	s.state.ClientRandom, s.state.Extensions = hello.Random, hello.Extensions
	if err := s.chooseVersion(); err != nil {
		return err
	}
	if s.state.Version >= tlsmsg.VersionTLS13 {
		return s.clientHello13(raw)
	}
	return s.clientHello12()
}

// chooseVersion takes the highest version that both sides speak: of
// supported_versions where the client sends that (RFC 9846, section 4.3.1),
// else of all up to client_version (RFC 5246, appendix E.1).
func (s *Server) chooseVersion() error {
	hello := &s.offer.hello
	highest := hello.Version
	var list tlsmsg.SupportedVersions
	found, err := hello.DecodeExtension(&list)
	if err != nil {
		return malformed(err)
	}
	if !found {
		highest = min(highest, tlsmsg.VersionTLS12) // above it supported_versions speaks (RFC 9846, section 4.2.2)
	} else {
		highest = 0
		for _, v := range list.Versions {
			if v <= s.cfg.MaxVersion && v >= s.cfg.MinVersion {
				highest = max(highest, v)
			}
		}
	}
	if s.retried() && highest < tlsmsg.VersionTLS13 {
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.supported_versions", "%v, expected %v among them as in the first", list.Versions, tlsmsg.VersionTLS13)
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
