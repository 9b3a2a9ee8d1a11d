package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// ClientAuth says whether a server asks its clients for a certificate.
type ClientAuth uint8

const (
	ClientAuthNone    ClientAuth = iota
	ClientAuthRequest            // a client may come without
	ClientAuthRequire            // one without is refused
)

// ServerConfig is what a server speaks. The machine reads it and keeps it
// unchanged: slices in it must not be written to while a Server lives, and
// many Servers may share them.
type ServerConfig struct {
	Random           [32]byte       // ServerHello.random, from the driver's randomness; zero: refused
	MinVersion       tlsmsg.Version // 0: TLS 1.2; TLS 1.0 and 1.1 are for tests of old clients
	MaxVersion       tlsmsg.Version // 0: TLS 1.2
	CipherSuites     []tlsmsg.CipherSuite
	Groups           []tlsmsg.NamedGroup      // curves, and groups of RFC 7919 for DHE
	SignatureSchemes []tlsmsg.SignatureScheme // for CertificateVerify; those of ServerKeyExchange are the credential's
	ClientPreference bool                     // take the client's first suite and group that fit, not ours
	ALPN             []string                 // protocols spoken, preferred first; none: the extension is ignored
	Credentials      []ServerCredential       // the first that fits the suite and the client is sent

	ClientAuth      ClientAuth
	Authorities     [][]byte // DER names for CertificateRequest
	AllowUnverified bool     // a client's chain that does not verify is only a remark

	// SessionID names a new session, from the driver's randomness: the driver
	// then keeps it (KeepSessionWork) and finds it again (LookupSessionWork).
	// Empty: sessions are not kept by ID.
	SessionID []byte
	Tickets   bool // give session tickets and take them (RFC 5077)

	// RecordSizeLimit answers a client's record_size_limit (RFC 8449): the most
	// bytes of plaintext in a protected record, 64 to 16384, between which any
	// other value is brought. 0: not answered.
	RecordSizeLimit uint16

	Omit   []tlsmsg.ExtensionType // extensions that are ignored and not answered
	Tamper *Tamper                // nil: no fault
	Events func(Event)            // may be nil
}

// A ServerCredential is the public half of a server certificate, and what goes
// with it; SignWork and DecryptWork ask the driver for the private half.
type ServerCredential struct {
	Credential
	OCSPResponse []byte   // DER, for CertificateStatus; nil: none
	SCTs         [][]byte // for signed_certificate_timestamp
}

func (c *ServerConfig) setDefaults() {
	if c.MinVersion == 0 {
		c.MinVersion = tlsmsg.VersionTLS12
	}
	if c.MaxVersion == 0 || c.MaxVersion > tlsmsg.VersionTLS12 { // the best that a server here speaks
		c.MaxVersion = tlsmsg.VersionTLS12
	}
	if len(c.CipherSuites) == 0 {
		c.CipherSuites = defaultSuites
	}
	if len(c.Groups) == 0 {
		c.Groups = offeredGroups
	}
	if len(c.SignatureSchemes) == 0 {
		c.SignatureSchemes = defaultSchemes
	}
	if c.RecordSizeLimit != 0 {
		c.RecordSizeLimit = min(max(c.RecordSizeLimit, minRecordSizeLimit), tlsmsg.MaxPlaintext)
	}
}

func (c *ServerConfig) omits(t tlsmsg.ExtensionType) bool { return slices.Contains(c.Omit, t) }
