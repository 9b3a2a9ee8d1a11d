// What the server takes of an offer.

package scripted

import (
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// chosen is what was taken.
type chosen struct {
	hello   *Hello
	version tlsmsg.Version
	suite   tlsmsg.CipherSuite
	group   tlsmsg.NamedGroup
	scheme  tlsmsg.SignatureScheme
	chain   [][]byte
	retry   bool // by a HelloRetryRequest
}

func (c *chosen) context() tlsmsg.Context {
	return tlsmsg.Context{Version: c.version, KeyExchange: c.suite.KeyExchange()}
}

// choose returns nil and an alert where nothing fits.
func (s *Server) choose(h *Hello) (*chosen, tlsmsg.AlertDescription) {
	v := s.version(h)
	switch {
	case v == 0:
		return nil, tlsmsg.AlertProtocolVersion
	case s.SCSV && h.offers(tlsmsg.TLS_FALLBACK_SCSV) && v < s.best(tlsmsg.VersionTLS13):
		return nil, tlsmsg.AlertInappropriateFallback
	}
	ours, theirs := s.Suites[v], h.CipherSuites
	if s.ClientOrder {
		ours, theirs = theirs, ours
	}
	for _, id := range ours {
		if !slices.Contains(theirs, id) {
			continue
		}
		c := &chosen{hello: h, version: v, suite: id}
		if s.fits(c) {
			return c, 0
		}
	}
	return nil, tlsmsg.AlertHandshakeFailure
}

// best is the highest version up to a limit, or 0.
func (s *Server) best(limit tlsmsg.Version) (best tlsmsg.Version) {
	for v := range s.Suites {
		if v <= limit {
			best = max(best, v)
		}
	}
	return best
}

func (s *Server) version(h *Hello) (best tlsmsg.Version) {
	if len(h.versions) == 0 {
		return s.best(min(h.Version, tlsmsg.VersionTLS12))
	}
	for v := range s.Suites {
		if slices.Contains(h.versions, v) {
			best = max(best, v)
		}
	}
	return best
}

// exchange is how a suite's keys are agreed on, by its name.
func exchange(id tlsmsg.CipherSuite) string {
	name, _, ok := strings.Cut(strings.TrimPrefix(id.String(), "TLS_"), "_WITH_")
	if !ok {
		return ""
	}
	return name
}

// fits fills in group, scheme and certificate, and reports whether there are any
// for the suite.
func (s *Server) fits(c *chosen) bool {
	how := exchange(c.suite)
	elliptic := strings.HasPrefix(how, "ECDHE_") || how == "ECDH_anon" || how == ""
	if elliptic && !s.pickGroup(c) {
		return false
	}
	if how == "" { // TLS 1.3
		c.retry = !slices.Contains(c.hello.shares, c.group)
		return true
	}
	if strings.Contains(how, "anon") {
		return true
	}
	chains := s.Chains
	if !c.hello.named && s.Default != nil {
		chains = s.Default
	}
	ecdsa := strings.Contains(how, "ECDSA")
	i := slices.IndexFunc(chains, func(chain Chain) bool { return chain.ECDSA == ecdsa })
	if i < 0 {
		return false
	}
	c.chain = chains[i].Chain
	signs := strings.HasPrefix(how, "ECDHE_") || strings.HasPrefix(how, "DHE_")
	return !signs || c.version < tlsmsg.VersionTLS12 || s.pickScheme(c, ecdsa)
}

var (
	usualGroups  = []tlsmsg.NamedGroup{tlsmsg.GroupX25519, tlsmsg.GroupSecp256r1}
	usualSchemes = []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256, tlsmsg.SchemeRSAPSSRSAESHA256, tlsmsg.SchemeRSAPKCS1SHA256}
)

func (s *Server) pickGroup(c *chosen) bool {
	ours := s.Groups
	if ours == nil {
		ours = usualGroups
	}
	for _, g := range ours {
		if slices.Contains(c.hello.groups, g) || c.hello.groups == nil && c.version < tlsmsg.VersionTLS13 {
			c.group = g
			return true
		}
	}
	return false
}

func (s *Server) pickScheme(c *chosen, ecdsa bool) bool {
	ours := s.Schemes
	if ours == nil {
		ours = usualSchemes
	}
	for _, scheme := range ours {
		curve := uint8(scheme) == 3 && scheme>>8 < 8
		if curve == ecdsa && slices.Contains(c.hello.schemes, scheme) {
			c.scheme = scheme
			return true
		}
	}
	return false
}
