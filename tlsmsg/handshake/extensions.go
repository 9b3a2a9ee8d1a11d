package handshake

import (
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// extension is one that a client offers, and what it makes of the answer.
type extension struct {
	typ tlsmsg.ExtensionType
	// offer returns the data to send, or nil for none.
	offer func(*Client) (tlsmsg.ExtensionData, error)
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
	{tlsmsg.ExtensionSCT, offerSCT, answerSCT},
	{tlsmsg.ExtensionEncryptThenMAC, offerEncryptThenMAC, answerEncryptThenMAC},
	{tlsmsg.ExtensionRecordSizeLimit, offerRecordSizeLimit, answerRecordSizeLimit},
	{tlsmsg.ExtensionSignatureAlgorithms, offerSignatureAlgorithms, nil}, // RFC 5246, section 7.4.1.4.1
}

// offerExtensions sets the extensions of ClientHello: those of the table, and
// those that the Config adds.
func (c *Client) offerExtensions(hello *tlsmsg.ClientHello) error {
	list := make([]tlsmsg.Extension, 0, len(clientExtensions)+len(c.cfg.Extensions)+3)
	data := make([]byte, 0, 224)
	if c.cfg.GREASE {
		list = append(list, tlsmsg.Extension{Type: greaseValue[tlsmsg.ExtensionType](&c.state.ClientRandom, greaseFirstExtension)})
	}
	for i := range clientExtensions {
		row := &clientExtensions[i]
		raw := findRaw(c.cfg.Extensions, row.typ)
		if raw == nil && slices.Contains(c.cfg.Omit, row.typ) {
			continue
		}
		if raw != nil {
			c.offered |= 1 << i
			list = append(list, *raw)
			continue
		}
		v, err := row.offer(c)
		if err != nil {
			return &InternalError{What: "ClientHello", Err: err}
		}
		if v == nil {
			continue
		}
		from := len(data)
		data = v.AppendData(data, tlsmsg.TypeClientHello)
		list = append(list, tlsmsg.Extension{Type: row.typ, Data: data[from:len(data):len(data)]})
		c.offered |= 1 << i
	}
	for _, e := range c.cfg.Extensions {
		if rowOf(e.Type) < 0 {
			list = append(list, e)
		}
	}
	if c.cfg.GREASE {
		list = append(list, tlsmsg.Extension{Type: greaseValue[tlsmsg.ExtensionType](&c.state.ClientRandom, greaseLastExtension), Data: []byte{0}})
	}
	if tlsmsg.FindExtension(list, tlsmsg.ExtensionPadding) < 0 {
		list = append(list, c.padding(hello, list)...)
	}
	hello.Extensions = list
	if n := extensionsLen(list); n > maxExtensions {
		return &InternalError{What: fmt.Sprintf("ClientHello: %d bytes of extensions, and no more than %d fit", n, maxExtensions)}
	}
	return nil
}

// maxExtensions is the most that the extension block holds (RFC 5246, section
// 7.4.1.4), in bytes.
const maxExtensions = 1<<16 - 1

func extensionsLen(list []tlsmsg.Extension) (n int) {
	for i := range list {
		n += 4 + len(list[i].Data)
	}
	return n
}

// padding is the extension that brings the ClientHello up to Config.PadTo, where
// it is shorter (RFC 7685, section 3).
func (c *Client) padding(hello *tlsmsg.ClientHello, list []tlsmsg.Extension) []tlsmsg.Extension {
	if c.cfg.PadTo <= 0 {
		return nil
	}
	hello.Extensions = list
	missing := c.cfg.PadTo - len(tlsmsg.Append(nil, hello, c.ctx))
	if missing <= 0 {
		return nil
	}
	return []tlsmsg.Extension{tlsmsg.NewExtension(&tlsmsg.Padding{Length: max(0, missing-4)}, tlsmsg.TypeClientHello)}
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
