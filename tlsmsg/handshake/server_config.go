// What a server speaks.

package handshake

import (
	"cmp"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// ClientAuth says whether a server asks its clients for a certificate.
type ClientAuth uint8

// Whether a server asks the client for a certificate, and whether it must have one.
const (
	ClientAuthNone    ClientAuth = iota
	ClientAuthRequest            // a client may come without
	ClientAuthRequire            // one without is refused
)

// A ServerConfig is what a server supports. The machine only reads it: its
// slices must not be written to while a Server is in use, and many Servers may
// share them.
type ServerConfig struct {
	Random           [32]byte       // ServerHello.random, from the driver's randomness; zero: refused
	MinVersion       tlsmsg.Version // 0: TLS 1.2; TLS 1.0 and 1.1 are for tests of old clients
	MaxVersion       tlsmsg.Version // 0: TLS 1.2
	CipherSuites     []tlsmsg.CipherSuite
	Groups           []tlsmsg.NamedGroup      // curves, groups of RFC 7919 for DHE, and in TLS 1.3 those with ML-KEM
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
	// Tickets gives session tickets and takes them (RFC 5077; RFC 9846, section
	// 4.7.1). In TLS 1.3 a ticket comes after the handshake: a client that closes its
	// socket without having read it resets the connection, and what it wrote last may
	// be lost.
	Tickets bool

	// PSKs are keys from outside TLS that clients of TLS 1.3 may prove themselves
	// with, and be proved to, in place of certificates.
	PSKs []PSK
	// PSKAlone takes a PSK, a ticket's too, without a key exchange where the client
	// can do no other: who learns the key later can read what was said.
	PSKAlone bool
	// EarlyData is how many bytes of early data are taken with a ticket that this
	// server gave (RFC 9846, section 2.3); 0: none. Whoever records them can send them
	// once more: Server.Early tells them from what came later.
	EarlyData uint32
	// Cookie is sent to each client of TLS 1.3 in a HelloRetryRequest, which it must
	// answer with the same (RFC 9846, section 4.3.2). Nil: a HelloRetryRequest is
	// sent where a key share is missing alone.
	Cookie []byte

	// RecordSizeLimit answers a client's record_size_limit (RFC 8449): the most
	// bytes of plaintext in a protected record, 64 to 16384, between which any
	// other value is brought. 0: not answered.
	RecordSizeLimit uint16

	// CompressCertificates are how certificates of TLS 1.3 may be compressed (RFC
	// 8879), preferred first: ours where the client takes one of them, the client's by
	// CertificateRequest. Nil: none are. The driver does it (CompressWork,
	// DecompressWork).
	CompressCertificates []tlsmsg.CertificateCompressionAlgorithm

	// ECHKeys are what clients may encrypt their ClientHello to (RFC 9849). None: a
	// ClientHello that was decrypted by a server before this one is confirmed, and any
	// other encrypted one is answered by the outer one alone.
	ECHKeys []ECHKey

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
	suites, groups := defaultSuites, offeredGroups
	c.MaxVersion = cmp.Or(min(c.MaxVersion, tlsmsg.VersionTLS13), tlsmsg.VersionTLS12)
	if c.MaxVersion >= tlsmsg.VersionTLS13 {
		suites, groups = slices.Concat(suites13, suites), groups13
	}
	c.CipherSuites = orDefault(c.CipherSuites, suites)
	c.Groups = orDefault(c.Groups, groups)
	c.SignatureSchemes = orDefault(c.SignatureSchemes, defaultSchemes)
	if !slices.ContainsFunc(c.CipherSuites, func(id tlsmsg.CipherSuite) bool { return suite.Lookup13(id) != nil }) {
		c.MaxVersion = min(c.MaxVersion, tlsmsg.VersionTLS12) // it could choose none
	}
	if c.RecordSizeLimit != 0 {
		c.RecordSizeLimit = min(max(c.RecordSizeLimit, minRecordSizeLimit), tlsmsg.MaxPlaintext)
	}
}

func (c *ServerConfig) omits(t tlsmsg.ExtensionType) bool { return slices.Contains(c.Omit, t) }
