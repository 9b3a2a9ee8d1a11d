package handshake

import (
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Config is what a client offers. The machine reads it and keeps it unchanged:
// slices in it must not be written to while a Client lives, and many Clients
// may share them.
type Config struct {
	Random           [32]byte // ClientHello.random, from the driver's randomness
	ServerName       string   // for server_name (a DNS name; empty or an IP address: not sent) and for verification
	ALPN             []string // protocols offered, preferred first; none: no extension
	CipherSuites     []tlsmsg.CipherSuite
	Groups           []tlsmsg.NamedGroup
	SignatureSchemes []tlsmsg.SignatureScheme
	Credentials      []Credential           // for CertificateRequest, preferred first
	AllowUnverified  bool                   // --insecure: a chain that does not verify is only a remark
	SessionTicket    bool                   // offer an empty session_ticket (RFC 5077): the server may send a ticket
	Omit             []tlsmsg.ExtensionType // extensions left out of ClientHello, to see what a server does without
	Events           func(Event)            // may be nil
}

// A Credential is the public half of a client certificate; SignWork asks the
// driver for the private half.
type Credential struct {
	Chain   [][]byte                 // DER, the leaf first
	Schemes []tlsmsg.SignatureScheme // that its key can sign with, preferred first
	Issuers [][]byte                 // DER names of the chain's issuers, to match certificate_authorities
}

var (
	defaultSuites  = suite.IDs()
	defaultGroups  = suite.Groups()
	defaultSchemes = suite.Schemes()
)

// Defaults returns what a Config offers where it leaves CipherSuites, Groups
// or SignatureSchemes empty: all that this side can finish, preferred first.
// The slices are shared: do not write to them.
func Defaults() ([]tlsmsg.CipherSuite, []tlsmsg.NamedGroup, []tlsmsg.SignatureScheme) {
	return defaultSuites, defaultGroups, defaultSchemes
}

func (c *Config) setDefaults() {
	if len(c.CipherSuites) == 0 {
		c.CipherSuites = defaultSuites
	}
	if len(c.Groups) == 0 {
		c.Groups = defaultGroups
	}
	if len(c.SignatureSchemes) == 0 {
		c.SignatureSchemes = defaultSchemes
	}
}
