// The extensions of an encrypted ClientHello (RFC 9849, section 5).

package tlsmsg

import "github.com/rawshake/rawshake/field"

// ECHConfirmationLen is the length of the signal in a HelloRetryRequest, in
// bytes.
const ECHConfirmationLen = 8

// EncryptedClientHello is encrypted_client_hello. In the outer ClientHello it
// holds the encrypted inner one, in which it is only a marker; in
// EncryptedExtensions it holds the configurations to use next time, and in a
// HelloRetryRequest a confirmation signal.
type EncryptedClientHello struct {
	// In a ClientHello:
	Form     ECHClientHelloType
	Suite    HPKESuite // outer
	ConfigID uint8     // outer
	Enc      []byte    // outer
	Payload  []byte    // outer; for an unknown Form everything after it

	RetryConfigs []ECHConfig // in EncryptedExtensions
	Confirmation []byte      // in a HelloRetryRequest
}

// ExtensionType returns ExtensionEncryptedClientHello.
func (*EncryptedClientHello) ExtensionType() ExtensionType { return ExtensionEncryptedClientHello }

// Decode reads the data. See [ExtensionData].
func (v *EncryptedClientHello) Decode(c *field.Cursor, in HandshakeType) error {
	*v = EncryptedClientHello{RetryConfigs: v.RetryConfigs[:0]}
	switch in {
	case TypeClientHello:
		v.decodeHello(c)
	case TypeHelloRetryRequest:
		v.Confirmation = c.Bytes("confirmation", ECHConfirmationLen)
	default:
		v.RetryConfigs = readECHConfigs(c, "retry_configs", v.RetryConfigs)
	}
	return c.End()
}

func (v *EncryptedClientHello) decodeHello(c *field.Cursor) {
	v.Form = field.Enum8[ECHClientHelloType](c, "type")
	switch v.Form {
	case ECHOuter:
		c.Enter("cipher_suite")
		v.Suite = readHPKESuite(c)
		c.Leave()
		v.ConfigID = c.Uint8("config_id")
		v.Enc = c.Opaque16("enc", 0, max16)
		v.Payload = c.Opaque16("payload", 1, max16)
	case ECHInner:
	default:
		v.Payload = c.Rest("payload")
	}
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *EncryptedClientHello) AppendData(b []byte, in HandshakeType) []byte {
	switch {
	case in == TypeHelloRetryRequest:
		return append(b, v.Confirmation...)
	case in != TypeClientHello:
		return AppendECHConfigList(b, v.RetryConfigs)
	}
	b = append(b, byte(v.Form))
	switch v.Form {
	case ECHOuter:
		b = append(v.Suite.append(b), v.ConfigID)
		return appendOpaque16(appendOpaque16(b, v.Enc), v.Payload)
	case ECHInner:
		return b
	}
	return append(b, v.Payload...)
}

// ECHOuterExtensions is ech_outer_extensions: in an EncodedClientHelloInner it
// refers to extensions of the outer one.
type ECHOuterExtensions struct {
	Types []ExtensionType
}

// ExtensionType returns ExtensionECHOuterExtensions.
func (*ECHOuterExtensions) ExtensionType() ExtensionType { return ExtensionECHOuterExtensions }

// Decode reads the data. See [ExtensionData].
func (v *ECHOuterExtensions) Decode(c *field.Cursor, _ HandshakeType) error {
	c.Enter8("outer_extensions", 2, max8-1)
	v.Types = room(v.Types, c.Left()/2)
	for c.More() {
		c.Element()
		v.Types = append(v.Types, field.Enum16[ExtensionType](c, "outer_extension"))
	}
	c.Leave()
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *ECHOuterExtensions) AppendData(b []byte, _ HandshakeType) []byte {
	b, at := open8(b)
	for _, t := range v.Types {
		b = append16(b, t)
	}
	return close8(b, at)
}
