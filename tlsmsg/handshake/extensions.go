package handshake

import (
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// extension is one that a client offers, and what it makes of the answer.
type extension struct {
	typ tlsmsg.ExtensionType
	// offer returns the data to send, or nil for none.
	offer func(*Config) (tlsmsg.ExtensionData, error)
	// answer takes the one in ServerHello. Nil: one that is offered, but that a
	// TLS 1.2 server must not answer.
	answer func(*Client, *tlsmsg.ServerHello) error
}

// extensionSet is a set of rows of the table.
type extensionSet uint16

// clientExtensions is the table, in the order of sending.
var clientExtensions = [...]extension{
	{tlsmsg.ExtensionServerName, offerServerName, answered[tlsmsg.ServerName]},
	{tlsmsg.ExtensionExtendedMasterSecret, offerExtendedMasterSecret, answerExtendedMasterSecret},
	{tlsmsg.ExtensionRenegotiationInfo, offerRenegotiationInfo, answerRenegotiationInfo},
	// Some servers answer supported_groups, against RFC 8422's letter and to no
	// effect; to look at them matters more than to refuse them.
	{tlsmsg.ExtensionSupportedGroups, offerSupportedGroups, answered[tlsmsg.SupportedGroups]},
	{tlsmsg.ExtensionECPointFormats, offerECPointFormats, answerECPointFormats},
	{tlsmsg.ExtensionSessionTicket, offerSessionTicket, answerSessionTicket},
	{tlsmsg.ExtensionALPN, offerALPN, answerALPN},
	{tlsmsg.ExtensionStatusRequest, offerStatusRequest, answerStatusRequest},
	{tlsmsg.ExtensionSignatureAlgorithms, offerSignatureAlgorithms, nil}, // RFC 5246, section 7.4.1.4.1
}

// offerExtensions returns the extensions of ClientHello.
func (c *Client) offerExtensions() ([]tlsmsg.Extension, error) {
	list := make([]tlsmsg.Extension, 0, len(clientExtensions))
	data := make([]byte, 0, 192)
	for i := range clientExtensions {
		row := &clientExtensions[i]
		if slices.Contains(c.cfg.Omit, row.typ) {
			continue
		}
		v, err := row.offer(&c.cfg)
		if err != nil {
			return nil, &InternalError{What: "ClientHello", Err: err}
		}
		if v == nil {
			continue
		}
		from := len(data)
		data = v.AppendData(data, tlsmsg.TypeClientHello)
		list = append(list, tlsmsg.Extension{Type: row.typ, Data: data[from:len(data):len(data)]})
		c.offered |= 1 << i
	}
	return list, nil
}

// answeredExtensions takes those of ServerHello: each must answer one that was
// offered (RFC 5246, section 7.4.1.4).
func (c *Client) answeredExtensions(hello *tlsmsg.ServerHello) error {
	if err := hello.CheckExtensions(); err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Reason: err.Error(), Err: err}
	}
	for i := range hello.Extensions {
		t := hello.Extensions[i].Type
		row := slices.IndexFunc(clientExtensions[:], func(e extension) bool { return e.typ == t })
		switch {
		case row < 0 || !c.mayAnswer(row):
			return refuse(tlsmsg.AlertUnsupportedExtension, "ServerHello.extensions", "%v was not offered", t)
		case clientExtensions[row].answer == nil:
			return refuse(tlsmsg.AlertUnsupportedExtension, "ServerHello.extensions", "%v must not be answered", t)
		}
		if err := clientExtensions[row].answer(c, hello); err != nil {
			return err
		}
	}
	return nil
}

