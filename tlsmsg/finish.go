package tlsmsg

import "github.com/rawshake/rawshake/field"

// The messages without much inside: HelloRequest, ServerHelloDone, Finished
// (RFC 5246, sections 7.4.1.1, 7.4.5 and 7.4.9) and NewSessionTicket
// (RFC 5077, section 3.3).

// Type returns TypeHelloRequest.
func (*HelloRequest) Type() HandshakeType { return TypeHelloRequest }

// Decode checks that the body is empty. See [Message].
func (*HelloRequest) Decode(c *field.Cursor, _ Context) error { return c.End() }

// AppendBody appends nothing.
func (*HelloRequest) AppendBody(b []byte, _ Context) []byte { return b }

// Type returns TypeServerHelloDone.
func (*ServerHelloDone) Type() HandshakeType { return TypeServerHelloDone }

// Decode checks that the body is empty. See [Message].
func (*ServerHelloDone) Decode(c *field.Cursor, _ Context) error { return c.End() }

// AppendBody appends nothing.
func (*ServerHelloDone) AppendBody(b []byte, _ Context) []byte { return b }

// Type returns TypeFinished.
func (*Finished) Type() HandshakeType { return TypeFinished }

// VerifyDataLen is verify_data_length, in bytes, of every cipher suite defined
// for TLS 1.0 to 1.2 (RFC 5246, section 7.4.9).
const VerifyDataLen = 12

// Decode reads a Finished. In TLS 1.0 to 1.2 verify_data has VerifyDataLen
// bytes; in other versions it is all that is left. See [Message].
func (m *Finished) Decode(c *field.Cursor, ctx Context) error {
	if VersionTLS10 <= ctx.Version && ctx.Version <= VersionTLS12 {
		m.VerifyData = c.Bytes("verify_data", VerifyDataLen)
	} else {
		m.VerifyData = c.Rest("verify_data")
	}
	return c.End()
}

// AppendBody appends the encoded body.
func (m *Finished) AppendBody(b []byte, _ Context) []byte { return append(b, m.VerifyData...) }

// Type returns TypeNewSessionTicket.
func (*NewSessionTicket) Type() HandshakeType { return TypeNewSessionTicket }

// Decode reads a NewSessionTicket. See [Message].
func (m *NewSessionTicket) Decode(c *field.Cursor, _ Context) error {
	m.LifetimeHint = c.Uint32("ticket_lifetime_hint")
	c.Means("seconds")
	m.Ticket = c.Opaque16("ticket", 0, max16)
	return c.End()
}

// AppendBody appends the encoded body.
func (m *NewSessionTicket) AppendBody(b []byte, _ Context) []byte {
	h := m.LifetimeHint
	b = append(b, byte(h>>24), byte(h>>16), byte(h>>8), byte(h))
	return appendOpaque16(b, m.Ticket)
}

// Type returns m.HandshakeType.
func (m *UnknownMessage) Type() HandshakeType { return m.HandshakeType }

// Decode takes all that is left as the body. See [Message].
func (m *UnknownMessage) Decode(c *field.Cursor, _ Context) error {
	m.Body = c.Rest("body")
	return c.End()
}

// AppendBody appends the body.
func (m *UnknownMessage) AppendBody(b []byte, _ Context) []byte { return append(b, m.Body...) }
