// The table of the extensions that a server understands, and its answers.

package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// offer is what a ClientHello offered, as far as this server understands it.
type offer struct {
	hello    tlsmsg.ClientHello
	answered []tlsmsg.Extension // what ServerHello will say

	name    string
	groups  []tlsmsg.NamedGroup      // nil: the client names none
	schemes []tlsmsg.SignatureScheme // that it verifies
	status  bool                     // it takes a CertificateStatus
	sct     bool                     // it takes signed certificate timestamps
	tickets bool                     // it knows session tickets
	ticket  []byte                   // that it offers

	encryptThenMAC bool

	// TLS 1.3
	shares       []tlsmsg.KeyShareEntry
	cookie       []byte // nil: none
	pskModes     []tlsmsg.PSKKeyExchangeMode
	psk          tlsmsg.PreSharedKey
	early        bool                                     // it sends early data
	authLater    bool                                     // it may be asked for a certificate after the handshake
	compressions []tlsmsg.CertificateCompressionAlgorithm // that it takes certificates in
	trusts       [][]byte                                 // DER names of the authorities; nil: any
}

// serverExtension is an extension that a server understands.
type serverExtension struct {
	typ tlsmsg.ExtensionType
	// take decodes the client's and says what to answer, or nil for nothing.
	take func(*Server, *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error)
	in   eras
}

// eras are the versions in which an extension counts.
type eras uint8

const (
	before13 eras = 1 << iota
	since13
	always = before13 | since13
)

// serverExtensions is the table, in the order of the answers.
var serverExtensions = [...]serverExtension{
	{tlsmsg.ExtensionRenegotiationInfo, takeRenegotiationInfo, before13},
	{tlsmsg.ExtensionServerName, takeServerName, always},
	{tlsmsg.ExtensionExtendedMasterSecret, takeExtendedMasterSecret, before13},
	{tlsmsg.ExtensionECPointFormats, takeECPointFormats, before13},
	{tlsmsg.ExtensionSupportedGroups, takeSupportedGroups, always},
	{tlsmsg.ExtensionSignatureAlgorithms, takeSignatureAlgorithms, always},
	{tlsmsg.ExtensionALPN, takeALPN, always},
	{tlsmsg.ExtensionStatusRequest, takeStatusRequest, always},
	{tlsmsg.ExtensionSCT, takeSCT, always},
	{tlsmsg.ExtensionSessionTicket, takeSessionTicket, before13},
	{tlsmsg.ExtensionEncryptThenMAC, takeEncryptThenMAC, before13},
	{tlsmsg.ExtensionRecordSizeLimit, takeRecordSizeLimit, always},
	{tlsmsg.ExtensionKeyShare, takeKeyShare, since13},
	{tlsmsg.ExtensionPSKKeyExchangeModes, takePSKModes, since13},
	{tlsmsg.ExtensionPreSharedKey, takePreSharedKey, since13},
	{tlsmsg.ExtensionEarlyData, takeEarlyData, since13},
	{tlsmsg.ExtensionCookie, takeCookie, since13},
	{tlsmsg.ExtensionCertAuthorities, takeAuthorities, since13},
	{tlsmsg.ExtensionPostHandshakeAuth, takePostHandshakeAuth, since13},
	{tlsmsg.ExtensionCompressCertificate, takeCompressCertificate, since13},
	{tlsmsg.ExtensionEncryptedClientHello, takeECH, since13},
}

// takeExtensions takes those of ClientHello in the table's order; others are
// ignored (RFC 5246, section 7.4.1.4).
func (s *Server) takeExtensions() error {
	hello := &s.offer.hello
	now := before13
	if s.state.Version >= tlsmsg.VersionTLS13 {
		now = since13
	}
	if err := hello.CheckExtensions(); err != nil {
		if now == since13 {
			return repeated(err)
		}
		return malformed(err)
	}
	for i := range serverExtensions {
		row := &serverExtensions[i]
		if row.in&now == 0 || s.cfg.omits(row.typ) || tlsmsg.FindExtension(hello.Extensions, row.typ) < 0 {
			continue
		}
		answer, err := row.take(s, hello)
		if err != nil {
			return err
		}
		s.answer(answer)
	}
	// RFC 5746, section 3.6: the signalling suite stands for an empty extension.
	if now == before13 && slices.Contains(hello.CipherSuites, tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV) && !s.state.SecureRenegotiation &&
		!s.cfg.omits(tlsmsg.ExtensionRenegotiationInfo) {
		s.state.SecureRenegotiation = true
		s.answer(&tlsmsg.RenegotiationInfo{})
	}
	return nil
}