// mayAnswer reports whether the row was offered. The SCSV offers
// renegotiation_info too (RFC 5746, section 3.3).
func (c *Client) mayAnswer(row int) bool {
	return c.offered&(1<<row) != 0 || clientExtensions[row].typ == tlsmsg.ExtensionRenegotiationInfo &&
		slices.Contains(c.cfg.CipherSuites, tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
}

// parse decodes the answer of one extension.
func parse(hello *tlsmsg.ServerHello, into tlsmsg.ExtensionData) error {
	if _, err := hello.DecodeExtension(into); err != nil {
		return malformed(err)
	}
	return nil
}

// answered checks the form of an answer that says no more than that it is there.
func answered[T any, P interface {
	*T
	tlsmsg.ExtensionData
}](_ *Client, hello *tlsmsg.ServerHello) error {
	return parse(hello, P(new(T)))
}

// offerServerName sends a DNS name, and no address (RFC 6066, section 3).
func offerServerName(cfg *Config) (tlsmsg.ExtensionData, error) {
	host := strings.TrimSuffix(cfg.ServerName, ".")
	if host == "" || isAddress(host) {
		return nil, nil
	}
	v, err := tlsmsg.NewServerName(host)
	return &v, err
}

func offerALPN(cfg *Config) (tlsmsg.ExtensionData, error) {
	if len(cfg.ALPN) == 0 {
		return nil, nil
	}
	v, err := tlsmsg.NewALPN(cfg.ALPN...)
	return &v, err
}

func answerALPN(c *Client, hello *tlsmsg.ServerHello) error {
	var v tlsmsg.ALPN
	if err := parse(hello, &v); err != nil {
		return err
	}
	if !slices.Contains(c.cfg.ALPN, v.Protocols[0]) {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.application_layer_protocol_negotiation",
			"%q was not offered", v.Protocols[0])
	}
	c.state.ALPN = v.Protocols[0]
	return nil
}

func offerExtendedMasterSecret(*Config) (tlsmsg.ExtensionData, error) {
	return &tlsmsg.ExtendedMasterSecret{}, nil
}

func answerExtendedMasterSecret(c *Client, hello *tlsmsg.ServerHello) error {
	c.state.ExtendedMasterSecret = true
	return parse(hello, &tlsmsg.ExtendedMasterSecret{})
}

// offerRenegotiationInfo leaves it to the SCSV where a caller offers that: one
// of the two is enough (RFC 5746, section 3.4).
func offerRenegotiationInfo(cfg *Config) (tlsmsg.ExtensionData, error) {
	if slices.Contains(cfg.CipherSuites, tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV) {
		return nil, nil
	}
	return &tlsmsg.RenegotiationInfo{}, nil
}

func answerRenegotiationInfo(c *Client, hello *tlsmsg.ServerHello) error {
	var v tlsmsg.RenegotiationInfo
	if err := parse(hello, &v); err != nil {
		return err
	}
	if n := len(v.RenegotiatedConnection); n > 0 {
		return refuse(tlsmsg.AlertHandshakeFailure, "ServerHello.renegotiation_info",
			"%d bytes in renegotiated_connection, expected none in a first handshake (RFC 5746, section 3.4)", n)
	}
	c.state.SecureRenegotiation = true
	return nil
}

func offerSupportedGroups(cfg *Config) (tlsmsg.ExtensionData, error) {
	return &tlsmsg.SupportedGroups{Groups: cfg.Groups}, nil
}

func offerECPointFormats(*Config) (tlsmsg.ExtensionData, error) {
	return &tlsmsg.ECPointFormats{Formats: uncompressed}, nil
}

var uncompressed = []tlsmsg.ECPointFormat{tlsmsg.PointUncompressed}

func answerECPointFormats(_ *Client, hello *tlsmsg.ServerHello) error {
	var v tlsmsg.ECPointFormats
	if err := parse(hello, &v); err != nil {
		return err
	}
	if !slices.Contains(v.Formats, tlsmsg.PointUncompressed) {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.ec_point_formats",
			"%v, expected %v among them (RFC 8422, section 5.1.2)", v.Formats, tlsmsg.PointUncompressed)
	}
	return nil
}

func offerSessionTicket(cfg *Config) (tlsmsg.ExtensionData, error) {
	if !cfg.SessionTicket {
		return nil, nil
	}
	return &tlsmsg.SessionTicket{}, nil
}

func answerSessionTicket(c *Client, hello *tlsmsg.ServerHello) error {
	var v tlsmsg.SessionTicket
	if err := parse(hello, &v); err != nil {
		return err
	}
	if n := len(v.Ticket); n > 0 {
		return refuse(tlsmsg.AlertDecodeError, "ServerHello.session_ticket", "%d bytes, expected none", n)
	}
	c.exchange.ticketPromised = true
	return nil
}

func offerStatusRequest(*Config) (tlsmsg.ExtensionData, error) {
	return &tlsmsg.StatusRequest{StatusType: tlsmsg.StatusTypeOCSP}, nil
}

func answerStatusRequest(c *Client, hello *tlsmsg.ServerHello) error {
	c.exchange.statusPromised = true
	return parse(hello, &tlsmsg.StatusRequest{})
}

func offerSignatureAlgorithms(cfg *Config) (tlsmsg.ExtensionData, error) {
	return &tlsmsg.SignatureAlgorithms{Schemes: cfg.SignatureSchemes}, nil
}
