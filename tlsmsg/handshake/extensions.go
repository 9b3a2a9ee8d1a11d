package handshake

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// extension is one that a client offers, and what it makes of the answer.
type extension struct {
	typ tlsmsg.ExtensionType
	// offer appends the data to send, or returns nil: the extension is not sent.
	offer func(*Client, []byte) ([]byte, error)
	// answer takes the one in ServerHello. Nil: one that is offered, but that a
	// TLS 1.2 server must not answer.
	answer func(*Client, *tlsmsg.ServerHello) error
}

// extensionSet is a set of rows of the table.
type extensionSet uint16

// clientExtensions is the table, in the order of sending.
var clientExtensions = [...]extension{
	{tlsmsg.ExtensionServerName, offerServerName, answerServerName},
	{tlsmsg.ExtensionExtendedMasterSecret, offerExtendedMasterSecret, answerExtendedMasterSecret},
	{tlsmsg.ExtensionRenegotiationInfo, offerRenegotiationInfo, answerRenegotiationInfo},
	// Some servers answer supported_groups, against RFC 8422's letter and to no
	// effect; to look at them matters more than to refuse them.
	{tlsmsg.ExtensionSupportedGroups, offerSupportedGroups, answerSupportedGroups},
	{tlsmsg.ExtensionECPointFormats, offerECPointFormats, answerECPointFormats},
	{tlsmsg.ExtensionSessionTicket, offerSessionTicket, answerSessionTicket},
	{tlsmsg.ExtensionALPN, offerALPN, answerALPN},
	{tlsmsg.ExtensionStatusRequest, offerStatusRequest, answerStatusRequest},
	{tlsmsg.ExtensionSCT, offerSCT, answerSCT},
	{tlsmsg.ExtensionEncryptThenMAC, offerEncryptThenMAC, answerEncryptThenMAC},
	{tlsmsg.ExtensionRecordSizeLimit, offerRecordSizeLimit, answerRecordSizeLimit},
	{tlsmsg.ExtensionSignatureAlgorithms, offerSignatureAlgorithms, nil}, // RFC 5246, section 7.4.1.4.1
}

// appendExtensions appends the extensions of the ClientHello that begins at b[at]:
// those of the table, and those that the Config adds.
func (c *Client) appendExtensions(b []byte, at int) ([]byte, error) {
	block := len(b) + 2
	b = append(b, 0, 0)
	if c.cfg.GREASE {
		b = appendExtension(b, greaseValue[tlsmsg.ExtensionType](&c.state.ClientRandom, greaseFirstExtension), nil)
	}
	for i := range clientExtensions {
		row := &clientExtensions[i]
		raw := findRaw(c.cfg.Extensions, row.typ)
		switch {
		case raw != nil && !(c.again() && (row.typ == tlsmsg.ExtensionRenegotiationInfo || row.typ == tlsmsg.ExtensionALPN)):
			b = appendExtension(b, raw.Type, raw.Data)
		case slices.Contains(c.cfg.Omit, row.typ):
			continue
		default:
			from := len(b)
			data, err := row.offer(c, appendExtension(b, row.typ, nil))
			if err != nil {
				return b, &InternalError{What: "ClientHello", Err: err}
			}
			if data == nil {
				continue
			}
			b = data
			binary.BigEndian.PutUint16(b[from+2:], uint16(len(b)-from-extensionHeader))
		}
		c.offered |= 1 << i
	}
	for i := range c.cfg.Extensions {
		if e := &c.cfg.Extensions[i]; rowOf(e.Type) < 0 {
			b = appendExtension(b, e.Type, e.Data)
		}
	}
	if c.cfg.GREASE {
		b = appendExtension(b, greaseValue[tlsmsg.ExtensionType](&c.state.ClientRandom, greaseLastExtension), []byte{0})
	}
	b = c.pad(b, at)
	n := len(b) - block
	if n > maxExtensions {
		return b, &InternalError{What: fmt.Sprintf("ClientHello: %d bytes of extensions, and no more than %d fit", n, maxExtensions)}
	}
	binary.BigEndian.PutUint16(b[block-2:], uint16(n))
	return b, nil
}

// extensionHeader is extension_type and a length (RFC 5246, section 7.4.1.4).
const extensionHeader = 4

