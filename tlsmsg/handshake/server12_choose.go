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
		if candidate != nil {
			candidate = candidate.For(s.state.Version)
		}
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
	var group tlsmsg.NamedGroup
	if candidate.KeyExchange != tlsmsg.KeyExchangeRSA {
		var ok bool
		if group, ok = s.chooseGroup(candidate.KeyExchange == tlsmsg.KeyExchangeDHE); !ok {
			return "no group in common"
		}
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
		s.state.Group, s.state.Scheme = group, scheme
		return ""
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

// kindOfGroup returns the finite-field groups of a list, or the others.
func kindOfGroup(list []tlsmsg.NamedGroup, finite bool) (some []tlsmsg.NamedGroup) {
	for _, g := range list {
		if suite.IsFFDHE(g) == finite {
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
		case s.state.Version >= tlsmsg.VersionTLS12 && slices.Contains(s.offer.schemes, scheme):
			return scheme, ""
		default:
			misfit = "no signature scheme in common"
		}
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
