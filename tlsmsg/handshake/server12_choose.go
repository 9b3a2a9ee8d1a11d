// What a server chooses in TLS 1.2: suite, credential, group and scheme.

package handshake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// chooseSuite sets the suite, and with it the credential, the group and the
// scheme: the first credential that fits the client, and the first suite that
// both sides can finish with it.
func (s *Server) chooseSuite() error {
	prefer, among := s.cfg.CipherSuites, s.offer.hello.CipherSuites
	if s.cfg.ClientPreference {
		prefer, among = among, prefer
	}
	var shared []*suite.Suite
	for _, id := range prefer {
		if candidate := suite.Lookup(id); candidate != nil && slices.Contains(among, id) {
			if candidate = candidate.For(s.state.Version); candidate != nil {
				shared = append(shared, candidate)
			}
		}
	}
	if len(shared) == 0 {
		return refuse(tlsmsg.AlertHandshakeFailure, "ClientHello.cipher_suites", "none that this server speaks in %v", s.state.Version)
	}
	var misfits []string
	for i := range s.cfg.Credentials {
		for _, candidate := range shared {
			misfit := s.fits(candidate, i)
			if misfit == "" {
				s.suite, s.state.CipherSuite = candidate, candidate.ID
				return nil
			}
			misfits = append(misfits, fmt.Sprintf("%v with certificate %d: %s", candidate.ID, i+1, misfit))
		}
	}
	return refuse(tlsmsg.AlertHandshakeFailure, "ClientHello.cipher_suites", "none can be finished: %s",
		strings.Join(misfits[:min(len(misfits), 4)], "; "))
}

// fits chooses what a suite needs besides, with credential i, or says what is
// missing.
func (s *Server) fits(candidate *suite.Suite, i int) (misfit string) {
	var group tlsmsg.NamedGroup
	if candidate.KeyExchange != tlsmsg.KeyExchangeRSA {
		var ok bool
		if group, ok = s.chooseGroup(candidate.KeyExchange == tlsmsg.KeyExchangeDHE); !ok {
			return "no group in common"
		}
	}
	scheme, misfit := s.chooseScheme(candidate, &s.cfg.Credentials[i])
	if misfit == "" {
		s.state.Credential, s.exchange.credential = i, &s.cfg.Credentials[i]
		s.state.Group, s.state.Scheme = group, scheme
	}
	return misfit
}

// chooseGroup picks the group of an ephemeral key exchange. A client that names
// none takes any curve (RFC 8422, section 4), and one that names none of RFC
// 7919's takes any group (RFC 7919, section 4).
func (s *Server) chooseGroup(finite bool) (tlsmsg.NamedGroup, bool) {
	ours, theirs := kindOfGroup(s.cfg.Groups, finite), kindOfGroup(s.offer.groups, finite)
	if len(theirs) == 0 && (finite || s.offer.groups == nil) {
		theirs = ours
	}
	if s.cfg.ClientPreference {
		ours, theirs = theirs, ours
	}
	i := slices.IndexFunc(ours, func(g tlsmsg.NamedGroup) bool { return slices.Contains(theirs, g) })
	if i < 0 {
		return 0, false
	}
	return ours[i], true
}

// kindOfGroup returns the finite-field groups of a list, or the curves.
func kindOfGroup(list []tlsmsg.NamedGroup, finite bool) (some []tlsmsg.NamedGroup) {
	for _, g := range list {
		if suite.IsFFDHE(g) == finite && !suite.IsHybrid(g) {
			some = append(some, g)
		}
	}
	return some
}

// chooseScheme picks the scheme with which a credential signs in a suite: its
// first that the client takes. RSA key exchange signs nothing.
func (s *Server) chooseScheme(candidate *suite.Suite, cred *ServerCredential) (_ tlsmsg.SignatureScheme, misfit string) {
	misfit = "no certificate with a key for it"
	curveFits := cred.Curve == 0 || s.offer.groups == nil || slices.Contains(s.offer.groups, cred.Curve)
	for _, scheme := range cred.Schemes {
		implied := impliedBy(scheme)
		switch {
		case authenticates(scheme) != candidate.Authentication:
		case candidate.KeyExchange == tlsmsg.KeyExchangeRSA && implied == 0: // a key for PSS alone
		case candidate.KeyExchange == tlsmsg.KeyExchangeRSA:
			return 0, ""
		case !curveFits: // RFC 8422, section 5.1.1: the groups are about certificates too
			misfit = "the curve of the certificate is not among the client's"
		case s.state.Version < tlsmsg.VersionTLS12 && implied != 0:
			return implied, ""
		case s.state.Version >= tlsmsg.VersionTLS12 && slices.Contains(s.clientSchemes(), scheme):
			return scheme, ""
		default:
			misfit = "no signature scheme in common"
		}
	}
	return 0, misfit
}

// clientSchemes returns what the client verifies: SHA-1 where it does not say
// (RFC 5246, section 7.4.1.4.1), which only a credential for such clients makes.
func (s *Server) clientSchemes() []tlsmsg.SignatureScheme {
	if s.offer.schemes == nil {
		return sha1Schemes
	}
	return s.offer.schemes
}

var sha1Schemes = suite.LegacySchemes()

// authenticates says which suites a scheme's key goes with.
func authenticates(scheme tlsmsg.SignatureScheme) suite.Authentication {
	if certificateType(scheme) == tlsmsg.CertificateTypeECDSASign {
		return suite.AuthECDSA
	}
	return suite.AuthRSA
}

// impliedBy returns the scheme that the key of a TLS 1.2 scheme signs with in
// earlier versions (RFC 4346, section 7.4.3), or 0 for one that they do not know.
func impliedBy(scheme tlsmsg.SignatureScheme) tlsmsg.SignatureScheme {
	switch scheme {
	case tlsmsg.SchemeRSAPSSPSSSHA256, tlsmsg.SchemeRSAPSSPSSSHA384, tlsmsg.SchemeRSAPSSPSSSHA512,
		tlsmsg.SchemeEd25519, tlsmsg.SchemeEd448:
		return 0
	}
	if authenticates(scheme) == suite.AuthECDSA {
		return tlsmsg.SchemeECDSASHA1
	}
	return suite.SchemeRSAPKCS1MD5SHA1
}
