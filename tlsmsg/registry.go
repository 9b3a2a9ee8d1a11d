// The numbers of TLS, as types and constants.

package tlsmsg

// The numbers of TLS. Every type has a String method that returns the name as
// its registry (IANA, "TLS Parameters") or RFC 5246's enum spells it, and for
// an unknown number the number itself, in the base that the registry uses. The
// values that RFC 8701 reserves are named GREASE, with the number.
//
// The constants are those that this project's code needs; the tables of names
// are complete.
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
	NameType              uint8 // of server_name (RFC 6066, section 3)
	CertificateStatusType uint8 // of status_request (RFC 6066, section 8)
	PSKKeyExchangeMode    uint8 // RFC 9846, section 4.3.9
	KeyUpdateRequest      uint8 // RFC 9846, section 4.7.3

	CertificateCompressionAlgorithm uint16 // RFC 8879, section 7.3

	ECHClientHelloType uint8  // RFC 9849, section 5
	HPKEKEM            uint16 // RFC 9180, section 7
	HPKEKDF            uint16
	HPKEAEAD           uint16
)

// The content types of records (IANA, "TLS ContentType").
const (
	ContentChangeCipherSpec ContentType = 20
	ContentAlert            ContentType = 21
	ContentHandshake        ContentType = 22
	ContentApplicationData  ContentType = 23
	ContentHeartbeat        ContentType = 24
)

// The versions, by their numbers on the wire.
const (
	VersionSSL20 Version = 0x0002
	VersionSSL30 Version = 0x0300
	VersionTLS10 Version = 0x0301
	VersionTLS11 Version = 0x0302
	VersionTLS12 Version = 0x0303
	VersionTLS13 Version = 0x0304

	draft13 = 0x7F // the first byte of the numbers of TLS 1.3's drafts
)

// The handshake messages (IANA, "TLS HandshakeType").
const (
	TypeHelloRequest          HandshakeType = 0
	TypeClientHello           HandshakeType = 1
	TypeServerHello           HandshakeType = 2
	TypeNewSessionTicket      HandshakeType = 4
	TypeEndOfEarlyData        HandshakeType = 5 // RFC 9846
	TypeHelloRetryRequest     HandshakeType = 6 // where an extension is; on the wire it is a ServerHello
	TypeEncryptedExtensions   HandshakeType = 8 // RFC 9846
	TypeCertificate           HandshakeType = 11
	TypeServerKeyExchange     HandshakeType = 12
	TypeCertificateRequest    HandshakeType = 13
	TypeServerHelloDone       HandshakeType = 14
	TypeCertificateVerify     HandshakeType = 15
	TypeClientKeyExchange     HandshakeType = 16
	TypeFinished              HandshakeType = 20
	TypeCertificateStatus     HandshakeType = 22
	TypeKeyUpdate             HandshakeType = 24  // RFC 9846
	TypeCompressedCertificate HandshakeType = 25  // RFC 8879
	TypeMessageHash           HandshakeType = 254 // RFC 9846
)

// The cipher suites that are implemented, or that a rule names (IANA, "TLS Cipher
// Suites").
const (
	TLS_RSA_WITH_NULL_MD5                         CipherSuite = 0x0001
	TLS_RSA_WITH_NULL_SHA                         CipherSuite = 0x0002
	TLS_RSA_WITH_RC4_128_MD5                      CipherSuite = 0x0004
	TLS_RSA_WITH_RC4_128_SHA                      CipherSuite = 0x0005
	TLS_RSA_WITH_3DES_EDE_CBC_SHA                 CipherSuite = 0x000A
	TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA             CipherSuite = 0x0016
	TLS_RSA_WITH_AES_128_CBC_SHA                  CipherSuite = 0x002F
	TLS_DHE_RSA_WITH_AES_128_CBC_SHA              CipherSuite = 0x0033
	TLS_RSA_WITH_AES_256_CBC_SHA                  CipherSuite = 0x0035
	TLS_DHE_RSA_WITH_AES_256_CBC_SHA              CipherSuite = 0x0039
	TLS_RSA_WITH_NULL_SHA256                      CipherSuite = 0x003B
	TLS_RSA_WITH_AES_128_CBC_SHA256               CipherSuite = 0x003C
	TLS_RSA_WITH_AES_256_CBC_SHA256               CipherSuite = 0x003D
	TLS_DHE_RSA_WITH_AES_128_CBC_SHA256           CipherSuite = 0x0067
	TLS_DHE_RSA_WITH_AES_256_CBC_SHA256           CipherSuite = 0x006B
	TLS_RSA_WITH_AES_128_GCM_SHA256               CipherSuite = 0x009C
	TLS_RSA_WITH_AES_256_GCM_SHA384               CipherSuite = 0x009D
	TLS_DHE_RSA_WITH_AES_128_GCM_SHA256           CipherSuite = 0x009E
	TLS_DHE_RSA_WITH_AES_256_GCM_SHA384           CipherSuite = 0x009F
	TLS_EMPTY_RENEGOTIATION_INFO_SCSV             CipherSuite = 0x00FF // RFC 5746
	TLS_AES_128_GCM_SHA256                        CipherSuite = 0x1301
	TLS_AES_256_GCM_SHA384                        CipherSuite = 0x1302
	TLS_CHACHA20_POLY1305_SHA256                  CipherSuite = 0x1303
	TLS_AES_128_CCM_SHA256                        CipherSuite = 0x1304
	TLS_AES_128_CCM_8_SHA256                      CipherSuite = 0x1305
	TLS_FALLBACK_SCSV                             CipherSuite = 0x5600 // RFC 7507
	TLS_ECDHE_ECDSA_WITH_NULL_SHA                 CipherSuite = 0xC006
	TLS_ECDHE_ECDSA_WITH_RC4_128_SHA              CipherSuite = 0xC007
	TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA         CipherSuite = 0xC008
	TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA          CipherSuite = 0xC009
	TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA          CipherSuite = 0xC00A
	TLS_ECDHE_RSA_WITH_NULL_SHA                   CipherSuite = 0xC010
	TLS_ECDHE_RSA_WITH_RC4_128_SHA                CipherSuite = 0xC011
	TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA           CipherSuite = 0xC012
	TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA            CipherSuite = 0xC013
	TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA            CipherSuite = 0xC014
	TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256       CipherSuite = 0xC023
	TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384       CipherSuite = 0xC024
	TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256         CipherSuite = 0xC027
	TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384         CipherSuite = 0xC028
	TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256       CipherSuite = 0xC02B
	TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384       CipherSuite = 0xC02C
	TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256         CipherSuite = 0xC02F
	TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384         CipherSuite = 0xC030
	TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256   CipherSuite = 0xCCA8
	TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 CipherSuite = 0xCCA9
	TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256     CipherSuite = 0xCCAA
)

