package transcript

import (
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
)

// EnumName is the message's name in the spelling of RFC 5246's enums:
// "client_hello", "change_cipher_spec".
func (m *Message) EnumName() string {
	if m.Content == tlsmsg.ContentHandshake {
		return fmt.Sprint(m.Type)
	}
	return fmt.Sprint(m.Content)
}

// Name is the message's name as RFC 5246 heads its sections: "ClientHello",
// "ChangeCipherSpec".
func (m *Message) Name() string {
	if m.Content == tlsmsg.ContentHandshake && m.Encrypted && len(m.Raw) == 0 {
		return "Handshake"
	}
	var b strings.Builder
	for part := range strings.SplitSeq(m.EnumName(), "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

func (m *Message) decode(c *field.Cursor) (tlsmsg.Message, error) {
	c.Rest("body")
	return nil, c.Done()
}
