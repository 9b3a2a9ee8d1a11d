package tlsmsg

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// EncodedClientHelloInner, which is what a client encrypts (RFC 9849, section
// 5.1): a ClientHello without a header and without its session_id, with
// references to the outer one's extensions, and zeros behind it.

// ParseClientHelloInner decodes an EncodedClientHelloInner into m, as it stands
// there; [ClientHello.Expand] makes it whole. Errors are [*field.Error], also of
// zeros that are none.
func ParseClientHelloInner(m *ClientHello, b []byte) error {
	c := field.New(innerHelloName, b)
	return m.decodeInner(&c)
}

// ExplainClientHelloInner returns the tree of its fields. See [Explain].
func ExplainClientHelloInner(b []byte) (*field.Node, error) {
	c := field.Record(innerHelloName, b)
	err := new(ClientHello).decodeInner(&c)
	return c.Whole(), err
}

const innerHelloName = "EncodedClientHelloInner"

func (m *ClientHello) decodeInner(c *field.Cursor) error {
	m.read(c)
	if !c.More() {
		return c.End()
	}
	for i, x := range c.Rest("zeros") {
		if x != 0 {
			c.Failf("byte %d of the padding is 0x%02X, expected zero", i, x)
			break
		}
	}
	return c.End()
}

// AppendClientHelloInner appends m as an EncodedClientHelloInner with as many
// zeros. Its session_id is left out.
func AppendClientHelloInner(b []byte, m *ClientHello, zeros int) []byte {
	inner := *m
	inner.SessionID, inner.HasExtensions = nil, true
	return append(inner.AppendBody(b, Context{}), make([]byte, max(0, zeros))...)
}

// ECHExpandError says why a ClientHelloInner cannot be made whole. It is answered
// with illegal_parameter (RFC 9849, section 5.1).
type ECHExpandError struct {
	Type    ExtensionType // that is referred to
	Problem string
}

func (e *ECHExpandError) Error() string {
	return fmt.Sprintf("ClientHelloInner: ech_outer_extensions: %s %s", e.Type, e.Problem)
}

// Expand makes an inner ClientHello whole: it takes the session_id of the outer
// one, and for ech_outer_extensions the extensions that this names, which must be
// there in the same order, each once. It looks at each extension of the outer one
// once. An [*ECHExpandError] leaves m as it was.
func (m *ClientHello) Expand(outer *ClientHello) error {
	at := FindExtension(m.Extensions, ExtensionECHOuterExtensions)
	if at < 0 {
		m.SessionID = outer.SessionID
		return nil
	}
	var named ECHOuterExtensions
	if _, err := m.DecodeExtension(&named); err != nil {
		return err
	}
	whole := append(make([]Extension, 0, len(m.Extensions)+len(named.Types)), m.Extensions[:at]...)
	rest := outer.Extensions
	for _, t := range named.Types {
		i := FindExtension(rest, t)
		switch {
		case t == ExtensionEncryptedClientHello:
			return &ECHExpandError{t, "must not be referred to"}
		case i < 0:
			return &ECHExpandError{t, "does not stand in the outer ClientHello, or not in this order, or is referred to twice"}
		}
		whole = append(whole, rest[i])
		rest = rest[i+1:]
	}
	m.Extensions = append(whole, m.Extensions[at+1:]...)
	m.SessionID = outer.SessionID
	return nil
}
