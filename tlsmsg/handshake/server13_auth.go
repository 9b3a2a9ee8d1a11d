// Who the server is, and who the client is where it is asked (RFC 9846,
// sections 4.4.2 and 4.5).

package handshake

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// sendCredential13 makes CertificateRequest, where the client is to show who it is,
// and Certificate, and has its proof signed.
func (s *Server) sendCredential13() error {
	if err := s.chooseCredential13(); err != nil {
		return err
	}
	s.phase = phaseFinished
	if s.cfg.ClientAuth != ClientAuthNone {
		s.phase = phaseCertificate
		if err := s.send(s.certificateRequest13(nil)); err != nil {
			return err
		}
	}
	cred := s.exchange.credential
	m := &tlsmsg.Certificate{Chain: cred.Chain, EntryExtensions: [][]tlsmsg.Extension{s.entryExtensions(cred)}}
	return s.sendChain(m, commonCompression(s.cfg.CompressCertificates, s.offer.compressions), (*Server).signCredential13)
}

// signCredential13 has the proof signed once Certificate is sent.
func (s *Server) signCredential13() error {
	s.yield(SignWork{
		Credential: s.state.Credential,
		Scheme:     s.state.Scheme,
		Signed:     bytes.Clone(s.signedContent(nil, serverSigns)),
	}, (*Server).signed13)
	return nil
}

// chooseCredential13 sets the first credential that fits the client, and the scheme
// that it signs with.
func (s *Server) chooseCredential13() error {
	if s.offer.schemes == nil {
		return refuse(tlsmsg.AlertMissingExtension, "ClientHello.extensions", "no %v", tlsmsg.ExtensionSignatureAlgorithms)
	}
	var misfits []string
	for _, i := range s.byAuthority() {
		cred := &s.cfg.Credentials[i]
		at := slices.IndexFunc(cred.Schemes, func(scheme tlsmsg.SignatureScheme) bool {
			return suite.Signs13(scheme) && onCurve(scheme, &cred.Credential) && slices.Contains(s.offer.schemes, scheme)
		})
		if at >= 0 {
			s.state.Credential, s.exchange.credential, s.state.Scheme = i, cred, cred.Schemes[at]
			return nil
		}
		misfits = append(misfits, fmt.Sprintf("certificate %d signs with %v", i+1, cred.Schemes))
	}
	return refuse(tlsmsg.AlertHandshakeFailure, "ClientHello.signature_algorithms", "none in common: %s",
		strings.Join(misfits[:min(len(misfits), 4)], "; "))
}

// byAuthority returns the positions of the credentials, those first that the client
// has an authority of (RFC 9846, section 4.3.4).
func (s *Server) byAuthority() (order []int) {
	var others []int
	for i := range s.cfg.Credentials {
		if issued(&s.cfg.Credentials[i].Credential, s.offer.trusts) {
			order = append(order, i)
		} else {
			others = append(others, i)
		}
	}
	return append(order, others...)
}

// entryExtensions are those beside the leaf that the client asks for.
func (s *Server) entryExtensions(cred *ServerCredential) (list []tlsmsg.Extension) {
	if s.offer.status && cred.OCSPResponse != nil {
		list = append(list, tlsmsg.NewExtension(&tlsmsg.StatusRequest{StatusType: tlsmsg.StatusTypeOCSP, Response: cred.OCSPResponse}, tlsmsg.TypeCertificate))
	}
	if s.offer.sct && len(cred.SCTs) > 0 {
		list = append(list, tlsmsg.NewExtension(&tlsmsg.SignedCertificateTimestamps{List: cred.SCTs}, tlsmsg.TypeCertificate))
	}
	return list
}

// certificateRequest13 asks for the client's certificate.
func (s *Server) certificateRequest13(context []byte) *tlsmsg.CertificateRequest {
	m := &tlsmsg.CertificateRequest{RequestContext: context, Schemes: s.cfg.SignatureSchemes}
	add := func(v tlsmsg.ExtensionData) {
		m.Extensions = append(m.Extensions, tlsmsg.NewExtension(v, tlsmsg.TypeCertificateRequest))
	}
	add(&tlsmsg.SignatureAlgorithms{Schemes: m.Schemes})
	if len(s.cfg.Authorities) > 0 {
		add(&tlsmsg.CertificateAuthorities{Authorities: s.cfg.Authorities})
	}
	if len(s.cfg.CompressCertificates) > 0 {
		add(&tlsmsg.CompressCertificate{Algorithms: s.cfg.CompressCertificates})
	}
	s.exchange.request = m
	s.state.CertificateRequested = true
	return m
}

func (s *Server) signed13(r Result) error {
	if err := s.sendVerify(r, s.state.Scheme); err != nil {
		return err
	}
	return s.endFlight13()
}

// clientCertificate13 takes the client's chain and has it judged.
func (s *Server) clientCertificate13(raw []byte) error {
	var m tlsmsg.Certificate
	if err := s.decode(&m, raw); err != nil {
		return err
	}
	if err := m.CheckExtensions(); err != nil {
		return repeated(err)
	}
	if !bytes.Equal(m.RequestContext, s.exchange.request.RequestContext) {
		return refuse(tlsmsg.AlertIllegalParameter, "Certificate.certificate_request_context", "%x, expected %x as in CertificateRequest", m.RequestContext, s.exchange.request.RequestContext)
	}
	if i := slices.IndexFunc(m.EntryExtensions, func(list []tlsmsg.Extension) bool { return len(list) > 0 }); i >= 0 {
		return refuse(tlsmsg.AlertUnsupportedExtension, "Certificate.extensions", "%v was not asked for", m.EntryExtensions[i][0].Type)
	}
	if len(m.Chain) == 0 {
		if s.cfg.ClientAuth == ClientAuthRequire {
			return refuse(tlsmsg.AlertCertificateRequired, "Certificate.certificate_list", "empty, expected the client's certificate")
		}
		s.decide("client_certificate_none", "the client sent no certificate: none is required")
		s.phase = phaseFinished
		return nil
	}
	s.state.Chain = m.Chain
	s.yield(VerifyChainWork{Chain: m.Chain, Client: true}, (*Server).chainJudged)
	return nil
}

// compressedCertificate13 takes the same compressed (RFC 8879, section 4).
func (s *Server) compressedCertificate13(raw []byte) error {
	return s.decompress(raw, func(a tlsmsg.CertificateCompressionAlgorithm) bool {
		return slices.Contains(s.cfg.CompressCertificates, a)
	},
		(*Server).clientCertificate13)
}

// clientProof13 has the proof checked that the client holds its certificate's key.
func (s *Server) clientProof13(raw []byte) error {
	var m tlsmsg.CertificateVerify
	if err := s.decode(&m, raw); err != nil {
		return err
	}
	if !slices.Contains(s.exchange.request.Schemes, m.Scheme) {
		return refuse(tlsmsg.AlertIllegalParameter, "CertificateVerify.algorithm", "%v was not offered", m.Scheme)
	}
	if err := suite.Fits13(m.Scheme, s.exchange.publicKey); err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Where: "CertificateVerify.algorithm", Reason: err.Error(), Err: err}
	}
	s.yield(VerifySignatureWork{PublicKey: s.exchange.publicKey, Scheme: m.Scheme, Signed: s.signedContent(nil, clientSigns), Signature: m.Signature},
		(*Server).proofChecked)
	return nil
}
