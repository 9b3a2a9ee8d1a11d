// The names of messages, and their decoding for the reader.

package transcript

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
)

// EnumName is the message's name in the spelling of RFC 5246's enums:
// "client_hello", "change_cipher_spec". The type of a sealed handshake message
// is unknown: its name is "handshake".
func (m *Message) EnumName() string {
	if m.Content == tlsmsg.ContentHandshake && !m.Sealed {
		return m.Type.String()
	}
	return m.Content.String()
}

// Name is the message's name as in the headings of RFC 5246: "ClientHello",
// "ChangeCipherSpec".
func (m *Message) Name() string {
	if m.Content == tlsmsg.ContentHandshake && !m.Sealed {
		return m.Type.Heading()
	}
	return m.Content.Heading()
}

// Handshake decodes a handshake message.
func (m *Message) Handshake() (tlsmsg.Message, error) {
	return tlsmsg.ParseMessage(m.Raw, m.Context)
}

// Tree decodes the message once more, recording its fields. After an error,
// a last leaf holds what could not be decoded.
func (m *Message) Tree() (*field.Node, error) {
	if m.Sealed {
		c := field.Record(m.Name(), m.Raw)
		c.Rest("encrypted")
		return c.Tree(), c.Done()
	}
	return tlsmsg.ExplainContent(m.Content, m.Raw, m.Context)
}
