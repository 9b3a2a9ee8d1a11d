package handshake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// chooseSuite sets the suite, and with it the credential, the group and the
// scheme: the first that both sides can finish.
func (s *Server) chooseSuite() error {
	prefer, among := s.cfg.CipherSuites, s.offer.hello.CipherSuites
	if s.cfg.ClientPreference {
		prefer, among = among, prefer
	}
	var misfits []string
	for _, id := range prefer {
		candidate := suite.Lookup(id)
		if candidate == nil || !slices.Contains(among, id) {
			continue
		}
		misfit := s.fits(candidate)
		if misfit == "" {
			s.suite, s.state.CipherSuite = candidate, id
			return nil
		}
		misfits = append(misfits, fmt.Sprintf("%v: %s", id, misfit))
	}
	if len(misfits) == 0 {
		return refuse(tlsmsg.AlertHandshakeFailure, "ClientHello.cipher_suites", "none that this server speaks")
	}
	return refuse(tlsmsg.AlertHandshakeFailure, "ClientHello.cipher_suites", "none can be finished: %s",
		strings.Join(misfits[:min(len(misfits), 4)], "; "))
}

// fits chooses what a suite needs besides, or says what is missing.
func (s *Server) fits(candidate *suite.Suite) (misfit string) {
	if candidate.KeyExchange != tlsmsg.KeyExchangeECDHE {
		return "its key exchange is not spoken"
	}
	group, ok := s.chooseGroup()
	if !ok {
		return "no group in common"
	}
	misfit = "no certificate with a key for it"
	for i := range s.cfg.Credentials {
		cred := &s.cfg.Credentials[i]
		scheme, why := s.chooseScheme(candidate, cred)
		if why != "" {
			misfit = why
			continue
		}
		s.state.Credential, s.exchange.credential = i, cred
		s.state.Group, s.state.Scheme, s.exchange.scheme = group, scheme, scheme
		return ""
	}
	return misfit
}

// chooseGroup picks the group of ECDHE. A client that names none takes any
// (RFC 8422, section 4).
func (s *Server) chooseGroup() (tlsmsg.NamedGroup, bool) {
	if s.offer.groups == nil {
		return s.cfg.Groups[0], true
	}
	prefer, among := s.cfg.Groups, s.offer.groups
	if s.cfg.ClientPreference {
		prefer, among = among, prefer
	}
	i := slices.IndexFunc(prefer, func(g tlsmsg.NamedGroup) bool { return slices.Contains(among, g) })
	if i < 0 {
		return 0, false
	}
	return prefer[i], true
}

// chooseScheme picks the scheme with which a credential signs in a suite: its
// first that the client takes.
func (s *Server) chooseScheme(candidate *suite.Suite, cred *ServerCredential) (_ tlsmsg.SignatureScheme, misfit string) {
	misfit = "no certificate with a key for it"
	for _, scheme := range cred.Schemes {
		if authenticates(scheme) != candidate.Authentication {
			continue
		}
		if slices.Contains(s.offer.schemes, scheme) {
			return scheme, ""
		}
		misfit = "no signature scheme in common"
	}
	return 0, misfit
}

// authenticates says which suites a scheme's key goes with.
func authenticates(scheme tlsmsg.SignatureScheme) suite.Authentication {
	if certificateType(scheme) == tlsmsg.CertificateTypeECDSASign {
		return suite.AuthECDSA
	}
	return suite.AuthRSA
}
