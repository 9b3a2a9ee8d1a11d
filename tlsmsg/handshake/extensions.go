// The table of the extensions that a client offers, and their answers.

package handshake

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// extension is one that a client offers, and what it does with the answer.
type extension struct {
	typ tlsmsg.ExtensionType
	// offer appends the data to send, or returns nil: the extension is not sent.
	offer func(*Client, []byte) ([]byte, error)
	// answer takes the server's. Nil: one that is offered, and that no server
	// answers.
	answer func(*Client, block) error
	in     places // where the answer may stand
}

// places are those of a server's messages in which an extension is allowed: TLS
// 1.2's ServerHello, and the table of RFC 9846, section 4.3.
type places uint8

const (
	inHello12 places = 1 << iota
	inHello13
	inRetry
	inEncrypted
	inCertificate
	inTicket
	nowhere places = 0
)

// A block is the extensions of one of the server's messages.
type block struct {
	place   places
	form    tlsmsg.HandshakeType
	list    []tlsmsg.Extension
	message interface {
		DecodeExtension(tlsmsg.ExtensionData) (bool, error)
	}
}

// field names a field of the message, for errors.
func (b block) field(name string) string { return b.form.Heading() + "." + name }

// parse decodes the answer of one extension.
func (b block) parse(into tlsmsg.ExtensionData) error {
	if _, err := b.message.DecodeExtension(into); err != nil {
		return malformed(err)
	}
	return nil
}

// extensionSet is a set of rows of the table.
type extensionSet uint32

// clientExtensions is the table, in the order of sending.
var clientExtensions = [...]extension{
	{tlsmsg.ExtensionServerName, offerServerName, answerServerName, inHello12 | inEncrypted},
	{tlsmsg.ExtensionExtendedMasterSecret, offerExtendedMasterSecret, answerExtendedMasterSecret, inHello12},
	{tlsmsg.ExtensionRenegotiationInfo, offerRenegotiationInfo, answerRenegotiationInfo, inHello12},
	// Some servers answer supported_groups, against RFC 8422 but without
	// effect; examining them matters more than refusing them.
	{tlsmsg.ExtensionSupportedGroups, offerSupportedGroups, answerSupportedGroups, inHello12 | inEncrypted},
	{tlsmsg.ExtensionECPointFormats, offerECPointFormats, answerECPointFormats, inHello12},
	{tlsmsg.ExtensionSessionTicket, offerSessionTicket, answerSessionTicket, inHello12},
	{tlsmsg.ExtensionALPN, offerALPN, answerALPN, inHello12 | inEncrypted},
	{tlsmsg.ExtensionStatusRequest, offerStatusRequest, answerStatusRequest, inHello12 | inCertificate},
	{tlsmsg.ExtensionSCT, offerSCT, answerSCT, inHello12 | inCertificate},
	{tlsmsg.ExtensionEncryptThenMAC, offerEncryptThenMAC, answerEncryptThenMAC, inHello12},
	{tlsmsg.ExtensionRecordSizeLimit, offerRecordSizeLimit, answerRecordSizeLimit, inHello12 | inEncrypted},
	{tlsmsg.ExtensionSignatureAlgorithms, offerSignatureAlgorithms, nil, nowhere}, // RFC 5246, section 7.4.1.4.1
	{tlsmsg.ExtensionSupportedVersions, offerSupportedVersions, answerSupportedVersions, inHello13 | inRetry},
	{tlsmsg.ExtensionCookie, offerCookie, answerCookie, inRetry},
	{tlsmsg.ExtensionPSKKeyExchangeModes, offerPSKModes, nil, nowhere},
	{tlsmsg.ExtensionKeyShare, offerKeyShare, answerKeyShare, inHello13 | inRetry},
	{tlsmsg.ExtensionPostHandshakeAuth, offerPostHandshakeAuth, nil, nowhere},
	{tlsmsg.ExtensionCompressCertificate, offerCompressCertificate, nil, nowhere}, // RFC 8879, section 3
	{tlsmsg.ExtensionEarlyData, offerEarlyData, answerEarlyData, inEncrypted},
	{tlsmsg.ExtensionEncryptedClientHello, offerECH, answerECH, inRetry | inEncrypted},
	{tlsmsg.ExtensionPreSharedKey, offerPreSharedKey, answerPreSharedKey, inHello13},
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
		if c.outside() && row.typ == tlsmsg.ExtensionServerName {
			raw = nil // it would say what the inner ClientHello is to hide
		}
		switch {
		case c.inside() && row.in == inHello12: // no other version is offered
			continue
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
	b = c.appendPSK(c.pad(b, at))
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
	if c.cfg.PadTo <= 0 || missing <= 0 || c.inside() || findRaw(c.cfg.Extensions, tlsmsg.ExtensionPadding) != nil {
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

// answered takes the extensions of a message: each must answer one that was
// offered (RFC 5246, section 7.4.1.4; RFC 9846, section 4.3), where it may. What
// answers an extension that the Config alone knows is kept as it is.
func (c *Client) answered(b block) error {
	for i := range b.list {
		t := b.list[i].Type
		row := rowOf(t)
		switch {
		case row < 0 && findRaw(c.cfg.Extensions, t) != nil:
			continue
		case row < 0 && t == tlsmsg.ExtensionPadding && c.cfg.PadTo > 0: // RFC 7685, section 3
			return refuse(tlsmsg.AlertUnsupportedExtension, b.field("extensions"), "%v must not be answered", t)
		case row < 0 || !c.mayAnswer(row, b.place):
			return refuse(tlsmsg.AlertUnsupportedExtension, b.field("extensions"), "%v %s", t, c.unoffered(uint16(t), greaseFirstExtension, greaseLastExtension))
		case clientExtensions[row].in&b.place == 0 && b.place != inHello12:
			return refuse(tlsmsg.AlertIllegalParameter, b.field("extensions"), "%v must not stand there (RFC 9846, section 4.3)", t)
		case clientExtensions[row].in&b.place == 0:
			return refuse(tlsmsg.AlertUnsupportedExtension, b.field("extensions"), "%v must not be answered", t)
		}
		if err := clientExtensions[row].answer(c, b); err != nil {
			return err
		}
	}
	return nil
}

// mayAnswer reports whether the row was offered. The SCSV offers
// renegotiation_info too (RFC 5746, section 3.3), and a cookie comes unasked (RFC
// 9846, section 4.3.2).
func (c *Client) mayAnswer(row int, place places) bool {
	switch typ := clientExtensions[row].typ; {
	case c.offered&(1<<row) != 0, typ == tlsmsg.ExtensionCookie && place == inRetry:
		return true
	default:
		return typ == tlsmsg.ExtensionRenegotiationInfo && place == inHello12 &&
			slices.Contains(c.cfg.CipherSuites, tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
	}
}

// answers are the typed views that a client decodes answers into.
type answers struct {
	serverName    tlsmsg.ServerName
	groups        tlsmsg.SupportedGroups
	formats       tlsmsg.ECPointFormats
	renegotiation tlsmsg.RenegotiationInfo
	ticket        tlsmsg.SessionTicket
	alpn          tlsmsg.ALPN
	scts          tlsmsg.SignedCertificateTimestamps
	limit         tlsmsg.RecordSizeLimit
}
