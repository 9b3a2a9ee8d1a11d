// The server's flight in TLS 1.2.

package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// sendCertificate makes Certificate and, where it was promised,
// CertificateStatus (RFC 5246, section 7.4.2; RFC 6066, section 8).
func (s *Server) sendCertificate() error {
	cred := s.exchange.credential
	if err := s.send(&tlsmsg.Certificate{Chain: cred.Chain}); err != nil {
		return err
	}
	if s.offer.status && cred.OCSPResponse != nil {
		err := s.send(&tlsmsg.CertificateStatus{StatusType: tlsmsg.StatusTypeOCSP, Response: cred.OCSPResponse})
		if err != nil {
			return err
		}
	}
	if s.suite.KeyExchange == tlsmsg.KeyExchangeRSA {
		return s.sendHelloDone()
	}
	s.yield(KeyPairWork{Group: s.state.Group}, (*Server).keyMade)
	return nil
}

// keyMade has the parameters of the key exchange signed (RFC 5246, section
// 7.4.3; RFC 8422, section 5.4).
func (s *Server) keyMade(r Result) error {
	result, ok := r.(KeyPairResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &InternalError{What: "making an ephemeral key", Err: result.Err}
	}
	s.exchange.private = result.Private
	params := &s.exchange.params
	*params = tlsmsg.ServerKeyExchange{CurveType: tlsmsg.CurveNamed, Group: s.state.Group, PublicKey: result.PublicKey,
		Scheme: s.state.Scheme}
	if s.suite.KeyExchange == tlsmsg.KeyExchangeDHE {
		params.DHPublic = result.PublicKey
		params.DHPrime, params.DHGenerator = suite.DHParameters(s.state.Group)
	}
	s.yield(SignWork{
		Credential: s.state.Credential,
		Scheme:     s.state.Scheme,
		Signed:     slices.Concat(s.state.ClientRandom[:], s.state.ServerRandom[:], params.AppendParams(nil, s.ctx)),
	}, (*Server).paramsSigned)
	return nil
}

func (s *Server) paramsSigned(r Result) error {
	var err error
	if s.exchange.params.Signature, err = signature(r, "ServerKeyExchange"); err != nil {
		return err
	}
	if err := s.send(&s.exchange.params); err != nil {
		return err
	}
	return s.sendHelloDone()
}

// sendHelloDone ends our flight, with CertificateRequest before it where the
// client is to show a certificate (RFC 5246, sections 7.4.4 and 7.4.5).
func (s *Server) sendHelloDone() error {
	if err := s.flightOver(); err != nil {
		return err
	}
	s.phase = phaseClientKeyExchange
	if s.cfg.ClientAuth != ClientAuthNone {
		s.exchange.request = &tlsmsg.CertificateRequest{
			CertificateTypes: certificateTypes,
			Schemes:          s.cfg.SignatureSchemes,
			Authorities:      s.cfg.Authorities,
		}
		if err := s.send(s.exchange.request); err != nil {
			return err
		}
		s.state.CertificateRequested = true
		s.phase = phaseCertificate
	}
	if err := s.send(&tlsmsg.ServerHelloDone{}); err != nil {
		return err
	}
	s.reach(StageHelloDone)
	s.out.flush()
	return nil
}

var certificateTypes = []tlsmsg.ClientCertificateType{tlsmsg.CertificateTypeECDSASign, tlsmsg.CertificateTypeRSASign}
