// The small messages: HelloRequest, ServerHelloDone, Finished (RFC 5246,
// sections 7.4.1.1, 7.4.5 and 7.4.9) and NewSessionTicket (RFC 5077, section
// 3.3; RFC 9846, section 4.7.1).

package tlsmsg

import "github.com/rawshake/rawshake/field"

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
func (m *NewSessionTicket) Decode(c *field.Cursor, ctx Context) error {
	*m = NewSessionTicket{Extensions: m.Extensions[:0]}
	if ctx.tls13() {
		return m.decode13(c)
	}
	m.LifetimeHint = c.Uint32("ticket_lifetime_hint")
	c.Means("seconds")
	m.Ticket = c.Opaque16("ticket", 0, max16)
	return c.End()
}

func (m *NewSessionTicket) decode13(c *field.Cursor) error {
	m.LifetimeHint = c.Uint32("ticket_lifetime")
	c.Means("seconds")
	m.AgeAdd = c.Uint32("ticket_age_add")
	m.Nonce = c.Opaque8("ticket_nonce", 0, max8)
	m.Ticket = c.Opaque16("ticket", 1, max16)
	m.Extensions = readBlock(c, m.Extensions, TypeNewSessionTicket)
	return c.End()
}

// AppendBody appends the encoded body.
func (m *NewSessionTicket) AppendBody(b []byte, ctx Context) []byte {
	b = append32(b, m.LifetimeHint)
	if !ctx.tls13() {
		return appendOpaque16(b, m.Ticket)
	}
	b = append32(b, m.AgeAdd)
	b = appendOpaque8(b, m.Nonce)
	b = appendOpaque16(b, m.Ticket)
	return appendExtensions(b, m.Extensions, true)
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
