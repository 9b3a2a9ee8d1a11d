// What a client offers by each extension, and does with its answer.

package handshake

import (
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// inHello is where offers stand.
const inHello = tlsmsg.TypeClientHello

// What every ClientHello offers alike; nobody writes to them.
var (
	firstHandshake = &tlsmsg.RenegotiationInfo{}
	uncompressed   = &tlsmsg.ECPointFormats{Formats: []tlsmsg.ECPointFormat{tlsmsg.PointUncompressed}}
	wantsOCSP      = &tlsmsg.StatusRequest{StatusType: tlsmsg.StatusTypeOCSP}
)

// offerServerName sends a DNS name, and no address (RFC 6066, section 3).
func offerServerName(c *Client, b []byte) ([]byte, error) {
	host := strings.TrimSuffix(c.name, ".")
	if c.outside() {
		host = c.publicName()
	}
	if host == "" || isAddress(host) {
		return nil, nil
	}
	return tlsmsg.AppendHostName(b, host)
}

func answerServerName(c *Client, b block) error {
	return b.parse(&c.answers.serverName)
}

// offerALPN: what the connection carries does not change in its middle.
func offerALPN(c *Client, b []byte) ([]byte, error) {
	if len(c.cfg.ALPN) == 0 || c.again() {
		return nil, nil
	}
	v, err := tlsmsg.NewALPN(c.cfg.ALPN...)
	return v.AppendData(b, inHello), err
}

func answerALPN(c *Client, b block) error {
	v := &c.answers.alpn
	if err := b.parse(v); err != nil {
		return err
	}
	raw := findRaw(c.cfg.Extensions, tlsmsg.ExtensionALPN)
	if raw == nil && !slices.Contains(c.cfg.ALPN, v.Protocols[0]) {
		return refuse(tlsmsg.AlertIllegalParameter, b.field("application_layer_protocol_negotiation"),
			"%q was not offered", v.Protocols[0])
	}
	c.state.ALPN = v.Protocols[0]
	return nil
}

func offerExtendedMasterSecret(_ *Client, b []byte) ([]byte, error) {
	return b, nil
}

func answerExtendedMasterSecret(c *Client, b block) error {
	c.state.ExtendedMasterSecret = true
	return b.parse(&tlsmsg.ExtendedMasterSecret{})
}

// offerRenegotiationInfo leaves it to the SCSV where a caller offers that: one
// of the two is enough (RFC 5746, section 3.4).
func offerRenegotiationInfo(c *Client, b []byte) ([]byte, error) {
	if c.again() {
		return (&tlsmsg.RenegotiationInfo{RenegotiatedConnection: c.earlier.ours[:]}).AppendData(b, inHello), nil
	}
	if slices.Contains(c.cfg.CipherSuites, tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV) {
		return nil, nil
	}
	return firstHandshake.AppendData(b, inHello), nil
}

func answerRenegotiationInfo(c *Client, b block) error {
	v := &c.answers.renegotiation
	if err := b.parse(v); err != nil {
		return err
	}
	if c.again() {
		return c.sameConnection(v.RenegotiatedConnection)
	}
	if n := len(v.RenegotiatedConnection); n > 0 {
		return refuse(tlsmsg.AlertHandshakeFailure, b.field("renegotiation_info"),
			"%d bytes in renegotiated_connection, expected none in a first handshake (RFC 5746, section 3.4)", n)
	}
	c.state.SecureRenegotiation = true
	return nil
}

func offerSupportedGroups(c *Client, b []byte) ([]byte, error) {
	v := tlsmsg.SupportedGroups{Groups: c.cfg.Groups}
	if c.cfg.GREASE {
		v.Groups = append([]tlsmsg.NamedGroup{greaseValue[tlsmsg.NamedGroup](&c.state.ClientRandom, greaseGroup)}, v.Groups...)
	}
	return v.AppendData(b, inHello), nil
}

func answerSupportedGroups(c *Client, b block) error {
	return b.parse(&c.answers.groups)
}

func offerECPointFormats(_ *Client, b []byte) ([]byte, error) {
	return uncompressed.AppendData(b, inHello), nil
}

func answerECPointFormats(c *Client, b block) error {
	v := &c.answers.formats
	if err := b.parse(v); err != nil {
		return err
	}
	if !slices.Contains(v.Formats, tlsmsg.PointUncompressed) {
		return refuse(tlsmsg.AlertIllegalParameter, b.field("ec_point_formats"),
			"%v, expected %v among them (RFC 8422, section 5.1.2)", v.Formats, tlsmsg.PointUncompressed)
	}
	return nil
}

func offerSessionTicket(c *Client, b []byte) ([]byte, error) {
	switch {
	case c.session != nil && c.session.Version < tlsmsg.VersionTLS13 && len(c.session.Ticket) > 0:
		return append(b, c.session.Ticket...), nil
	case c.cfg.SessionTicket:
		return b, nil
	}
	return nil, nil
}

func answerSessionTicket(c *Client, b block) error {
	v := &c.answers.ticket
	if err := b.parse(v); err != nil {
		return err
	}
	if n := len(v.Ticket); n > 0 {
		return refuse(tlsmsg.AlertDecodeError, b.field("session_ticket"), "%d bytes, expected none", n)
	}
	c.exchange.ticketPromised = true
	return nil
}

func offerStatusRequest(_ *Client, b []byte) ([]byte, error) {
	return wantsOCSP.AppendData(b, inHello), nil
}

// answerStatusRequest: in TLS 1.3 the response itself stands there.
func answerStatusRequest(c *Client, b block) error {
	if b.place == inHello12 {
		c.exchange.statusPromised = true
		if len(findRaw(b.list, tlsmsg.ExtensionStatusRequest).Data) == 0 {
			return nil
		}
	}
	var v tlsmsg.StatusRequest
	err := b.parse(&v)
	c.state.OCSPResponse = v.Response
	return err
}

// offerSignatureAlgorithms: before TLS 1.2 there is nothing to choose, and the
// extension is not sent (RFC 5246, section 7.4.1.4.1).
func offerSignatureAlgorithms(c *Client, b []byte) ([]byte, error) {
	if c.cfg.MaxVersion < tlsmsg.VersionTLS12 {
		return nil, nil
	}
	v := tlsmsg.SignatureAlgorithms{Schemes: c.cfg.SignatureSchemes}
	if c.cfg.GREASE {
		v.Schemes = append([]tlsmsg.SignatureScheme{greaseValue[tlsmsg.SignatureScheme](&c.state.ClientRandom, greaseScheme)}, v.Schemes...)
	}
	return v.AppendData(b, inHello), nil
}

func offerSCT(_ *Client, b []byte) ([]byte, error) {
	return b, nil
}

// answerSCT keeps the timestamps for who knows the logs' keys (RFC 6962,
// section 3.3.1).
func answerSCT(c *Client, b block) error {
	v := &c.answers.scts
	if err := b.parse(v); err != nil {
		return err
	}
	c.state.SCTs = v.List
	return nil
}

// offerEncryptThenMAC is for suites of CBC mode alone (RFC 7366, section 3).
func offerEncryptThenMAC(c *Client, b []byte) ([]byte, error) {
	for _, id := range c.cfg.CipherSuites {
		if s := suite.Lookup(id); s != nil && s.CBC() {
			return b, nil
		}
	}
	return nil, nil
}

func answerEncryptThenMAC(c *Client, b block) error {
	if err := b.parse(&tlsmsg.EncryptThenMAC{}); err != nil {
		return err
	}
	if c.suite != nil && !c.suite.CBC() {
		return refuse(tlsmsg.AlertIllegalParameter, b.field("extensions"),
			"encrypt_then_mac with %v, which is not of CBC mode (RFC 7366, section 3)", c.state.CipherSuite)
	}
	c.state.EncryptThenMAC = true
	return nil
}

// minRecordSizeLimit is the least that a record_size_limit may be (RFC 8449,
// section 4).
const minRecordSizeLimit = 64

func offerRecordSizeLimit(c *Client, b []byte) ([]byte, error) {
	if c.cfg.RecordSizeLimit == 0 {
		return nil, nil
	}
	v := tlsmsg.RecordSizeLimit{Limit: c.cfg.RecordSizeLimit}
	return v.AppendData(b, inHello), nil
}

// answerRecordSizeLimit: from now on both sides keep to the other's limit, in
// records that are protected (RFC 8449, section 4).
func answerRecordSizeLimit(c *Client, b block) error {
	v := &c.answers.limit
	if err := b.parse(v); err != nil {
		return err
	}
	most := uint16(tlsmsg.MaxPlaintext)
	if b.place == inEncrypted {
		most++ // the type counts, too
	}
	if v.Limit < minRecordSizeLimit || v.Limit > most {
		return refuse(tlsmsg.AlertIllegalParameter, b.field("record_size_limit"), "%d, expected %d to %d",
			v.Limit, minRecordSizeLimit, most)
	}
	c.state.RecordSizeLimit = v.Limit
	if b.place == inEncrypted {
		c.out.limit, c.in.limit = v.Limit-1, c.cfg.RecordSizeLimit
		return nil
	}
	c.out.next, c.in.next = v.Limit, c.cfg.RecordSizeLimit
	if c.in.next == 0 { // sent as raw bytes
		c.in.next = tlsmsg.MaxPlaintext
	}
	return nil
}