func (s *Server) answer(v tlsmsg.ExtensionData) {
	in := tlsmsg.TypeServerHello
	if s.state.Version >= tlsmsg.VersionTLS13 {
		in = tlsmsg.TypeEncryptedExtensions
	}
	if v != nil {
		s.offer.answered = append(s.offer.answered, tlsmsg.NewExtension(v, in))
	}
}

// answerExtensions returns the extensions of ServerHello: what was taken, and
// what depends on the choice of suite and credential.
func (s *Server) answerExtensions() []tlsmsg.Extension {
	if s.state.EncryptThenMAC = s.offer.encryptThenMAC && s.suite.CBC(); s.state.EncryptThenMAC {
		s.answer(&tlsmsg.EncryptThenMAC{})
	}
	if s.exchange.ticketPromised = s.exchange.ticketPromised || s.exchange.renew; s.exchange.ticketPromised {
		s.answer(&tlsmsg.SessionTicket{})
	}
	if s.state.Resumed { // RFC 6066, sections 3 and 8; RFC 6962, section 3.3.1
		s.offer.answered = slices.DeleteFunc(s.offer.answered, func(e tlsmsg.Extension) bool { return e.Type == tlsmsg.ExtensionServerName })
		return s.offer.answered
	}
	cred := s.exchange.credential
	if s.offer.status && cred.OCSPResponse != nil {
		s.answer(&tlsmsg.StatusRequest{})
	}
	if s.offer.sct && len(cred.SCTs) > 0 {
		s.answer(&tlsmsg.SignedCertificateTimestamps{List: cred.SCTs})
	}
	return s.offer.answered
}

// take decodes one extension.
func take(hello *tlsmsg.ClientHello, into tlsmsg.ExtensionData) error {
	if _, err := hello.DecodeExtension(into); err != nil {
		return malformed(err)
	}
	return nil
}

func takeRenegotiationInfo(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.RenegotiationInfo
	if err := take(hello, &v); err != nil {
		return nil, err
	}
	if n := len(v.RenegotiatedConnection); n > 0 {
		return nil, refuse(tlsmsg.AlertHandshakeFailure, "ClientHello.renegotiation_info",
			"%d bytes in renegotiated_connection, expected none in a first handshake (RFC 5746, section 3.6)", n)
	}
	s.state.SecureRenegotiation = true
	return &tlsmsg.RenegotiationInfo{}, nil
}

// takeServerName keeps the name. No list may name two of one type (RFC 6066,
// section 3).
func takeServerName(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.ServerName
	if err := take(hello, &v); err != nil {
		return nil, err
	}
	for i, n := range v.Names {
		if slices.ContainsFunc(v.Names[:i], func(o tlsmsg.ServerNameEntry) bool { return o.Type == n.Type }) {
			return nil, refuse(tlsmsg.AlertIllegalParameter, "ClientHello.server_name", "two names of type %v, expected one", n.Type)
		}
	}
	s.offer.name = v.HostName()
	if s.offer.name == "" {
		return nil, nil
	}
	return &tlsmsg.ServerName{}, nil
}

func takeExtendedMasterSecret(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	s.state.ExtendedMasterSecret = true
	return &tlsmsg.ExtendedMasterSecret{}, take(hello, &tlsmsg.ExtendedMasterSecret{})
}

func takeECPointFormats(_ *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.ECPointFormats
	if err := take(hello, &v); err != nil {
		return nil, err
	}
	if !slices.Contains(v.Formats, tlsmsg.PointUncompressed) {
		return nil, refuse(tlsmsg.AlertIllegalParameter, "ClientHello.ec_point_formats",
			"%v, expected %v among them (RFC 8422, section 5.1.2)", v.Formats, tlsmsg.PointUncompressed)
	}
	return uncompressed, nil
}

