// What the handshake messages are.

package tlsmsg

import "github.com/rawshake/rawshake/field"

// A KeyExchange says which form ServerKeyExchange and ClientKeyExchange have.
type KeyExchange uint8

// The key exchanges of TLS 1.2 and before; unknown until the suite is.
const (
	KeyExchangeUnknown KeyExchange = iota
	KeyExchangeRSA
	KeyExchangeDHE
	KeyExchangeECDHE
)

// A Context is what the decoding of some messages depends on: what has been
// negotiated when they arrive. The zero Context is for a ClientHello. In TLS
// 1.3 Certificate, CertificateRequest and NewSessionTicket have another form
// than before.
type Context struct {
	Version     Version
	KeyExchange KeyExchange
}

// schemes reports whether signatures name their algorithms (RFC 5246, section
// 4.7); before TLS 1.2 the key's type implied them.
func (ctx Context) schemes() bool { return ctx.Version >= VersionTLS12 }

// tls13 reports whether messages have RFC 9846's form, or that of its drafts.
func (ctx Context) tls13() bool { return ctx.Version == VersionTLS13 || ctx.Version>>8 == draft13 }

// A Message is the body of a handshake message: what follows the four-byte
// header (RFC 5246, section 7.4).
type Message interface {
	Type() HandshakeType
	// Decode reads the body, all that is left in the cursor's group. Byte
	// slices in the result alias the cursor's input.
	Decode(c *field.Cursor, ctx Context) error
	// AppendBody appends the encoded body to b.
	AppendBody(b []byte, ctx Context) []byte
}

// An Extension is one extension as it is on the wire. [ExtensionData] are typed
// views of the data; any number with any bytes can be sent.
type Extension struct {
	Type ExtensionType
	Data []byte
}

// A ClientHello says what the client can do (RFC 5246, section 7.4.1.2; RFC 9846, section 4.2.2).
type ClientHello struct {
	Version            Version
	Random             [32]byte
	SessionID          []byte
	CipherSuites       []CipherSuite
	CompressionMethods []CompressionMethod
	Extensions         []Extension
	HasExtensions      bool // the block itself may be left out (RFC 5246, section 7.4.1.2)
}

// ServerHello is also a HelloRetryRequest: see [ServerHello.Form].
type ServerHello struct {
	Version           Version
	Random            [32]byte
	SessionID         []byte
	CipherSuite       CipherSuite
	CompressionMethod CompressionMethod
	Extensions        []Extension
	HasExtensions     bool
}

// A Certificate is the chain of either side (RFC 5246, section 7.4.2; RFC 9846, section 4.5.1).
type Certificate struct {
	Chain [][]byte // DER, the leaf first

	// TLS 1.3 only
	RequestContext  []byte        // certificate_request_context
	EntryExtensions [][]Extension // one block for each in Chain; missing ones are encoded as empty
}

// A ServerKeyExchange is the server's share, signed where it is authenticated (RFC 5246,
// section 7.4.3; RFC 8422, section 5.4).
type ServerKeyExchange struct {
	// ECDHE (RFC 8422, section 5.4)
	CurveType ECCurveType
	Group     NamedGroup
	PublicKey []byte
	// DHE (RFC 5246, section 7.4.3): big-endian integers
	DHPrime, DHGenerator, DHPublic []byte

	Params    []byte          // the signed parameters as on the wire
	Scheme    SignatureScheme // TLS 1.2 only
	Signature []byte
	Raw       []byte // the whole body where the key exchange is not known
}

// A CertificateRequest asks the client for a certificate (RFC 5246, section 7.4.4; RFC 9846,
// section 4.4.2).
type CertificateRequest struct {
	CertificateTypes []ClientCertificateType
	Schemes          []SignatureScheme // TLS 1.2 only
	Authorities      [][]byte          // DER names

	// TLS 1.3 only; the fields above are not used there
	RequestContext []byte // certificate_request_context
	Extensions     []Extension
}

// ServerHelloDone ends the server's first flight (RFC 5246, section 7.4.5).
type ServerHelloDone struct{}

// HelloRequest asks for a renegotiation (RFC 5246, section 7.4.1.1).
type HelloRequest struct{}

// A ClientKeyExchange is the client's share, or an encrypted pre-master secret (RFC 5246,
// section 7.4.7; RFC 8422, section 5.7).
type ClientKeyExchange struct {
	KeyExchange              KeyExchange
	PublicKey                []byte // ECDHE point, or DHE public value
	EncryptedPreMasterSecret []byte // RSA
	Raw                      []byte
}

// A CertificateVerify proves that its sender has the certificate's key (RFC 5246, section
// 7.4.8; RFC 9846, section 4.5.2).
type CertificateVerify struct {
	Scheme    SignatureScheme // TLS 1.2 only
	Signature []byte
}

// Finished shows that both sides saw the same handshake (RFC 5246, section 7.4.9; RFC 9846,
// section 4.5.3).
type Finished struct{ VerifyData []byte }

// A CertificateStatus is a stapled OCSP response (RFC 6066, section 8).
type CertificateStatus struct {
	StatusType CertificateStatusType
	Response   []byte // DER OCSPResponse of status_type ocsp; else all that follows the type
}

// A NewSessionTicket is what the client resumes by (RFC 5077, section 3.3; RFC 9846, section
// 4.7.1).
type NewSessionTicket struct {
	LifetimeHint uint32 // seconds; ticket_lifetime in TLS 1.3
	Ticket       []byte

	// TLS 1.3 only
	AgeAdd     uint32 // ticket_age_add, milliseconds
	Nonce      []byte // ticket_nonce
	Extensions []Extension
}

// UnknownMessage is a handshake message of a type that this package does not
// decode further.
type UnknownMessage struct {
	HandshakeType HandshakeType
	Body          []byte
}

// ChangeCipherSpec has a record of its own (RFC 5246, section 7.1); in TLS 1.3 it means
// nothing.
type ChangeCipherSpec struct{ Value uint8 }

// An Alert has a record of its own (RFC 5246, section 7.2; RFC 9846, section 6).
type Alert struct {
	Level       AlertLevel
	Description AlertDescription
}
