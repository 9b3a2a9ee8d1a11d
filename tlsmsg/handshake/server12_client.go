// The client's flight, as a server of TLS 1.2 takes it.

package handshake

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// clientCertificate takes the client's chain and has it judged (RFC 5246,
// section 7.4.6).
func (s *Server) clientCertificate(raw []byte) error {
	var m tlsmsg.Certificate
	if err := s.decode(&m, raw); err != nil {
		return err
	}
	if len(m.Chain) == 0 {
		if s.cfg.ClientAuth == ClientAuthRequire {
			return refuse(tlsmsg.AlertHandshakeFailure, "Certificate.certificate_list", "empty, expected the client's certificate")
		}
		s.decide("client_certificate_none", "the client sent no certificate: none is required")
		s.transcript.Drop()
		return nil
	}
	s.state.Chain = m.Chain
	s.yield(VerifyChainWork{Chain: m.Chain, Client: true}, (*Server).chainJudged)
	return nil
}

func (s *Server) chainJudged(r Result) error {
	result, ok := r.(VerifyChainResult)
	if !ok {
		return wrongResult(result, r)
	}
	s.state.Judged, s.state.Verdict = true, result.Verdict
	if s.events != nil {
		s.events(VerdictEvent{Err: result.Verdict})
	}
	if result.PublicKey == nil {
		return &ProtocolError{Alert: cmp.Or(result.Alert, tlsmsg.AlertBadCertificate), Where: "Certificate",
			Reason: "the leaf's public key cannot be used: " + reason(result.Verdict), Err: result.Verdict}
	}
	if result.Verdict != nil && !s.cfg.AllowUnverified {
		return &ProtocolError{Alert: cmp.Or(result.Alert, tlsmsg.AlertBadCertificate), Where: "Certificate",
			Reason: "the client's certificate did not verify: " + reason(result.Verdict), Err: result.Verdict}
	}
	s.exchange.publicKey = result.PublicKey
	return nil
}

// clientKeyExchange takes the client's half of the key exchange (RFC 5246,
// section 7.4.7; RFC 8422, section 5.7).
func (s *Server) clientKeyExchange(raw []byte) error {
	var m tlsmsg.ClientKeyExchange
	if err := s.decode(&m, raw); err != nil {
		return err
	}
	if s.exchange.publicKey != nil {
		s.phase = phaseCertificateVerify
	}
	if s.suite.KeyExchange == tlsmsg.KeyExchangeRSA {
		s.yield(DecryptWork{
			Credential: s.state.Credential,
			Version:    s.offer.hello.Version,
			Ciphertext: m.EncryptedPreMasterSecret,
		}, (*Server).secretDecrypted)
		return nil
	}
	s.yield(SharedSecretWork{Private: s.exchange.private, PeerKey: m.PublicKey}, (*Server).keyAgreed)
	return nil
}

func (s *Server) secretDecrypted(r Result) error {
	result, ok := r.(DecryptResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &InternalError{What: "decrypting the pre_master_secret", Err: result.Err}
	}
	return s.deriveKeys(result.PreMasterSecret)
}

func (s *Server) keyAgreed(r Result) error {
	result, ok := r.(SharedSecretResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return peerOrInternal(result.Err, suite.ErrPeerKey, tlsmsg.AlertIllegalParameter,
			"ClientKeyExchange.exchange_keys", "agreeing on a key")
	}
	s.exchange.private = nil
	return s.deriveKeys(result.Secret)
}

// deriveKeys makes the master secret and the keys that each side's
// ChangeCipherSpec activates.
func (s *Server) deriveKeys(preMaster []byte) error {
	s.deriveMaster(preMaster)
	return s.prepareStates()
}

// certificateVerify has the proof checked that the client holds its
// certificate's key (RFC 5246, section 7.4.8).
func (s *Server) certificateVerify(raw []byte) error {
	var m tlsmsg.CertificateVerify
	if err := s.decode(&m, raw); err != nil {
		return err
	}
	scheme := m.Scheme
	if s.state.Version < tlsmsg.VersionTLS12 {
		scheme = suite.ImpliedScheme(s.exchange.publicKey)
	} else if !slices.Contains(s.exchange.request.Schemes, scheme) {
		return refuse(tlsmsg.AlertIllegalParameter, "CertificateVerify.algorithm", "%v was not offered", scheme)
	}
	if err := suite.Fits(scheme, s.exchange.publicKey); err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Where: "CertificateVerify.algorithm", Reason: err.Error(), Err: err}
	}
	s.yield(VerifySignatureWork{
		PublicKey: s.exchange.publicKey,
		Scheme:    scheme,
		Signed:    bytes.Clone(s.transcript.Messages()),
		Signature: m.Signature,
	}, (*Server).proofChecked)
	return nil
}

func (s *Server) proofChecked(r Result) error {
	result, ok := r.(VerifySignatureResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertDecryptError, Where: "CertificateVerify.signature",
			Reason: result.Err.Error(), Err: result.Err}
	}
	s.transcript.Drop()
	return nil
}