// The compression methods (RFC 3749). Nothing but null is ever chosen.
const (
	CompressionNull    CompressionMethod = 0
	CompressionDeflate CompressionMethod = 1 // RFC 3749
)

// The extensions that are read and made (IANA, "TLS ExtensionType Values").
const (
	ExtensionServerName           ExtensionType = 0
	ExtensionStatusRequest        ExtensionType = 5
	ExtensionSupportedGroups      ExtensionType = 10
	ExtensionECPointFormats       ExtensionType = 11
	ExtensionSignatureAlgorithms  ExtensionType = 13
	ExtensionALPN                 ExtensionType = 16
	ExtensionSCT                  ExtensionType = 18
	ExtensionPadding              ExtensionType = 21
	ExtensionEncryptThenMAC       ExtensionType = 22
	ExtensionExtendedMasterSecret ExtensionType = 23
	ExtensionCompressCertificate  ExtensionType = 27 // RFC 8879
	ExtensionRecordSizeLimit      ExtensionType = 28
	ExtensionSessionTicket        ExtensionType = 35
	ExtensionPreSharedKey         ExtensionType = 41
	ExtensionEarlyData            ExtensionType = 42
	ExtensionSupportedVersions    ExtensionType = 43
	ExtensionCookie               ExtensionType = 44
	ExtensionPSKKeyExchangeModes  ExtensionType = 45
	ExtensionCertAuthorities      ExtensionType = 47
	ExtensionOIDFilters           ExtensionType = 48
	ExtensionPostHandshakeAuth    ExtensionType = 49
	ExtensionSigAlgsCert          ExtensionType = 50
	ExtensionKeyShare             ExtensionType = 51
	ExtensionECHOuterExtensions   ExtensionType = 0xFD00 // RFC 9849
	ExtensionEncryptedClientHello ExtensionType = 0xFE0D
	ExtensionRenegotiationInfo    ExtensionType = 0xFF01
)

// The groups of key exchanges (IANA, "TLS Supported Groups").
const (
	GroupSecp256r1 NamedGroup = 23
	GroupSecp384r1 NamedGroup = 24
	GroupSecp521r1 NamedGroup = 25
	GroupX25519    NamedGroup = 29
	GroupX448      NamedGroup = 30
	GroupFFDHE2048 NamedGroup = 256 // RFC 7919
	GroupFFDHE3072 NamedGroup = 257
	GroupFFDHE4096 NamedGroup = 258
	GroupFFDHE6144 NamedGroup = 259
	GroupFFDHE8192 NamedGroup = 260

	GroupMLKEM512           NamedGroup = 512
	GroupMLKEM768           NamedGroup = 513
	GroupMLKEM1024          NamedGroup = 514
	GroupSecP256r1MLKEM768  NamedGroup = 4587 // RFC 10024
	GroupX25519MLKEM768     NamedGroup = 4588
	GroupSecP384r1MLKEM1024 NamedGroup = 4589
)

// The formats of points (RFC 8422, section 5.1.2).
const (
	PointUncompressed            ECPointFormat = 0
	PointANSIX962CompressedPrime ECPointFormat = 1
	PointANSIX962CompressedChar2 ECPointFormat = 2
)

// The types of curves (RFC 8422, section 5.4).
const (
	CurveExplicitPrime ECCurveType = 1
	CurveExplicitChar2 ECCurveType = 2
	CurveNamed         ECCurveType = 3 // named_curve, the only one that RFC 8422 keeps
)

