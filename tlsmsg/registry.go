package tlsmsg

// The numbers of TLS. Every type has a String that gives the name as its
// registry (IANA, "TLS Parameters") or RFC 5246's enum spells it, and for an
// unknown number the number itself.
type (
	ContentType           uint8
	HandshakeType         uint8
	Version               uint16
	CipherSuite           uint16
	CompressionMethod     uint8
	ExtensionType         uint16
	NamedGroup            uint16
	ECPointFormat         uint8
	ECCurveType           uint8
	SignatureScheme       uint16
	ClientCertificateType uint8
	AlertLevel            uint8
	AlertDescription      uint8
)

const (
	ContentChangeCipherSpec ContentType = 20
	ContentAlert            ContentType = 21
	ContentHandshake        ContentType = 22
	ContentApplicationData  ContentType = 23
)

const (
	VersionSSL30 Version = 0x0300
	VersionTLS10 Version = 0x0301
	VersionTLS11 Version = 0x0302
	VersionTLS12 Version = 0x0303
	VersionTLS13 Version = 0x0304
)

const (
	TypeHelloRequest       HandshakeType = 0
	TypeClientHello        HandshakeType = 1
	TypeServerHello        HandshakeType = 2
	TypeNewSessionTicket   HandshakeType = 4
	TypeCertificate        HandshakeType = 11
	TypeServerKeyExchange  HandshakeType = 12
	TypeCertificateRequest HandshakeType = 13
	TypeServerHelloDone    HandshakeType = 14
	TypeCertificateVerify  HandshakeType = 15
	TypeClientKeyExchange  HandshakeType = 16
	TypeFinished           HandshakeType = 20
	TypeCertificateStatus  HandshakeType = 22
)