func appendExtension(b []byte, t tlsmsg.ExtensionType, data []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(t))
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

// maxExtensions is the most that the extension block holds (RFC 5246, section
// 7.4.1.4), in bytes.
const maxExtensions = 1<<16 - 1

// pad brings the ClientHello that begins at b[at] up to Config.PadTo by the padding
// extension, where it is shorter and has none yet (RFC 7685, section 3).
func (c *Client) pad(b []byte, at int) []byte {
	missing := c.cfg.PadTo - (len(b) - at)
	if c.cfg.PadTo <= 0 || missing <= 0 || findRaw(c.cfg.Extensions, tlsmsg.ExtensionPadding) != nil {
		return b
	}
	n := max(0, missing-extensionHeader)
	b = binary.BigEndian.AppendUint16(b, uint16(tlsmsg.ExtensionPadding))
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	return append(b, make([]byte, n)...)
}

// offered reports whether the ClientHello offers a value in an extension that is
// a list: by the bytes that a caller gave, or as configured. One that was left
// out, or that cannot be read, excludes nothing.
func offered[T comparable](c *Client, t tlsmsg.ExtensionType, configured []T, list func(*tlsmsg.Extension) ([]T, error), value T) bool {
	if raw := findRaw(c.cfg.Extensions, t); raw != nil {
		said, err := list(raw)
		return err != nil || slices.Contains(said, value)
	}
	return slices.Contains(c.cfg.Omit, t) || slices.Contains(configured, value)
}

func (c *Client) offersGroup(g tlsmsg.NamedGroup) bool {
	return offered(c, tlsmsg.ExtensionSupportedGroups, c.cfg.Groups, func(e *tlsmsg.Extension) ([]tlsmsg.NamedGroup, error) {
		var v tlsmsg.SupportedGroups
		err := e.Decode(&v, inHello)
		return v.Groups, err
	}, g)
}

func (c *Client) offersScheme(s tlsmsg.SignatureScheme) bool {
	return offered(c, tlsmsg.ExtensionSignatureAlgorithms, c.cfg.SignatureSchemes, func(e *tlsmsg.Extension) ([]tlsmsg.SignatureScheme, error) {
		var v tlsmsg.SignatureAlgorithms
		err := e.Decode(&v, inHello)
		return v.Schemes, err
	}, s)
}

func rowOf(t tlsmsg.ExtensionType) int {
	return slices.IndexFunc(clientExtensions[:], func(e extension) bool { return e.typ == t })
}

func findRaw(list []tlsmsg.Extension, t tlsmsg.ExtensionType) *tlsmsg.Extension {
	if i := tlsmsg.FindExtension(list, t); i >= 0 {
		return &list[i]
	}
	return nil
}

// answeredExtensions takes those of ServerHello: each must answer one that was
// offered (RFC 5246, section 7.4.1.4). What answers an extension that the
// Config alone knows is kept as it is.
func (c *Client) answeredExtensions(hello *tlsmsg.ServerHello) error {
	if err := hello.CheckExtensions(); err != nil {
		return malformed(err)
	}
	for i := range hello.Extensions {
		t := hello.Extensions[i].Type
		row := rowOf(t)
		switch {
		case row < 0 && findRaw(c.cfg.Extensions, t) != nil:
			continue
		case row < 0 && t == tlsmsg.ExtensionPadding && c.cfg.PadTo > 0: // RFC 7685, section 3
			return refuse(tlsmsg.AlertUnsupportedExtension, "ServerHello.extensions", "%v must not be answered", t)
		case row < 0 || !c.mayAnswer(row):
			return refuse(tlsmsg.AlertUnsupportedExtension, "ServerHello.extensions", "%v %s", t, c.unoffered(uint16(t), greaseFirstExtension, greaseLastExtension))
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

// answers are the typed views that a client decodes answers into.
type answers struct {
	serverName    tlsmsg.ServerName
	groups        tlsmsg.SupportedGroups
	formats       tlsmsg.ECPointFormats
	renegotiation tlsmsg.RenegotiationInfo
	ticket        tlsmsg.SessionTicket
	alpn          tlsmsg.ALPN
	status        tlsmsg.StatusRequest
	scts          tlsmsg.SignedCertificateTimestamps
	limit         tlsmsg.RecordSizeLimit
}
