// EncodedClientHelloInner, which is what a client encrypts (RFC 9849, section
// 5.1): a ClientHello without header and session_id, with references to the
// outer one's extensions, and zeros after it.

package tlsmsg

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// ParseClientHelloInner decodes an EncodedClientHelloInner into m as it is;
// [ClientHello.Expand] completes it. Errors are [*field.Error], also if the
// padding is not all zeros.
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

// AppendClientHelloInner appends m as an EncodedClientHelloInner, followed by
// the given number of zeros. Its session_id is left out.
func AppendClientHelloInner(b []byte, m *ClientHello, zeros int) []byte {
	inner := *m
	inner.SessionID, inner.HasExtensions = nil, true
	return append(inner.AppendBody(b, Context{}), make([]byte, max(0, zeros))...)
}

// An ECHExpandError says why a ClientHelloInner cannot be completed. The answer
// is the alert illegal_parameter (RFC 9849, section 5.1).
type ECHExpandError struct {
	Type    ExtensionType // the extension that is referred to
	Problem string
}

// Error names the extension that cannot be taken from the outer ClientHello, and why.
func (e *ECHExpandError) Error() string {
	return fmt.Sprintf("ClientHelloInner: ech_outer_extensions: %s %s", e.Type, e.Problem)
}

// Expand completes an inner ClientHello: it takes the outer one's session_id,
// and replaces ech_outer_extensions by the extensions that it names, which the
// outer one must have in the same order, each once. It looks at each extension
// of the outer one once. After an [*ECHExpandError] m is unchanged.
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