func takeSupportedGroups(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.SupportedGroups
	if err := take(hello, &v); err != nil {
		return nil, err
	}
	s.offer.groups = v.Groups
	return nil, nil
}

func takeSignatureAlgorithms(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.SignatureAlgorithms
	if err := take(hello, &v); err != nil {
		return nil, err
	}
	s.offer.schemes = v.Schemes
	return nil, nil
}

// takeALPN picks our first protocol that the client offers (RFC 7301, section
// 3.2).
func takeALPN(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.ALPN
	if err := take(hello, &v); err != nil {
		return nil, err
	}
	if len(s.cfg.ALPN) == 0 {
		return nil, nil
	}
	for _, p := range s.cfg.ALPN {
		if slices.Contains(v.Protocols, p) {
			s.state.ALPN = p
			return &tlsmsg.ALPN{Protocols: []string{p}}, nil
		}
	}
	return nil, refuse(tlsmsg.AlertNoApplicationProtocol, "ClientHello.application_layer_protocol_negotiation",
		"%q, expected one of %q among them", v.Protocols[:min(len(v.Protocols), 8)], s.cfg.ALPN)
}

func takeStatusRequest(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.StatusRequest
	if err := take(hello, &v); err != nil {
		return nil, err
	}
	s.offer.status = v.StatusType == tlsmsg.StatusTypeOCSP
	return nil, nil
}

func takeSCT(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	s.offer.sct = true
	return nil, take(hello, &tlsmsg.SignedCertificateTimestamps{})
}

func takeSessionTicket(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.SessionTicket
	s.offer.tickets = true
	err := take(hello, &v)
	s.offer.ticket = v.Ticket
	return nil, err
}

func takeEncryptThenMAC(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	s.offer.encryptThenMAC = true
	return nil, take(hello, &tlsmsg.EncryptThenMAC{})
}

// takeRecordSizeLimit: both sides keep to the other's limit in records that are
// protected. One beyond the protocol's own may come, for versions to be (RFC
// 8449, section 4).
func takeRecordSizeLimit(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.RecordSizeLimit
	if err := take(hello, &v); err != nil || s.cfg.RecordSizeLimit == 0 {
		return nil, err
	}
	if v.Limit < minRecordSizeLimit {
		return nil, refuse(tlsmsg.AlertIllegalParameter, "ClientHello.record_size_limit", "%d, expected at least %d", v.Limit, minRecordSizeLimit)
	}
	s.state.RecordSizeLimit = v.Limit
	if s.state.Version >= tlsmsg.VersionTLS13 { // the type counts, too
		s.out.limit, s.in.next = min(v.Limit-1, tlsmsg.MaxPlaintext), s.cfg.RecordSizeLimit
		return &tlsmsg.RecordSizeLimit{Limit: s.cfg.RecordSizeLimit}, nil
	}
	s.out.next, s.in.next = min(v.Limit, tlsmsg.MaxPlaintext), s.cfg.RecordSizeLimit
	return &tlsmsg.RecordSizeLimit{Limit: s.cfg.RecordSizeLimit}, nil
}

func takeKeyShare(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.KeyShare
	err := take(hello, &v)
	s.offer.shares = v.Shares
	return nil, err
}

func takePSKModes(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.PSKKeyExchangeModes
	err := take(hello, &v)
	s.offer.pskModes = v.Modes
	return nil, err
}

func takePreSharedKey(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	return nil, take(hello, &s.offer.psk)
}

func takeEarlyData(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	s.offer.early = true
	return nil, take(hello, &tlsmsg.EarlyData{})
}

func takeCookie(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.Cookie
	err := take(hello, &v)
	s.offer.cookie = v.Cookie
	return nil, err
}

func takeAuthorities(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.CertificateAuthorities
	err := take(hello, &v)
	s.offer.trusts = v.Authorities
	return nil, err
}

func takePostHandshakeAuth(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	s.offer.authLater = true
	return nil, take(hello, &tlsmsg.PostHandshakeAuth{})
}
