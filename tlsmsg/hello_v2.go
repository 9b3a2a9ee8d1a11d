// ClientHello in the form of SSL 2.0.

package tlsmsg

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// A client that also speaks SSL 2.0 sends its hello in that protocol's form,
// with the version of TLS that it supports (RFC 5246, appendix E.2). It has a
// record header of its own, of two bytes, and no extensions. Such a message is
// decoded as a ClientHello with VersionSSL20 in the [Context].

const (
	// V2HeaderLen is the length of the header before a ClientHello of that form.
	V2HeaderLen = 2
	// minV2Hello is the length of its fixed part.
	minV2Hello = 9
	// maxV2Hello bounds what is recognized as one: some hundred suites.
	maxV2Hello = 1 << 10
)

// V2ClientHello splits a ClientHello in SSL 2.0's form off the beginning of a
// byte stream. Raw, without its header, begins with msg_type, aliases b, and is
// what the handshake's hash covers. n is its length, header included, or 0 if
// more bytes are needed; ok is false if b cannot become one.
func V2ClientHello(b []byte) (raw []byte, n int, ok bool) {
	known := func(i int, want byte) bool { return len(b) <= i || b[i] == want }
	switch {
	case len(b) > 0 && b[0]&0x80 == 0, !known(2, byte(TypeClientHello)):
		return nil, 0, false
	case len(b) > 3 && b[3] != 3 && b[3] != 0, len(b) > 4 && b[3] == 0 && b[4] != 2, len(b) > 4 && b[4] > 4:
		return nil, 0, false
	case len(b) < V2HeaderLen+minV2Hello:
		return nil, 0, true
	}
	size := int(b[0]&0x7f)<<8 | int(b[1])
	parts := minV2Hello
	for i := 5; i < 11; i += 2 {
		parts += int(b[i])<<8 | int(b[i+1])
	}
	if size != parts || size > maxV2Hello {
		return nil, 0, false
	}
	if n = V2HeaderLen + size; len(b) < n {
		return nil, 0, true
	}
	return b[V2HeaderLen:n:n], n, true
}

// ExplainV2Record returns the tree of the fields of a ClientHello in SSL 2.0's
// form as it is on the wire, its content one leaf named "bytes".
func ExplainV2Record(wire []byte) *field.Node {
	c := field.Record("SSL2Record", wire)
	n := c.Uint16("msg_length")
	c.Means(fmt.Sprintf("%d bytes follow; the first bit says that the header has two bytes", n&0x7fff))
	c.Rest("bytes")
	return c.Whole()
}

// decodeV2 reads what follows msg_type.
func (m *ClientHello) decodeV2(c *field.Cursor) error {
	*m = ClientHello{CipherSuites: m.CipherSuites[:0], CompressionMethods: append(m.CompressionMethods[:0], 0)}
	m.Version = field.Enum16[Version](c, "client_version")
	specs := int(c.Uint16("cipher_spec_length"))
	id := int(c.Uint16("session_id_length"))
	challenge := int(c.Uint16("challenge_length"))
	if challenge > len(m.Random) {
		c.Failf("%d bytes, expected at most %d", challenge, len(m.Random))
	}
	c.EnterN("cipher_specs", specs)
	for c.More() {
		c.Element()
		spec := c.Uint24("cipher_spec")
		if spec > 0xffff {
			c.Means("a cipher of SSL 2.0")
			continue
		}
		if c.Recording() {
			c.Means(CipherSuite(spec).String())
		}
		m.CipherSuites = append(m.CipherSuites, CipherSuite(spec))
	}
	c.Leave()
	m.SessionID = c.Bytes("session_id", id)
	// The challenge is the random, with zeros in front.
	if b := c.Bytes("challenge", challenge); len(b) <= len(m.Random) {
		copy(m.Random[len(m.Random)-len(b):], b)
	}
	return c.End()
}
