package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// Config is what a client offers. The machine reads it and keeps it unchanged.
type Config struct {
	Random           [32]byte // ClientHello.random, from the driver's randomness
	ServerName       string   // for server_name (a DNS name; empty or an IP address: not sent) and for verification
	ALPN             []string // protocols offered, preferred first; none: no extension
	CipherSuites     []tlsmsg.CipherSuite
	Groups           []tlsmsg.NamedGroup
	SignatureSchemes []tlsmsg.SignatureScheme
	Credentials      []Credential // for CertificateRequest, preferred first
	AllowUnverified  bool         // --insecure: a chain that does not verify is only a remark
	Events           func(Event)  // may be nil
}

// A Credential is the public half of a client certificate; SignWork asks the
// driver for the private half.
type Credential struct {
	Chain   [][]byte                 // DER, the leaf first
	Schemes []tlsmsg.SignatureScheme // that its key can sign with, preferred first
	Issuers [][]byte                 // DER names of the chain's issuers, to match certificate_authorities
}
