// The key exchange messages (RFC 5246, sections 7.4.3 and 7.4.7; RFC 8422,
// sections 5.4 and 5.7). Their form depends on the negotiated suite; nothing in
// them says which it is.

package tlsmsg

import (
	"strings"

	"github.com/rawshake/rawshake/field"
)

// KeyExchange returns which form the key exchange messages have with suite s.
// It is unknown for suites that are not registered, and for exchanges that this
// package does not decode: PSK, SRP, Kerberos, fixed and anonymous
// Diffie-Hellman, and those of TLS 1.3, which has no such messages.
func (s CipherSuite) KeyExchange() KeyExchange {
	exchange, _, _ := strings.Cut(cipherSuites.name(s), "_WITH_")
	switch exchange {
	case "TLS_ECDHE_ECDSA", "TLS_ECDHE_RSA":
		return KeyExchangeECDHE
	case "TLS_DHE_RSA", "TLS_DHE_DSS":
		return KeyExchangeDHE
	case "TLS_RSA":
		return KeyExchangeRSA
	}
	return KeyExchangeUnknown
}

// String returns the name of an exchange: "ECDHE".
func (k KeyExchange) String() string {
	switch k {
	case KeyExchangeRSA:
		return "RSA"
	case KeyExchangeDHE:
		return "DHE"
	case KeyExchangeECDHE:
		return "ECDHE"
	}
	return "unknown"
}

// Type returns TypeServerKeyExchange.
func (*ServerKeyExchange) Type() HandshakeType { return TypeServerKeyExchange }

// Decode reads a ServerKeyExchange in the form of ctx.KeyExchange. The whole
// body becomes Raw if that form is not known, and also if an ECDHE server
// describes its curve by anything but named_curve: CurveType then says by what,
// and no other field is set. See [Message].
func (m *ServerKeyExchange) Decode(c *field.Cursor, ctx Context) error {
	*m = ServerKeyExchange{}
	body, start := c.Ahead(), c.Offset()
	switch ctx.KeyExchange {
	case KeyExchangeECDHE:
		c.Enter("params")
		m.CurveType = field.Enum8[ECCurveType](c, "curve_type")
		if c.Err() == nil && m.CurveType != CurveNamed {
			c.Rest("curve_params")
			c.Leave()
			m.Raw = body
			return c.End()
		}
		m.Group = field.Enum16[NamedGroup](c, "named_curve")
		m.PublicKey = c.Opaque8("public", 1, max8)
		c.Leave()
	case KeyExchangeDHE:
		c.Enter("params")
		m.DHPrime = c.Opaque16("dh_p", 1, max16)
		m.DHGenerator = c.Opaque16("dh_g", 1, max16)
		m.DHPublic = c.Opaque16("dh_Ys", 1, max16)
		c.Leave()
	default:
		m.Raw = c.Rest("body")
		return c.End()
	}
	m.Params = body[: c.Offset()-start : c.Offset()-start]
	m.Scheme, m.Signature = readSigned(c, ctx)
	return c.End()
}

// AppendBody appends the encoded body: Raw if it is set, else the parameters as
// AppendParams encodes them, and the signature.
func (m *ServerKeyExchange) AppendBody(b []byte, ctx Context) []byte {
	if m.Raw != nil {
		return append(b, m.Raw...)
	}
	b = m.AppendParams(b, ctx)
	return appendSigned(b, ctx, m.Scheme, m.Signature)
}

// AppendParams appends the parameters that the server signs: Params if it is
// set, else the encoded fields.
func (m *ServerKeyExchange) AppendParams(b []byte, ctx Context) []byte {
	switch {
	case m.Params != nil:
		return append(b, m.Params...)
	case ctx.KeyExchange == KeyExchangeECDHE:
		b = append(b, byte(m.CurveType))
		b = append16(b, m.Group)
		return appendOpaque8(b, m.PublicKey)
	case ctx.KeyExchange == KeyExchangeDHE:
		b = appendOpaque16(b, m.DHPrime)
		b = appendOpaque16(b, m.DHGenerator)
		return appendOpaque16(b, m.DHPublic)
	}
	return b
}

// Type returns TypeClientKeyExchange.
func (*ClientKeyExchange) Type() HandshakeType { return TypeClientKeyExchange }

// Decode reads a ClientKeyExchange in the form of ctx.KeyExchange; the whole
// body becomes Raw where that is not known. See [Message].
func (m *ClientKeyExchange) Decode(c *field.Cursor, ctx Context) error {
	*m = ClientKeyExchange{KeyExchange: ctx.KeyExchange}
	switch {
	case m.KeyExchange == KeyExchangeECDHE:
		m.PublicKey = c.Opaque8("ecdh_Yc", 1, max8)
	case m.KeyExchange == KeyExchangeDHE:
		m.PublicKey = c.Opaque16("dh_Yc", 1, max16)
	case m.KeyExchange == KeyExchangeRSA && ctx.Version == VersionSSL30:
		// SSL 3.0 implementations left the length out (RFC 5246, section 7.4.7.1).
		m.EncryptedPreMasterSecret = c.Rest("encrypted_pre_master_secret")
	case m.KeyExchange == KeyExchangeRSA:
		m.EncryptedPreMasterSecret = c.Opaque16("encrypted_pre_master_secret", 0, max16)
	default:
		m.Raw = c.Rest("body")
	}
	return c.End()
}

// AppendBody appends the encoded body in the form of KeyExchange, or if that is
// not set, of ctx.KeyExchange. Raw, if set, is the whole body.
func (m *ClientKeyExchange) AppendBody(b []byte, ctx Context) []byte {
	kx := m.KeyExchange
	if kx == KeyExchangeUnknown {
		kx = ctx.KeyExchange
	}
	switch {
	case m.Raw != nil:
		return append(b, m.Raw...)
	case kx == KeyExchangeECDHE:
		return appendOpaque8(b, m.PublicKey)
	case kx == KeyExchangeDHE:
		return appendOpaque16(b, m.PublicKey)
	case kx == KeyExchangeRSA && ctx.Version == VersionSSL30:
		return append(b, m.EncryptedPreMasterSecret...)
	case kx == KeyExchangeRSA:
		return appendOpaque16(b, m.EncryptedPreMasterSecret)
	}
	return b
}