// The signature schemes (IANA, "TLS SignatureScheme").
const (
	SchemeRSAPKCS1SHA1         SignatureScheme = 0x0201
	SchemeECDSASHA1            SignatureScheme = 0x0203
	SchemeRSAPKCS1SHA256       SignatureScheme = 0x0401
	SchemeRSAPKCS1SHA384       SignatureScheme = 0x0501
	SchemeRSAPKCS1SHA512       SignatureScheme = 0x0601
	SchemeECDSASecp256r1SHA256 SignatureScheme = 0x0403
	SchemeECDSASecp384r1SHA384 SignatureScheme = 0x0503
	SchemeECDSASecp521r1SHA512 SignatureScheme = 0x0603
	SchemeRSAPSSRSAESHA256     SignatureScheme = 0x0804
	SchemeRSAPSSRSAESHA384     SignatureScheme = 0x0805
	SchemeRSAPSSRSAESHA512     SignatureScheme = 0x0806
	SchemeEd25519              SignatureScheme = 0x0807
	SchemeEd448                SignatureScheme = 0x0808
	SchemeRSAPSSPSSSHA256      SignatureScheme = 0x0809
	SchemeRSAPSSPSSSHA384      SignatureScheme = 0x080A
	SchemeRSAPSSPSSSHA512      SignatureScheme = 0x080B
	SchemeMLDSA44              SignatureScheme = 0x0904
	SchemeMLDSA65              SignatureScheme = 0x0905
	SchemeMLDSA87              SignatureScheme = 0x0906
)

// The types of client certificates (RFC 5246, section 7.4.4).
const (
	CertificateTypeRSASign   ClientCertificateType = 1
	CertificateTypeDSSSign   ClientCertificateType = 2
	CertificateTypeECDSASign ClientCertificateType = 64 // RFC 8422
)

// The levels of alerts (RFC 5246, section 7.2).
const (
	LevelWarning AlertLevel = 1
	LevelFatal   AlertLevel = 2
)

// The alerts (IANA, "TLS Alerts").
const (
	AlertCloseNotify                  AlertDescription = 0
	AlertUnexpectedMessage            AlertDescription = 10
	AlertBadRecordMAC                 AlertDescription = 20
	AlertRecordOverflow               AlertDescription = 22
	AlertHandshakeFailure             AlertDescription = 40
	AlertNoCertificate                AlertDescription = 41 // SSL 3.0
	AlertBadCertificate               AlertDescription = 42
	AlertUnsupportedCertificate       AlertDescription = 43
	AlertCertificateRevoked           AlertDescription = 44
	AlertCertificateExpired           AlertDescription = 45
	AlertCertificateUnknown           AlertDescription = 46
	AlertIllegalParameter             AlertDescription = 47
	AlertUnknownCA                    AlertDescription = 48
	AlertAccessDenied                 AlertDescription = 49
	AlertDecodeError                  AlertDescription = 50
	AlertDecryptError                 AlertDescription = 51
	AlertProtocolVersion              AlertDescription = 70
	AlertInsufficientSecurity         AlertDescription = 71
	AlertInternalError                AlertDescription = 80
	AlertInappropriateFallback        AlertDescription = 86 // RFC 7507
	AlertUserCanceled                 AlertDescription = 90
	AlertNoRenegotiation              AlertDescription = 100
	AlertMissingExtension             AlertDescription = 109 // RFC 9846
	AlertUnsupportedExtension         AlertDescription = 110
	AlertUnrecognizedName             AlertDescription = 112 // RFC 6066
	AlertBadCertificateStatusResponse AlertDescription = 113
	AlertUnknownPSKIdentity           AlertDescription = 115 // RFC 4279
	AlertCertificateRequired          AlertDescription = 116 // RFC 9846
	AlertGeneralError                 AlertDescription = 117 // RFC 9846
	AlertNoApplicationProtocol        AlertDescription = 120 // RFC 7301
	AlertECHRequired                  AlertDescription = 121 // RFC 9849
)

// Values of types with few of them: names and statuses (RFC 6066, sections 3 and 8), PSK
// modes and key updates (RFC 9846, sections 4.2.9 and 4.6.3), ECH (RFC 9849), compressed
// certificates (RFC 8879).
const (
	NameTypeHostName NameType = 0

	StatusTypeOCSP      CertificateStatusType = 1
	StatusTypeOCSPMulti CertificateStatusType = 2 // RFC 6961

	PSKModeKE    PSKKeyExchangeMode = 0 // psk_ke
	PSKModeDHEKE PSKKeyExchangeMode = 1 // psk_dhe_ke

	UpdateNotRequested KeyUpdateRequest = 0
	UpdateRequested    KeyUpdateRequest = 1

	ECHOuter ECHClientHelloType = 0
	ECHInner ECHClientHelloType = 1

	CompressionZlib   CertificateCompressionAlgorithm = 1
	CompressionBrotli CertificateCompressionAlgorithm = 2
	CompressionZstd   CertificateCompressionAlgorithm = 3
)
